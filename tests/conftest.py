"""Fixtures of the whole suite: servers, databases and the event loop.

Imports the standard library, pytest and hypothesis alone: the domain suite runs with nothing else
installed.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, TypeVar

import pytest

from tests.hypothesis_profiles import register_profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from tests.databases import Databases
    from tests.servers import Postgres, RedisServer
    from tests.servers.s3 import S3


register_profiles()

Server = TypeVar("Server")

ALL_DATABASES = ("sqlite", "postgresql")
SERVERS = {"postgres", "redis_server", "own_redis", "browser"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all-databases",
        action="store_true",
        help="run tests on both databases that otherwise run on SQLite alone",
    )
    parser.addoption(
        "--traces",
        action="store_true",
        help="keep a trace of each failed browser test, for `playwright show-trace`",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks a test that starts a server or Chromium, so that `-m "not servers"` leaves it out."""
    if SERVERS & set(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.servers)


@pytest.hookimpl(trylast=True)  # after pytest has grouped the tests by fixtures
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests, which mostly wait, come first: one worker runs them while the others compute.

    The slowest are the first, since a worker that begins one last would end long after the others:
    `pytest.mark.slow(seconds=60)`, where they are more than ten.
    """

    def seconds(item: pytest.Item) -> int:
        mark = item.get_closest_marker("slow")
        return int(mark.kwargs.get("seconds", 10)) if mark else 0

    items.sort(key=seconds, reverse=True)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Imports the tests without searches for garbage, which would be a quarter of the time.

    Searches after that skip modules and tests, which all stay to the end of the run.
    """
    gc.disable()
    collected = yield
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, *gc.get_threshold()[1:])
    gc.enable()
    return collected


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test on the databases that its mark names, or else on SQLite."""
    if "databases" in metafunc.fixturenames:
        usual = ALL_DATABASES if metafunc.config.getoption("all_databases") else ("sqlite",)
        mark = metafunc.definition.get_closest_marker("databases")
        kinds = [
            pytest.param(kind, marks=pytest.mark.servers if kind == "postgresql" else ())
            for kind in (mark.args if mark else usual)
        ]
        metafunc.parametrize("databases", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for the whole run, so that tests can share what is bound to it."""
    return "asyncio"


# --------------------------------------------------------------------------------------- servers


def started(start: Callable[[], Server]) -> Server:
    """A server. A missing program fails the tests that ask for it: a skip would go unnoticed."""
    from tests.servers import ServerError

    try:
        return start()
    except ServerError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this run's own.

    A fixture or a parametrised test that asks for it by name at run time
    (`request.getfixturevalue("postgres")`) marks that case itself with `pytest.mark.servers`.
    """
    from tests.servers import Postgres

    with started(Postgres.start) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis server of this run's own; see `postgres` for the rest."""
    from tests.servers import RedisServer

    with started(RedisServer.start) as server:
        yield server


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis server of this test's own, which it may stop; see `postgres` for the rest."""
    from tests.servers import RedisServer

    with started(RedisServer.start) as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """A store that speaks S3, with its credentials in the environment. It needs no program."""
    from tests.servers.s3 import S3

    with S3() as server:
        yield server


# ------------------------------------------------------------------------------------- databases


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    from tests.databases import SqliteDatabases

    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session")
def postgresql_databases(postgres: Postgres) -> Databases:
    from tests.databases import PostgresqlDatabases

    return PostgresqlDatabases(postgres)


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases:
    """Databases of the kind that this case runs on; see `tests.databases`."""
    found: Databases = request.getfixturevalue(f"{request.param}_databases")
    return found

"""What every part of the suite shares.

Imports the standard library and pytest alone: the domain suite runs with nothing else installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import Postgres, RedisServer
    from tests.servers.s3 import S3


Server = TypeVar("Server")

SERVERS = {"postgres", "redis_server", "own_redis"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that start a server, so that `-m "not servers"` leaves them out."""
    for item in items:
        if SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.servers)


def started(start: Callable[[], Server]) -> Server:
    """A server. A machine without its program fails the tests that ask for it: a skip would go
    unnoticed.
    """
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

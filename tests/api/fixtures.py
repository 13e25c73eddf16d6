"""The platform under test: the whole application on a database of its own, without a network.

A `conftest.py` takes the fixtures from here. `api` is shared by the tests of a module, which
make their own people; `fresh_api` has an empty database to itself.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from sidepro.adapters.security.passwords import Argon2Passwords
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema.migrate import migrate
from sidepro.bootstrap import (
    Container,
    application,
    build,
)
from sidepro.settings import Settings
from tests.api.client import ADDRESS, Api
from tests.servers import SECRET_KEY, Postgres


class Databases(Protocol):
    """Databases of one kind, each of them migrated and empty."""

    def fresh(self) -> AbstractContextManager[str]:
        """The address of a new one, which is removed at the end of the block."""
        ...


class SqliteDatabases:
    """Copies of a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.sqlite3"
        migrated(f"sqlite:///{self._template}")
        self._count = 0

    @contextmanager
    def fresh(self) -> Iterator[str]:
        self._count += 1
        copy = self._folder / f"{self._count}.sqlite3"
        shutil.copyfile(self._template, copy)
        yield f"sqlite:///{copy}"
        copy.unlink()


class PostgresDatabases:
    """Copies of a template."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._template = migrated(server.fresh_database())

    def fresh(self) -> AbstractContextManager[str]:
        return self._server.database(template=self._template)


def migrated(address: str) -> str:
    """The address, once the database behind it is migrated and nobody is connected any more."""

    async def work() -> None:
        database = Database(address)
        try:
            await migrate(database)
        finally:
            await database.close()

    asyncio.run(work())
    return address


@asynccontextmanager
async def serving(address: str, folder: Path, **settings: Any) -> AsyncIterator[Api]:
    """The API of a platform on this database; without limits unless they are asked for."""
    chosen = {"secret_key": (SECRET_KEY,), "rate_limits": False, **settings}
    platform = build(Settings(data_dir=folder, database_url=address, **chosen), ADDRESS)
    platform = with_quick_passwords(platform)
    api = Api(platform, application(platform, with_jobs=False))
    try:
        async with api.http:
            yield api
    finally:
        await platform.close()


def with_quick_passwords(platform: Container) -> Container:
    """The platform with hashes that cost nothing to speak of: people sign up in every test."""
    platform.passwords.close()
    quick = Argon2Passwords(memory_kib=8)
    services = platform.api.services
    accounts = replace(services.accounts, passwords=quick)
    services = replace(
        services,
        accounts=accounts,
        sessions=replace(services.sessions, passwords=quick),
        withdrawal=replace(services.withdrawal, accounts=accounts),
    )
    return replace(platform, passwords=quick, api=replace(platform.api, services=services))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for the whole run, so that modules can share a platform."""
    return "asyncio"


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_databases(postgres: Postgres) -> Databases:
    return PostgresDatabases(postgres)


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)]
)
def databases(request: pytest.FixtureRequest) -> Databases:
    """Both kinds in turn; a server is started for those who want it alone."""
    found: Databases = request.getfixturevalue(f"{request.param}_databases")
    return found


@pytest.fixture(scope="module")
async def api(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Api]:
    """A platform for the tests of a module."""
    with databases.fresh() as address:
        async with serving(address, tmp_path_factory.mktemp("data")) as api:
            yield api


@pytest.fixture
async def fresh_api(databases: Databases, tmp_path: Path) -> AsyncIterator[Api]:
    """A platform for one test, with nobody on it."""
    with databases.fresh() as address:
        async with serving(address, tmp_path) as api:
            yield api

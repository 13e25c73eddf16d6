"""Migrated databases for tests: copies of a template, which is migrated once in a run.

A test gets SQLite, unless it or its module is marked with the databases that it wants:

    pytestmark = [pytest.mark.anyio, both_databases]
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import pytest

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema import migrate as migrations
from tests.servers import SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.servers import Postgres

both_databases = pytest.mark.databases("sqlite", "postgresql")
no_sql = pytest.mark.databases("sqlite")
"""Of a test that would see the same on any database, in a module for both."""
postgresql_only = pytest.mark.databases("postgresql")


class Databases(Protocol):
    """Databases of one kind, each of them migrated and empty."""

    def fresh(self) -> AbstractContextManager[str]:
        """The address of a new one, which is removed at the end of the block."""
        ...

    def empty(self) -> AbstractContextManager[str]:
        """As `fresh`, but not migrated."""
        ...

    def settings(self, folder: Path) -> AbstractContextManager[dict[str, str]]:
        """The settings of a server on a new one, with its data in this folder."""
        ...


class SqliteDatabases:
    """Copies of a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.sqlite3"
        migrate(f"sqlite:///{self._template}")
        self._numbers = itertools.count(1)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        with self.empty() as address:
            shutil.copyfile(self._template, address.removeprefix("sqlite:///"))
            yield address

    @contextmanager
    def empty(self) -> Iterator[str]:
        path = self._folder / f"{next(self._numbers)}.sqlite3"
        yield f"sqlite:///{path}"
        path.unlink(missing_ok=True)

    @contextmanager
    def settings(self, folder: Path) -> Iterator[dict[str, str]]:
        folder.mkdir(exist_ok=True)
        shutil.copyfile(self._template, folder / "sidepro.sqlite3")
        yield {"SIDEPRO_DATA_DIR": str(folder)}


class PostgresqlDatabases:
    """Copies of a template database."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._template = migrate(server.fresh_database())

    def fresh(self) -> AbstractContextManager[str]:
        return self._server.database(template=self._template)

    def empty(self) -> AbstractContextManager[str]:
        return self._server.database()

    @contextmanager
    def settings(self, folder: Path) -> Iterator[dict[str, str]]:
        with self.fresh() as url:
            yield settings_of(url, folder)


def migrate(address: str) -> str:
    """Migrates a database and closes all connections to it. Returns the address."""

    async def run() -> None:
        database = Database(address)
        try:
            await migrations.migrate(database)
        finally:
            await database.close()

    asyncio.run(run())
    return address


def settings_of(url: str, folder: Path) -> dict[str, str]:
    """The settings of a server on PostgreSQL."""
    return {
        "SIDEPRO_DATA_DIR": str(folder),
        "SIDEPRO_DATABASE_URL": url,
        "SIDEPRO_SECRET_KEY": SECRET_KEY,
    }


def address_of(settings: Mapping[str, str]) -> str:
    """The address of the database of a server with these settings."""
    embedded = f"sqlite:///{settings['SIDEPRO_DATA_DIR']}/sidepro.sqlite3"
    return settings.get("SIDEPRO_DATABASE_URL", embedded)

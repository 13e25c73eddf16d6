"""Migrations: from any older schema to the one that this version needs.

A schema may be newer than the code that uses it: while a release is rolled out, processes of the
version before serve the migrated database. Each migration states the oldest code that serves the
schema after it (`oldest_code`), and the database stores that of its newest migration.
"""

from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, insert, inspect, select, text

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.locks import MIGRATION_LOCK
from sidepro.adapters.sql.schema.tables import metadata, schema_compatibility

_FOLDER = Path(__file__).resolve().parent / "migrations"


class SchemaState(StrEnum):
    """How the schema of a database stands to this version of the code."""

    BEHIND = "behind"
    """A migration of this version is missing: the code cannot serve."""

    CURRENT = "current"

    COMPATIBLE = "compatible"
    """A newer version has migrated the database, and this version can serve it."""

    TOO_NEW = "too new"
    """A newer version has migrated the database, and this version cannot serve it."""


class Schema(NamedTuple):
    """The schema of a database: its revision, `None` for an empty database, and its state."""

    revision: str | None
    state: SchemaState

    @property
    def is_served(self) -> bool:
        """Whether this version of the code can use the database."""
        return self.state in (SchemaState.CURRENT, SchemaState.COMPATIBLE)


class NewerDatabaseError(Exception):
    """A newer version has migrated the database to a schema that this version cannot serve."""


async def migrate(database: Database) -> tuple[str | None, str | None]:
    """Apply the missing migrations, all in one transaction. Returns the revision before and after.

    Leaves a newer schema alone if this version can serve it.

    Raises:
        NewerDatabaseError: the schema is too new.
        Unavailable: the database cannot be reached.
    """
    async with database.restructuring() as connection:
        result = await connection.run_sync(_upgrade)
        await connection.commit()
    return result


async def undo(database: Database, back_to: str = "base") -> None:
    """Undo the migrations after a revision, or all. For tests and developers: loses data."""
    async with database.restructuring() as connection:
        await connection.run_sync(lambda plain: command.downgrade(_config(plain), back_to))
        await connection.commit()


async def inspect_schema(database: Database) -> Schema:
    """The schema of the database, whether or not this version can serve it.

    Raises:
        Unavailable: the database cannot be reached.
    """
    async with database.reading() as connection:
        return await connection.run_sync(_inspect_schema)


def head() -> str:
    """The revision that this version of the code needs."""
    newest = ScriptDirectory(str(_FOLDER)).get_current_head()
    assert newest is not None, "there is at least one migration"  # noqa: S101
    return newest


def differences(connection: Connection) -> list[object]:
    """The differences between the tables of the database and of the code."""
    on_sqlite = connection.dialect.name == "sqlite"

    def is_comparable(_item: object, name: str | None, _kind: str, *_rest: object) -> bool:
        """SQLite has tables of FTS5 instead of the index of n-grams."""
        name = name or ""
        return not on_sqlite or not name.startswith(("project_grams", "ix_project_search_grams"))

    context = MigrationContext.configure(connection, opts={"include_object": is_comparable})
    return list(compare_metadata(context, metadata))


def _upgrade(connection: Connection) -> tuple[str | None, str | None]:
    if connection.dialect.name == "postgresql":
        # Concurrent migrations run one after the other.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    before = _inspect_schema(connection)
    if before.state is SchemaState.TOO_NEW:
        raise NewerDatabaseError(before.revision)
    if before.is_served:
        return before.revision, before.revision
    command.upgrade(_config(connection), "head")
    _store_oldest_code(connection)
    if connection.dialect.name == "sqlite":
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        assert not broken, f"a migration broke references: {broken}"  # noqa: S101
    return before.revision, head()


def _inspect_schema(connection: Connection) -> Schema:
    revision = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions()}
    if revision is None or revision in known:
        is_current = revision == head()
        return Schema(revision, SchemaState.CURRENT if is_current else SchemaState.BEHIND)
    is_served = _stored_oldest_code(connection) in known
    return Schema(revision, SchemaState.COMPATIBLE if is_served else SchemaState.TOO_NEW)


def _stored_oldest_code(connection: Connection) -> str | None:
    """The oldest code that serves the schema; `None` if the database does not tell."""
    if not inspect(connection).has_table(schema_compatibility.name):
        return None
    return connection.scalar(select(schema_compatibility.c.oldest_code))


def _store_oldest_code(connection: Connection) -> None:
    newest = ScriptDirectory(str(_FOLDER)).get_revision(head())
    oldest_code = getattr(newest.module, "oldest_code", None)
    if oldest_code is None:  # before 0015 there was no table for it
        return
    connection.execute(delete(schema_compatibility))
    connection.execute(insert(schema_compatibility).values(id=1, oldest_code=oldest_code))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config

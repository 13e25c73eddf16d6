"""Migrations: from any older schema to the one that this version needs."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.locks import MIGRATION_LOCK
from sidepro.adapters.sql.schema.tables import metadata

_FOLDER = Path(__file__).resolve().parent / "migrations"


class NewerDatabaseError(Exception):
    """A newer version of the program has migrated the database."""


async def migrate(database: Database) -> tuple[str | None, str]:
    """Apply the missing migrations, all in one transaction. Returns the revision before and after.

    Raises:
        NewerDatabaseError: the database is at a revision that this version does not know.
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


async def current(database: Database) -> str | None:
    """The revision of the database; `None` for an empty one.

    Raises:
        NewerDatabaseError: this version does not know the revision.
        Unavailable: the database cannot be reached.
    """
    async with database.reading() as connection:
        return await connection.run_sync(_revision)


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


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    if connection.dialect.name == "postgresql":
        # Concurrent migrations run one after the other.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    before = _revision(connection)
    if before != head():
        command.upgrade(_config(connection), "head")
        if connection.dialect.name == "sqlite":
            broken = connection.execute(text("PRAGMA foreign_key_check")).all()
            assert not broken, f"a migration broke references: {broken}"  # noqa: S101
    return before, head()


def _revision(connection: Connection) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions()}
    if revision is not None and revision not in known:
        raise NewerDatabaseError(revision)
    return revision


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config

"""Bringing a database to the schema that this version of the code needs."""

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
    """The database was migrated by a newer version of this program."""


async def migrate(database: Database) -> tuple[str | None, str]:
    """Apply the migrations that are missing; the revision before and after.

    All of them are one transaction: they are applied as a whole or not at all.

    Raises:
        NewerDatabaseError: the database is at a revision that this version does not know.
        Unavailable: the database cannot be reached.
    """
    async with database.restructuring() as connection:
        result = await connection.run_sync(_upgrade)
        await connection.commit()
    return result


async def undo(database: Database, back_to: str = "base") -> None:
    """Undo the migrations after a revision, or every one. For tests and for developers: what had
    no place before is lost, in the end all data.
    """
    async with database.restructuring() as connection:
        await connection.run_sync(lambda plain: command.downgrade(_config(plain), back_to))
        await connection.commit()


async def current(database: Database) -> str | None:
    """The revision that the database is at; `None` for an empty one.

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
    """What the tables in the database lack or have too much, compared with the code's."""
    on_sqlite = connection.dialect.name == "sqlite"

    def is_common(_item: object, name: str | None, _kind: str, *_rest: object) -> bool:
        """SQLite has another index for the text search, in tables of its own making."""
        name = name or ""
        return not on_sqlite or not name.startswith(("project_grams", "ix_project_search_grams"))

    context = MigrationContext.configure(connection, opts={"include_object": is_common})
    return list(compare_metadata(context, metadata))


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    if connection.dialect.name == "postgresql":
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

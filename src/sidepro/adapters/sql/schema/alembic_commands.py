"""Runs migrations with Alembic.

Only `migrate` imports this module, when there is something to migrate: with Alembic come dialects
of other databases and a template engine, 4 MB in each process.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, insert, text

from sidepro.adapters.sql.schema import online
from sidepro.adapters.sql.schema.columns import metadata
from sidepro.adapters.sql.schema.tables import schema_compatibility


def upgrade_at_once(connection: Connection, folder: Path, target: str) -> None:
    """Apply the migrations up to the target in one transaction, which the caller commits."""
    _upgrade_to(connection, folder, target)
    if connection.dialect.name == "sqlite":
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        assert not broken, f"a migration broke references: {broken}"  # noqa: S101


def upgrade_online(connection: Connection, folder: Path, revisions: Sequence[str]) -> None:
    """Apply these migrations while other processes use the database. Commits each step.

    Raises:
        LocksHeldError: other transactions held the locks of a step for too long.
    """
    connection.rollback()
    for revision in revisions:
        online.retrying(
            connection, partial(_upgrade_to, connection, folder, revision, is_online=True)
        )
    connection.execute(text("RESET lock_timeout"))


def downgrade(connection: Connection, folder: Path, back_to: str) -> None:
    """Undo the migrations after a revision, in one transaction."""
    command.downgrade(config_for(connection, folder), back_to)


def differences(connection: Connection) -> list[object]:
    """The differences between the tables of the database and of the code."""
    on_sqlite = connection.dialect.name == "sqlite"

    def is_comparable(_item: object, name: str | None, _kind: str, *_rest: object) -> bool:
        """SQLite has tables of FTS5 instead of the index of n-grams."""
        name = name or ""
        return not on_sqlite or not name.startswith(("project_grams", "ix_project_search_grams"))

    context = MigrationContext.configure(connection, opts={"include_object": is_comparable})
    return list(compare_metadata(context, metadata))


def config_for(connection: Connection, folder: Path) -> Config:
    """Alembic's configuration for the migrations of a folder."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["connection"] = connection
    return config


def _upgrade_to(
    connection: Connection, folder: Path, revision: str, *, is_online: bool = False
) -> None:
    config = config_for(connection, folder)
    config.attributes[online.ONLINE] = is_online
    command.upgrade(config, revision)
    migration = ScriptDirectory(str(folder)).get_revision(revision)
    oldest_code = getattr(migration.module, "oldest_code", None)
    if oldest_code is None:  # before 0015 there was no table for it
        return
    connection.execute(delete(schema_compatibility))
    connection.execute(insert(schema_compatibility).values(id=1, oldest_code=oldest_code))

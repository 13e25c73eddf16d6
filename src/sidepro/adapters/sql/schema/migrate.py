"""Migrations: from any older schema to the one that this version needs.

A schema may be newer than the code that uses it: while a release is rolled out, processes of the
version before serve the migrated database. Each migration states the oldest code that serves the
schema after it (`oldest_code`), and the database stores that of its newest migration.

A migration marked `contract = True` removes what only older code needs. `migrate` leaves those at
the end of the history for `migrate --contract`, which runs when no older process is left. See
`docs/upgrading.md`.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, column, func, inspect, select, table

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.locks import MIGRATION_LOCK
from sidepro.adapters.sql.schema.tables import schema_compatibility

_FOLDER = Path(__file__).resolve().parent / "migrations"

_CONTRACT = re.compile(r"^contract = True$", re.MULTILINE)

LOCK_INTERVAL = 0.1
"""Seconds between two attempts to begin while another process migrates."""

RETRY_SECONDS = 60.0
"""Seconds after which a step that does not get its locks fails."""

_TRY_LOCK = select(func.pg_try_advisory_lock(MIGRATION_LOCK))

_STORED_REVISION = table("alembic_version", column("version_num"))


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


class LocksHeldError(Exception):
    """Other transactions held the locks that a migration needs for too long."""


async def migrate(database: Database, *, contract: bool = False) -> tuple[str | None, str | None]:
    """Apply the missing migrations. Returns the revision before and after.

    Leaves a newer schema alone if this version can serve it. `contract` also applies the contract
    migrations at the end. On PostgreSQL each step is committed on its own, and waits for locks
    only briefly. SQLite and an empty database are migrated in one transaction.

    Raises:
        NewerDatabaseError: the schema is too new.
        LocksHeldError: other transactions held the locks of a step for too long.
        Unavailable: the database cannot be reached.
    """
    async with _migration_lock(database), database.restructuring() as connection:
        result = await connection.run_sync(partial(_upgrade, contract=contract))
        await connection.commit()
    return result


@asynccontextmanager
async def _migration_lock(database: Database) -> AsyncIterator[None]:
    """Concurrent migrations of PostgreSQL run one after the other.

    Polls: a statement that waits would be a transaction for which a concurrent build of an index
    waits in turn.
    """
    if database.is_sqlite:
        yield
        return
    async with database.reading() as connection:
        try:
            while not await connection.scalar(_TRY_LOCK):  # noqa: ASYNC110 - no event says it
                await asyncio.sleep(LOCK_INTERVAL)
            yield
        finally:
            # Releases the lock, also after a cancellation.
            await connection.invalidate()


async def undo(database: Database, back_to: str = "base") -> None:
    """Undo the migrations after a revision, or all. For tests and developers: loses data."""
    from sidepro.adapters.sql.schema import alembic_commands  # noqa: PLC0415 - see there

    async with database.restructuring() as connection:
        await connection.run_sync(
            lambda plain: alembic_commands.downgrade(plain, _FOLDER, back_to)
        )
        await connection.commit()


async def inspect_schema(database: Database) -> Schema:
    """The schema of the database, whether or not this version can serve it.

    Raises:
        Unavailable: the database cannot be reached.
    """
    async with database.reading() as connection:
        return await connection.run_sync(_inspect_schema)


def head() -> str:
    """The newest revision of this version of the code."""
    return _migrations()[-1].revision


def needed() -> str:
    """The oldest revision that this version of the code serves: without the contract migrations
    at the end.
    """
    return next(
        migration.revision for migration in reversed(_migrations()) if not migration.is_contract
    )


def next_revision(revision: str | None, *, contract: bool = False) -> str | None:
    """The revision to which `migrate` would migrate a database; `None` if it has nothing to do."""
    missing = _missing(revision, head() if contract else needed())
    return missing[-1] if missing else None


def _upgrade(connection: Connection, *, contract: bool) -> tuple[str | None, str | None]:
    before = _inspect_schema(connection)
    if before.state is SchemaState.TOO_NEW:
        raise NewerDatabaseError(before.revision)
    target = head() if contract or before.revision is None else needed()
    missing = _missing(before.revision, target)
    if not missing:
        return before.revision, before.revision
    from sidepro.adapters.sql.schema import alembic_commands  # noqa: PLC0415 - see there

    if connection.dialect.name == "sqlite" or before.revision is None:
        alembic_commands.upgrade_at_once(connection, _FOLDER, target)
    else:
        alembic_commands.upgrade_online(connection, _FOLDER, missing)
    return before.revision, target


class _Migration(NamedTuple):
    revision: str
    is_contract: bool


def _migrations() -> list[_Migration]:
    """All migrations, the first one first."""
    return _migrations_in(_FOLDER)


@cache
def _migrations_in(folder: Path) -> list[_Migration]:
    """Read as text: they import Alembic."""
    return [
        _Migration(
            file.name.partition("_")[0], bool(_CONTRACT.search(file.read_text(encoding="utf-8")))
        )
        for file in sorted((folder / "versions").glob("[0-9]*_*.py"))
    ]


def _missing(revision: str | None, target: str) -> list[str]:
    """The revisions after this one up to the target. None if this one is unknown or later."""
    revisions = [migration.revision for migration in _migrations()]
    targeted = revisions[: revisions.index(target) + 1]
    if revision is None:
        return targeted
    return targeted[targeted.index(revision) + 1 :] if revision in targeted else []


def _inspect_schema(connection: Connection) -> Schema:
    revision = _stored_revision(connection)
    known = {migration.revision for migration in _migrations()}
    if revision is None or revision in known:
        is_behind = revision is None or bool(_missing(revision, needed()))
        return Schema(revision, SchemaState.BEHIND if is_behind else SchemaState.CURRENT)
    is_served = _stored_oldest_code(connection) in known
    return Schema(revision, SchemaState.COMPATIBLE if is_served else SchemaState.TOO_NEW)


def _stored_revision(connection: Connection) -> str | None:
    """The revision of the schema; `None` if nothing was migrated."""
    if not inspect(connection).has_table(_STORED_REVISION.name):
        return None
    return connection.scalar(select(_STORED_REVISION.c.version_num))


def _stored_oldest_code(connection: Connection) -> str | None:
    """The oldest code that serves the schema; `None` if the database does not tell."""
    if not inspect(connection).has_table(schema_compatibility.name):
        return None
    return connection.scalar(select(schema_compatibility.c.oldest_code))

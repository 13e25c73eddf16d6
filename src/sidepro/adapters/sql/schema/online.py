"""Steps of migrations that run while older processes serve the same database.

On PostgreSQL each step commits on its own, so no lock outlasts it, and does nothing if it was done
before: a migration that was interrupted runs again from its start. Plain operations of `op` must
follow the last step in a migration, since they are committed together with its revision.

On SQLite, which is never migrated while it is served, and in an empty database the steps are
ordinary operations of one transaction.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog
from alembic import op
from sqlalchemy import Connection, text

from sidepro.adapters.sql.schema.migrate import RETRY_SECONDS, LocksHeldError

log = structlog.get_logger(__name__)

LOCK_TIMEOUT = 50
"""Milliseconds that a statement waits for a lock, with statements of other processes behind it."""

INDEX_LOCK_TIMEOUT = 60_000
"""Milliseconds. Building an index concurrently waits for old transactions and blocks nobody."""

PAUSES = (0.05, 0.5)
"""Seconds between two attempts: at least, at most."""

BATCH_SIZE = 1_000
"""Rows changed in one transaction."""

ONLINE = "sidepro.online"
"""Attribute of Alembic's configuration: other processes may serve the database."""

_LOCK_STATES = frozenset({"55P03", "40P01"})  # lock not available, deadlock detected

Result = TypeVar("Result")


def is_online() -> bool:
    """Whether other processes may serve the database meanwhile."""
    config = op.get_context().config
    return config is not None and bool(config.attributes.get(ONLINE))


def retrying(connection: Connection, step: Callable[[], Result]) -> Result:
    """Run a step and commit it. Retries if it does not get a lock.

    Raises:
        LocksHeldError: it did not get its locks within `RETRY_SECONDS`.
    """
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        try:
            connection.execute(text(f"SET lock_timeout = {LOCK_TIMEOUT}"))
            result = step()
            connection.commit()
        except Exception as error:
            connection.rollback()
            if not _is_about_locks(error):
                raise
            if time.monotonic() > deadline:
                raise LocksHeldError from error
            log.info("migration_waits_for_locks")
            time.sleep(random.uniform(*PAUSES))  # noqa: S311 - no secret
        else:
            return result


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column that may be null or has a default of the server."""
    if is_online():
        if column.name not in _columns(table):
            _retrying(lambda: op.add_column(table, column))
    else:
        op.add_column(table, column)


def set_not_null(table: str, column: str, existing_type: Any) -> None:
    """Forbid nulls. The rows are checked while others write."""
    if not is_online():
        with op.batch_alter_table(table) as batch:
            batch.alter_column(column, existing_type=existing_type, nullable=False)
        return
    if not _columns(table)[column]["nullable"]:
        return
    check = f"ck_{table}_{column}_not_null"
    add = f"ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID"
    _retrying(lambda: op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {check}, {add}"))
    _retrying(lambda: op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}"))
    # PostgreSQL trusts the validated check and does not read the table again.
    forbid = f"ALTER COLUMN {column} SET NOT NULL"
    _retrying(lambda: op.execute(f"ALTER TABLE {table} {forbid}, DROP CONSTRAINT {check}"))


def create_index(
    name: str, table: str, columns: Sequence[str], *, unique: bool = False, **options: Any
) -> None:
    """Create an index while others write."""
    if not is_online():
        op.create_index(name, table, list(columns), unique=unique, **options)
        return
    if _index_is_valid(name):
        return
    with _autocommit():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # of an interrupted build
        op.create_index(
            name, table, list(columns), unique=unique, postgresql_concurrently=True, **options
        )


def drop_index(name: str, table: str) -> None:
    """Drop an index while others use the table. For `contract` migrations."""
    if not is_online():
        op.drop_index(name, table)
        return
    with _autocommit():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def backfill(table: str, key: str, update: str) -> None:
    """Run an UPDATE in batches.

    `update` has a condition on `key` between `:first` and `:last`. It should skip rows that it
    changed before.
    """
    bind = op.get_bind()
    last_of_batch = text(
        f"SELECT max({key}) FROM (SELECT {key} FROM {table} WHERE {key} > :after"  # noqa: S608 - names
        f" ORDER BY {key} LIMIT {BATCH_SIZE}) batch"
    )
    after = bind.scalar(text(f"SELECT min({key}) - 1 FROM {table}"))  # noqa: S608 - names
    while after is not None:
        last = bind.scalar(last_of_batch, {"after": after})
        if last is None:
            return
        bounds = {"first": after + 1, "last": last}
        in_batches(partial(bind.execute, text(update), bounds))
        after = last


def in_batches(batch: Callable[[], Result]) -> Result:
    """Run one batch of a change, in a transaction of its own if others serve the database."""
    return _retrying(batch) if is_online() else batch()


def _retrying(step: Callable[[], Result]) -> Result:
    return retrying(op.get_bind(), step)


def _columns(table: str) -> dict[str, Any]:
    return {one["name"]: one for one in sa.inspect(op.get_bind()).get_columns(table)}


def _index_is_valid(name: str) -> bool:
    valid = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    return bool(op.get_bind().scalar(valid, {"name": name}))


@contextmanager
def _autocommit() -> Iterator[None]:
    """Run statements outside any transaction."""
    bind = op.get_bind()
    bind.commit()
    bind.execution_options(isolation_level="AUTOCOMMIT")
    try:
        bind.execute(text(f"SET lock_timeout = {INDEX_LOCK_TIMEOUT}"))
        yield
        bind.commit()
    finally:
        bind.rollback()
        bind.execution_options(isolation_level="READ COMMITTED")


def _is_about_locks(error: BaseException | None) -> bool:
    while error is not None:
        original = getattr(error, "orig", None) or error
        if getattr(original, "sqlstate", None) in _LOCK_STATES:
            return True
        error = error.__cause__
    return False

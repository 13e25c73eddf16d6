"""Locks across processes: one similarity run at a time, one serving process without Redis.

SQLite: a locked file beside the database. PostgreSQL: an advisory lock. The operating system or
the server releases it when its process or connection ends.
"""

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import IO

import structlog
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.database import Database
from sidepro.domain.errors import Unavailable

log = structlog.get_logger(__name__)

MIGRATION_LOCK, SERVE_LOCK, JOB_LOCK = 7_102_024, 7_102_025, 7_102_026
"""Keys of PostgreSQL's advisory locks: arbitrary, and the same in every version."""

CHECK_INTERVAL = 1.0
"""Seconds between two checks of the connection that holds the serve lock."""

RETRY_INTERVAL = 0.1
"""Seconds between two attempts to acquire the job lock."""

_SERVE_ALONE = select(func.pg_try_advisory_lock(SERVE_LOCK))
_SERVE_SHARED = select(func.pg_try_advisory_lock_shared(SERVE_LOCK))
_CHECK = select(1)
_ACQUIRE_JOB = select(func.pg_try_advisory_lock(JOB_LOCK))
_RELEASE_JOB = select(func.pg_advisory_unlock(JOB_LOCK))


class AlreadyRunning(Exception):
    """Another process serves this database, and one of the two cannot share it."""


@asynccontextmanager
async def serve_lock(database: Database, *, shared: bool) -> AsyncIterator[None]:
    """Hold the right to serve this database during the block.

    Without Redis, jobs, chat feed and presence live in the serving process, which must therefore
    serve alone. Processes with Redis and PostgreSQL serve side by side: they take the lock
    `shared`. If the connection to PostgreSQL is lost, for instance by a restart, it is replaced
    and the lock is acquired again.

    Raises:
        AlreadyRunning: another process holds the lock.
        Unavailable: the database cannot be reached.
        OSError: the lock file beside an SQLite database cannot be opened.
    """
    if database.is_sqlite:
        with _open_lock_file(database, "serve") as file:
            if not _try_lock(file):
                raise AlreadyRunning
            yield
        return
    acquire = _SERVE_SHARED if shared else _SERVE_ALONE
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(database.reading(job=True))
        if not await connection.scalar(acquire):
            raise AlreadyRunning
        keeper = asyncio.create_task(_keep(database, acquire, connection, stack))
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])


async def _keep(
    database: Database,
    acquire: Select[tuple[bool]],
    connection: AsyncConnection,
    stack: AsyncExitStack,
) -> None:
    """Acquire the lock again whenever its connection is lost. Runs until it is cancelled."""
    while True:
        await asyncio.sleep(CHECK_INTERVAL)
        try:
            await connection.execute(_CHECK)
        except Unavailable:
            # If the connection survived, it must not keep the lock.
            await connection.invalidate()
            await stack.aclose()
            connection = await _reacquire(database, acquire, stack)


async def _reacquire(
    database: Database, acquire: Select[tuple[bool]], stack: AsyncExitStack
) -> AsyncConnection:
    """A new connection with the lock. Waits for the current holder."""
    logged = False
    while True:
        with suppress(Unavailable):
            connection = await stack.enter_async_context(database.reading(job=True))
            if await connection.scalar(acquire):
                log.info("serve_lock_reacquired")
                return connection
            if not logged:
                log.error("serve_lock_lost", reason="another server holds it now")
                logged = True
        await stack.aclose()
        await asyncio.sleep(CHECK_INTERVAL)


def _open_lock_file(database: Database, purpose: str) -> IO[str]:
    """Open a file beside an SQLite database. Each opening competes for its lock, also within one
    process.

    Raises:
        OSError: it cannot be opened.
    """
    path = Path(str(database.engine.url.database))
    return path.with_name(f"{path.name}.{purpose}.lock").open("w")


def _try_lock(file: IO[str]) -> bool:
    """Lock the file until it is closed. Returns whether the lock was free."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class SqlJobLock:
    """See `sidepro.domain.recommendations.ports.JobLock`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, *, wait: bool) -> AbstractAsyncContextManager[bool]:
        """See the port.

        Raises:
            Unavailable: the database, or the folder of its lock file, cannot be reached.
        """
        return self._file_lock(wait) if self._database.is_sqlite else self._advisory_lock(wait)

    @asynccontextmanager
    async def _file_lock(self, wait: bool) -> AsyncIterator[bool]:
        try:
            file = _open_lock_file(self._database, "similarity")
        except OSError as error:
            raise Unavailable from error
        with file:
            while not (acquired := _try_lock(file)) and wait:  # noqa: ASYNC110 - no event says it
                await asyncio.sleep(RETRY_INTERVAL)
            yield acquired

    @asynccontextmanager
    async def _advisory_lock(self, wait: bool) -> AsyncIterator[bool]:
        async with self._database.reading(job=True) as connection:
            try:
                # Polling: a statement that waits for the lock would not notice a cancellation.
                while (  # noqa: ASYNC110 - no event says it
                    not (acquired := bool(await connection.scalar(_ACQUIRE_JOB))) and wait
                ):
                    await asyncio.sleep(RETRY_INTERVAL)
            except BaseException:
                # The server may or may not have granted the lock.
                await connection.invalidate()
                raise
            try:
                yield acquired
            finally:
                # A broken connection has released the lock already.
                with suppress(Unavailable):
                    if acquired:
                        await connection.execute(_RELEASE_JOB)

"""Making sure that a process without Redis serves a database alone.

Without Redis, jobs, chat feed and presence live in the serving process: a second one would not
hear what happens in the first. Those with Redis serve beside each other.
"""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO

import structlog
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.database import Database
from sidepro.domain.errors import Unavailable

log = structlog.get_logger(__name__)

POLL_INTERVAL = 1.0
"""Seconds between two looks at whether the connection that holds the lock is still there."""

_LOCK = 7_102_025
"""Any number that nobody else uses."""

_ALONE = select(func.pg_try_advisory_lock(_LOCK))
_SHARED = select(func.pg_try_advisory_lock_shared(_LOCK))
_ANYTHING = select(1)


class AlreadyRunning(Exception):
    """Another process serves this database, and one of the two cannot share it."""


@asynccontextmanager
async def serve_lock(database: Database, *, beside_others: bool) -> AsyncIterator[None]:
    """Be the only one inside of this block, among all processes with the same database; or, on
    PostgreSQL, be there `beside_others` who say the same.

    The system (for SQLite) or the server (for PostgreSQL) gives the place free when the process
    ends, however it ends. When PostgreSQL loses the connection, by a restart for instance, the
    place is taken again as soon as that is possible.

    Raises:
        AlreadyRunning: somebody else is inside.
        Unavailable: the database cannot be reached.
        OSError: the lock file beside an SQLite database cannot be opened.
    """
    if database.is_sqlite:
        with lock_file(database, "serve") as file:
            if not try_lock(file):
                raise AlreadyRunning
            yield
        return
    lock = _SHARED if beside_others else _ALONE
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(database.reading())
        if not await connection.scalar(lock):
            raise AlreadyRunning
        keeping = asyncio.create_task(_keep(database, lock, connection, stack))
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])


async def _keep(
    database: Database,
    lock: Select[tuple[bool]],
    connection: AsyncConnection,
    stack: AsyncExitStack,
) -> None:
    """Take the lock again whenever its connection is lost. Goes on until it is cancelled."""
    while True:
        await asyncio.sleep(POLL_INTERVAL)
        try:
            await connection.execute(_ANYTHING)
        except Unavailable:
            # Should the connection live, the lock must not stay with it.
            await connection.invalidate()
            await stack.aclose()
            connection = await _taken_again(database, lock, stack)


async def _taken_again(
    database: Database, lock: Select[tuple[bool]], stack: AsyncExitStack
) -> AsyncConnection:
    """A connection that has the lock. Whoever took it meanwhile is waited for."""
    told = False
    while True:
        with suppress(Unavailable):
            connection = await stack.enter_async_context(database.reading())
            if await connection.scalar(lock):
                log.info("serving_place_taken_again")
                return connection
            if not told:
                log.error("serving_place_lost", reason="another server has begun meanwhile")
                told = True
        await stack.aclose()
        await asyncio.sleep(POLL_INTERVAL)


@contextmanager
def lock_file(database: Database, purpose: str) -> Iterator[IO[str]]:
    """A file beside an SQLite database, open for this block: who opens it again, in the same
    process or in another, can be kept out.

    Raises:
        OSError: it cannot be opened.
    """
    path = Path(str(database.engine.url.database))
    with path.with_name(f"{path.name}.{purpose}.lock").open("w") as file:
        yield file


def try_lock(file: IO[str]) -> bool:
    """Lock the file until it is closed; whether nobody else has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""One run of the similarity job at a time, in all processes with the same database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, suppress

from sqlalchemy import func, select

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.locks import lock_file, try_lock
from sidepro.domain.errors import Unavailable

POLL_INTERVAL = 0.1
"""Seconds between two looks of those who wait."""

_LOCK = 7_102_026
"""Any number that nobody else uses."""

_TRY = select(func.pg_try_advisory_lock(_LOCK))
_GIVE_BACK = select(func.pg_advisory_unlock(_LOCK))


class SqlJobLock:
    """See `sidepro.domain.recommendations.ports.Turns`.

    On SQLite a locked file beside the database, which the system unlocks when the process ends; on
    PostgreSQL an advisory lock of a connection, which the server unlocks when that ends.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, *, wait: bool) -> AbstractAsyncContextManager[bool]:
        """See there.

        Raises:
            Unavailable: the database, or the folder of its lock file, cannot be reached.
        """
        return self._of_file(wait) if self._database.is_sqlite else self._of_server(wait)

    @asynccontextmanager
    async def _of_file(self, wait: bool) -> AsyncIterator[bool]:
        with ExitStack() as opened:
            try:
                file = opened.enter_context(lock_file(self._database, "similarity"))
            except OSError as error:
                raise Unavailable from error
            while not (is_mine := try_lock(file)) and wait:  # noqa: ASYNC110 - no event says it
                await asyncio.sleep(POLL_INTERVAL)
            yield is_mine

    @asynccontextmanager
    async def _of_server(self, wait: bool) -> AsyncIterator[bool]:
        async with self._database.reading() as connection:
            try:
                # A statement that waits would hide it when whoever waits is cancelled.
                while (  # noqa: ASYNC110 - no event says it
                    not (is_mine := bool(await connection.scalar(_TRY))) and wait
                ):
                    await asyncio.sleep(POLL_INTERVAL)
            except BaseException:
                # Whether the server has given the lock is not known.
                await connection.invalidate()
                raise
            try:
                yield is_mine
            finally:
                # A connection that is broken, or breaks now, gives the lock back by that.
                with suppress(Unavailable):
                    if is_mine:
                        await connection.execute(_GIVE_BACK)

"""Measures for how long a PostgreSQL server's tables are locked."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

INTERVAL = 0.02
"""Seconds between two looks."""

_LOCKS = """
SELECT relation::regclass::text, mode, virtualtransaction
FROM pg_locks
WHERE granted AND relation::regclass::text !~ '^pg_'
  AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""Locks that keep others from writing or reading a table."""


class LockWatch:
    """The longest time that each table was locked in one mode by one transaction, in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, str], float] = {}
        self._first: dict[tuple[str, str, str], float] = {}

    async def watch(self, connection: psycopg.AsyncConnection) -> None:
        """Look until cancelled."""
        while True:
            rows = await (await connection.execute(_LOCKS)).fetchall()
            now = time.monotonic()
            locked = {(str(table), str(mode), str(by)) for table, mode, by in rows}
            self._first = {one: self._first.get(one, now) for one in locked}
            for (table, mode, _), since in self._first.items():
                key = table, mode
                self.seconds[key] = max(self.seconds.get(key, 0), now - since)
            await asyncio.sleep(INTERVAL)


@asynccontextmanager
async def watching_locks(url: str) -> AsyncIterator[LockWatch]:
    """Watch the locks of this database during the block."""
    watch = LockWatch()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        task = asyncio.create_task(watch.watch(connection))
        try:
            yield watch
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

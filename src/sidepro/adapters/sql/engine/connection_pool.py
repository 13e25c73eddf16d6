"""A small pool of connections to PostgreSQL for single statements, and the queue for them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from sidepro.adapters.sql.engine.compiled_query import RawRows
from sidepro.adapters.sql.engine.errors import NoAnswer, RowLocked, is_stale, is_unavailable
from sidepro.adapters.sql.engine.postgresql import BoundedConnection, is_cut, statement_limit
from sidepro.domain.errors import Unavailable
from sidepro.domain.waiting import counted_wait, wait_limit

Bound = tuple[str, list[Any]]
"""The text of a statement, and its values."""

SILENT_AFTER = 2.0
"""Seconds without an answer after which those who wait for a connection wait in vain. A request
that has waited for long gives up sooner, which says little about the server.
"""

PATIENCE = 1.0
"""Seconds without a free connection after which those who wait for locks make room for others. A
busy machine may stand still for a part of it.
"""


class ConnectionQueue:
    """Who may use one of a number of connections, in the order of arrival."""

    def __init__(
        self,
        timeout: float,
        maximum: int,
        end_waits: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`timeout` is the wait for one of `maximum` connections, in seconds.

        `end_waits` is called when somebody waits for a connection and none has become free for
        `PATIENCE`: those who have them may all wait for one lock.
        """
        self.maximum = maximum
        self._timeout = timeout
        self._free = asyncio.Semaphore(maximum)
        self._in_use = self._waiting = 0
        self._released_at = 0.0
        self._end_waits = end_waits
        self._watch: asyncio.Task[None] | None = None
        self._failures = 0
        """Times that the server did not answer."""

    def in_use(self) -> int:
        """The number of connections that somebody uses."""
        return self._in_use

    async def acquire(self) -> None:
        """Raises `Unavailable`."""
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()  # without a timer
        self._in_use += 1

    async def _wait(self) -> None:
        failures = self._failures
        self._waiting += 1
        if self._end_waits and (self._watch is None or self._watch.done()):
            watching = self._end_long_waits(self._end_waits)
            self._watch = asyncio.create_task(watching, context=Context())  # of no request
        try:
            with counted_wait():
                async with asyncio.timeout(wait_limit(self._timeout)):
                    await self._free.acquire()
        except TimeoutError as error:
            raise Unavailable from error
        finally:
            self._waiting -= 1
        if self._failures != failures:  # those before waited in vain: do not wait as long again
            self._free.release()
            raise Unavailable

    async def _end_long_waits(self, end_waits: Callable[[], Awaitable[None]]) -> None:
        """Runs while somebody waits for a connection."""
        delay = PATIENCE
        while self._waiting:
            await asyncio.sleep(delay)
            delay = self._released_at + PATIENCE - time.monotonic()
            if delay <= 0:
                with suppress(Unavailable):
                    await end_waits()
                delay = PATIENCE

    def release(self) -> None:
        self._released_at = time.monotonic()
        self._in_use -= 1
        self._free.release()

    def let_waiting_fail(self) -> None:
        """The server did not answer."""
        self._failures += 1

    async def close(self) -> None:
        """End what it runs."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])


class PostgresqlConnections:
    """A small pool of psycopg connections in autocommit, the last used one first."""

    def __init__(
        self,
        kind: type[BoundedConnection],
        connect: Mapping[str, Any],
        timeout: float,
        maximum: int,
    ) -> None:
        """`timeout` is the wait for one of `maximum` connections, in seconds."""
        self._kind, self._connect = kind, connect
        self.queue = ConnectionQueue(timeout, maximum)
        self._idle: list[BoundedConnection] = []

    async def read(self, text: str, values: Sequence[Any]) -> RawRows:
        """Raises `Unavailable`."""
        return await self._in_slot(text, values, retry=True)

    async def write(self, query: Bound) -> RawRows:
        """Raises `Unavailable` or `RowLocked`."""
        try:
            return await self._in_slot(*query, retry=False)
        except Unavailable as error:
            if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise RowLocked from error
            raise

    async def _in_slot(self, text: str, values: Sequence[Any], *, retry: bool) -> RawRows:
        await self.queue.acquire()
        try:
            return await self._execute(text, values, retry=retry)
        except psycopg.Error as error:
            if is_unavailable(error):
                raise Unavailable from error
            raise
        finally:
            self.queue.release()

    async def _execute(self, text: str, values: Sequence[Any], *, retry: bool) -> RawRows:
        began = time.monotonic()
        try:
            return await self._execute_on_usable(text, values, retry=retry)
        except (NoAnswer, psycopg.errors.ConnectionTimeout):
            if time.monotonic() - began >= SILENT_AFTER:
                self.queue.let_waiting_fail()
            raise

    async def _execute_on_usable(
        self, text: str, values: Sequence[Any], *, retry: bool
    ) -> RawRows:
        while self._idle:
            connection = self._idle.pop()
            if is_cut(connection):
                await connection.close()
                continue
            if not retry and await connection.has_ended_unnoticed():
                await self.close()  # the others are of the same server
                break
            try:
                return await self._run(connection, text, values)
            except psycopg.Error as error:
                if not (is_stale(error) or connection.closed):
                    raise
                # The others are of the same server.
                await self.close()
                if not retry or isinstance(error, NoAnswer):
                    raise
        connection = await self._kind.connect(**self._connect, autocommit=True)
        return await self._run(connection, text, values)

    async def _run(
        self, connection: BoundedConnection, text: str, values: Sequence[Any]
    ) -> RawRows:
        is_usable = True
        limit = statement_limit()
        try:
            cursor = psycopg.AsyncRawCursor(connection)
            if limit is None:
                await cursor.execute(text.encode(), values)
                return await cursor.fetchall()
            async with connection.transaction():
                await cursor.execute(f"SET LOCAL statement_timeout = {limit}".encode())
                await cursor.execute(text.encode(), values)
                return await cursor.fetchall()
        except psycopg.Error as error:
            is_usable = not is_stale(error)
            raise
        finally:
            # After a cancellation the statement may still be running.
            if is_usable and connection.pgconn.transaction_status == TransactionStatus.IDLE:
                self._idle.append(connection)
            else:
                await connection.close()

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

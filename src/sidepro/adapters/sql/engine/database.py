"""Connections, transactions, and the meaning of a driver's errors.

SQLite needs three things that PostgreSQL does not: its pragmas, one writer at a time in this
process (a fair queue instead of polling for the file's lock), and `BEGIN IMMEDIATE`, so that the
rows that a unit of work reads cannot change before it writes.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.selectable import ReturnsRows

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.connection_pool import ConnectionQueue
from sidepro.adapters.sql.engine.engines import (
    CONNECTION_TIMEOUT,
    MESSAGE_POOL_SIZE,
    POOL_SIZE,
    POOL_TIMEOUT,
    postgresql_engines,
    sqlite_engines,
    transaction_pool_size,
)
from sidepro.adapters.sql.engine.errors import is_busy, translate
from sidepro.adapters.sql.engine.lock_waits import LockWaits
from sidepro.adapters.sql.engine.postgresql import REQUEST
from sidepro.adapters.sql.engine.spans import StartSpan, trace_engine, traced
from sidepro.domain.errors import Unavailable

NO_PARAMETERS: Mapping[str, Any] = {}

WRITE_CHECK_TIMEOUT = 2.0
"""Seconds."""

_CLOCK = text("SELECT clock_timestamp()")
_TOUCH = text("UPDATE alembic_version SET version_num = version_num")


class Source(ABC):
    """A source of rows: the database, or one transaction."""

    @abstractmethod
    async def fetch(
        self, statement: ReturnsRows, parameters: Mapping[str, Any] = NO_PARAMETERS
    ) -> list[Row]:
        """The rows of a statement that reads. Rows are named tuples.

        Raises:
            Unavailable: the database cannot be reached.
        """

    async def fetch_one(
        self, statement: ReturnsRows, parameters: Mapping[str, Any] = NO_PARAMETERS
    ) -> Row | None:
        """The first row of `fetch`, or `None`."""
        rows = await self.fetch(statement, parameters)
        return rows[0] if rows else None


class TransactionSource(Source):
    """Reads inside a transaction, with its uncommitted changes."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def fetch(
        self, statement: ReturnsRows, parameters: Mapping[str, Any] = NO_PARAMETERS
    ) -> list[Row]:
        executable: Any = statement  # every statement with rows can be executed
        return list(await self._connection.execute(executable, parameters))


class Database(Source):
    """A pool of connections to one database."""

    def __init__(
        self, address: str, application: str = "sidepro", pool_size: int = POOL_SIZE
    ) -> None:
        """`address` is `postgresql://user:password@host:port/name` or `sqlite:///path`.

        `application` names the process in PostgreSQL's list of sessions. Nothing is connected yet.
        """
        self.is_sqlite = address.startswith("sqlite")
        self.engine, self._jobs, self._fast_reader = (
            sqlite_engines(address)
            if self.is_sqlite
            else postgresql_engines(address, application, pool_size)
        )
        for engine in {self.engine, self._jobs}:
            event.listen(engine.sync_engine, "handle_error", translate)
        self._start_span: StartSpan | None = None
        self._queues = {} if self.is_sqlite else self._transaction_queues(pool_size)
        self._write_lock = asyncio.Lock()
        self._busy_failures = 0
        """How many writes on SQLite gave up waiting for another process."""
        self._write_check: asyncio.Task[None] | None = None
        self._autocommit, self._jobs_autocommit = (
            (self.engine, self._jobs)
            if self.is_sqlite  # a connection is in autocommit until BEGIN
            else (
                self.engine.execution_options(isolation_level="AUTOCOMMIT"),
                self._jobs.execution_options(isolation_level="AUTOCOMMIT"),
            )
        )

    def _transaction_queues(self, pool_size: int) -> dict[str, ConnectionQueue]:
        end_waits = LockWaits(self.engine, self._fast_reader).end
        number = transaction_pool_size(pool_size) - MESSAGE_POOL_SIZE
        return {
            "transactions": ConnectionQueue(CONNECTION_TIMEOUT, number, end_waits),
            "messages": ConnectionQueue(CONNECTION_TIMEOUT, MESSAGE_POOL_SIZE),
        }

    async def fetch(
        self, statement: ReturnsRows, parameters: Mapping[str, Any] = NO_PARAMETERS
    ) -> list[Row]:
        """See `Source.fetch`. Runs outside any transaction.

        Compiled statements are cached by identity: define them at module level.
        """
        return await self._fast_reader.fetch(statement, parameters)

    async def fetch_long(
        self, statement: ReturnsRows, parameters: Mapping[str, Any] = NO_PARAMETERS
    ) -> list[Row]:
        """As `fetch`, for a statement of a job, which may take minutes."""
        return await self._fast_reader.fetch_long(statement, parameters)

    @asynccontextmanager
    async def reading(self, *, job: bool = False) -> AsyncIterator[AsyncConnection]:
        """A connection in autocommit, for single statements. See `writing` for `job`.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with _pool_timeout_is_unavailable():
            connecting = (
                self._jobs_autocommit.connect() if job else self._connection(self._autocommit)
            )
            async with connecting as connection:
                yield connection

    @asynccontextmanager
    async def writing(
        self, *, job: bool = False, messages: bool = False
    ) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction, which is rolled back unless committed.

        A `job` may take longer than a request. Its connection is its own, outside the pool.
        Batches of chat `messages` have connections of their own in it.

        Raises:
            Unavailable: the database cannot be reached.
            EmailTaken, UsernameTaken, NotFound: a constraint was violated.
        """
        queue = "messages" if messages else "transactions"
        with _pool_timeout_is_unavailable():
            async with (
                self._sqlite_write_lock(),
                self._jobs.connect()
                if job
                else self._connection(self.engine, queue) as connection,
            ):
                if self.is_sqlite:
                    await connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection

    @asynccontextmanager
    async def _connection(
        self, engine: AsyncEngine, queue: str = "transactions"
    ) -> AsyncIterator[AsyncConnection]:
        """One of the pool."""
        if not self._queues:
            async with engine.connect() as connection:
                yield connection
            return
        await self._queues[queue].acquire()
        try:
            async with engine.connect() as connection:
                yield connection
        finally:
            self._queues[queue].release()

    @asynccontextmanager
    async def restructuring(self) -> AsyncIterator[AsyncConnection]:
        """As `writing`, for changes to the schema.

        SQLite changes a table by replacing it. Foreign keys are not enforced meanwhile: dropping
        the old table would cascade to the rows that reference it.
        """
        with _pool_timeout_is_unavailable():
            async with self._sqlite_write_lock(), self._jobs.connect() as connection:
                if not self.is_sqlite:
                    yield connection
                    return
                try:
                    await connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                    await connection.exec_driver_sql("BEGIN IMMEDIATE")
                    yield connection
                finally:
                    # The pragma has no effect inside a transaction.
                    await connection.rollback()
                    await connection.exec_driver_sql("PRAGMA foreign_keys = ON")

    @asynccontextmanager
    async def _sqlite_write_lock(self) -> AsyncIterator[None]:
        if not self.is_sqlite:
            yield
            return
        failures = self._busy_failures
        try:
            async with asyncio.timeout(POOL_TIMEOUT):
                await self._write_lock.acquire()
        except TimeoutError as error:
            raise Unavailable from error
        try:
            if failures != self._busy_failures:
                # Waiting again for as long would make every write behind it slower.
                raise Unavailable
            yield
        except Unavailable as error:
            self._busy_failures += is_busy(error)
            raise
        finally:
            self._write_lock.release()

    async def commit(self, connection: AsyncConnection) -> None:
        """Commit a transaction of `writing` and begin the next one."""
        if self._start_span is None:
            await connection.commit()
        else:
            with traced(self._start_span, "COMMIT"):
                await connection.commit()
        if self.is_sqlite:
            await connection.exec_driver_sql("BEGIN")

    async def write(self, parameters: Mapping[str, Any], *statements: ReturnsRows) -> list[Row]:
        """Run writing statements in one transaction and commit. Returns the rows of the last one.

        PostgreSQL takes exactly one statement: each costs a round trip.

        Raises:
            Unavailable: the database cannot be reached. Whether it was committed is unknown.
            RowLocked: a row stayed locked for a tenth of a second. Nothing was written.
        """
        async with self._sqlite_write_lock():
            return await self._fast_reader.write(parameters, *statements)

    async def ping(self) -> None:
        """Run the smallest statement. Raises as `reading`."""
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))

    async def clock(self) -> datetime | None:
        """The time of the server's clock; `None` for SQLite, which has none of its own."""
        if self.is_sqlite:
            return None
        async with self.reading() as connection:
            found: datetime = (await connection.execute(_CLOCK)).scalar_one()
            return found

    async def keeps_session_settings(self) -> bool:
        """Whether sessions have the settings of this program. Poolers may drop them."""
        if self.is_sqlite:
            return True
        async with self.reading() as connection:
            found = await connection.scalar(text("SHOW lock_timeout"))
        return bool(found == f"{REQUEST.lock // 1000}s")

    async def encoding(self) -> str:
        """The encoding in which the database stores text."""
        if self.is_sqlite:
            return "UTF8"
        async with self.reading() as connection:
            return str(await connection.scalar(text("SHOW server_encoding")))

    async def ping_write(self) -> None:
        """Commit the smallest change, one check at a time. Waits for up to `WRITE_CHECK_TIMEOUT`.

        Raises:
            Unavailable: the database cannot be written in time.
        """
        if self._write_check is None or self._write_check.done():
            self._write_check = asyncio.create_task(self._touch())
            self._write_check.add_done_callback(retrieve_error)
        check = self._write_check
        await asyncio.wait([check], timeout=WRITE_CHECK_TIMEOUT)
        if not check.done():
            raise Unavailable
        check.result()

    async def _touch(self) -> None:
        async with self.writing() as connection:
            await connection.execute(_TOUCH)
            await self.commit(connection)

    def trace(self, start: StartSpan) -> None:
        """Run each statement inside a span."""
        self._start_span = start
        self._fast_reader.trace(start)
        for engine in {self.engine, self._jobs}:
            trace_engine(engine.sync_engine, start)

    def usage(self) -> dict[str, tuple[Callable[[], int], int]]:
        """The number of connections in use, and how many there may be, by pool."""
        if self.is_sqlite:
            pool: Any = self.engine.pool
            return {"transactions": (pool.checkedout, pool.size())}
        queues = {**self._queues, **self._fast_reader.queues}
        return {name: (queue.in_use, queue.maximum) for name, queue in queues.items()}

    async def close(self) -> None:
        """Close all connections."""
        if self._write_check is not None:
            self._write_check.cancel()
            await asyncio.wait([self._write_check])
        for queue in self._queues.values():
            await queue.close()
        await self._fast_reader.close()
        await self._jobs.dispose()
        await self.engine.dispose()


def retrieve_error(done: "asyncio.Future[Any]") -> None:
    """A callback: nobody may be waiting, and asyncio would log the error with a traceback."""
    if not done.cancelled():
        done.exception()


@contextmanager
def _pool_timeout_is_unavailable() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise Unavailable from error

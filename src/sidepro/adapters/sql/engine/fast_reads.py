"""Statements of one round trip, run by the drivers without SQLAlchemy's engine.

The engine's overhead on a read (greenlets, results, a reset of the connection) costs three times
as much as the driver itself. docs/performance.md has the figures.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Dialect
from sqlalchemy.sql.selectable import ReturnsRows

from sidepro.adapters.sql.engine.compiled_query import (
    RawRows,
    Row,
    postgresql_dialect,
    query_compiler,
    sqlite_dialect,
)
from sidepro.domain.errors import Unavailable

MAX_CONNECTIONS = 10
"""Connections to PostgreSQL that a process uses for reading."""

THREADS = 4
"""Threads that read SQLite: their reads wait only for the disk and for Python."""


class RowLocked(Exception):
    """A statement gave up waiting for a row's lock."""


class FastReader:
    """Runs single statements, each in a transaction of its own."""

    def __init__(self, dialect: Dialect, connections: "Connections") -> None:
        self._compile = query_compiler(dialect)
        self._connections = connections

    async def fetch(self, statement: ReturnsRows, parameters: Mapping[str, Any]) -> list[Row]:
        """The rows of a statement that reads.

        Raises:
            Unavailable: the database cannot be reached.
        """
        query = self._compile(statement)
        return query.rows(await self._connections.read(*query.bind(parameters)))

    async def write(self, parameters: Mapping[str, Any], *statements: ReturnsRows) -> list[Row]:
        """Run and commit writing statements, on PostgreSQL exactly one. Returns the rows of the
        last.

        Raises:
            Unavailable: the database cannot be reached. Whether it was committed is unknown.
            RowLocked: nothing was written.
        """
        queries = [self._compile(statement) for statement in statements]
        bound = [query.bind(parameters) for query in queries]
        return queries[-1].rows(await self._connections.write(*bound))

    async def close(self) -> None:
        """Close all connections."""
        await self._connections.close()


def postgresql_reader(connect: Mapping[str, Any], timeout: float) -> FastReader:
    """`connect` holds psycopg's arguments; `timeout` is the wait for a connection, in seconds."""
    return FastReader(postgresql_dialect(), PostgresqlConnections(connect, timeout))


def sqlite_reader(path: str, timeout: float) -> FastReader:
    """`timeout` is the wait for another process's lock, in seconds."""
    return FastReader(sqlite_dialect(), SqliteConnections(path, timeout))


_UNAVAILABLE_STATES = frozenset({"25006", "25P03"})
"""SQLSTATEs that mean unavailable, besides psycopg's operational errors: a read-only transaction,
and the end of an idle one.
"""


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the error comes from PostgreSQL's state and not from the statement."""
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) or (
        isinstance(error, psycopg.Error) and error.sqlstate in _UNAVAILABLE_STATES
    )


Bound = tuple[str, list[Any]]
"""The text of a statement, and its values."""


class PostgresqlConnections:
    """A small pool of psycopg connections in autocommit, the last used one first."""

    def __init__(self, connect: Mapping[str, Any], timeout: float) -> None:
        self._connect, self._timeout = connect, timeout
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._idle: list[psycopg.AsyncConnection] = []

    async def read(self, text: str, values: Sequence[Any]) -> RawRows:
        return await self._in_slot(text, values, retry=True)

    async def write(self, query: Bound) -> RawRows:
        return await self._in_slot(*query, retry=False)

    async def _in_slot(self, text: str, values: Sequence[Any], *, retry: bool) -> RawRows:
        await self._acquire_slot()
        try:
            return await self._execute(text, values, retry=retry)
        except psycopg.errors.LockNotAvailable as error:
            raise RowLocked from error
        except psycopg.Error as error:
            if is_unavailable(error):
                raise Unavailable from error
            raise
        finally:
            self._slots.release()

    async def _execute(self, text: str, values: Sequence[Any], *, retry: bool) -> RawRows:
        if self._idle:
            try:
                return await self._run(self._idle.pop(), text, values)
            except psycopg.errors.LockNotAvailable:
                raise
            except psycopg.Error as error:
                if not is_unavailable(error):
                    raise
                # The server may have closed all idle connections.
                await self.close()
                if not retry:
                    raise
        connection = await psycopg.AsyncConnection.connect(**self._connect, autocommit=True)
        return await self._run(connection, text, values)

    async def _run(
        self, connection: psycopg.AsyncConnection, text: str, values: Sequence[Any]
    ) -> RawRows:
        try:
            cursor = psycopg.AsyncRawCursor(connection)
            await cursor.execute(text.encode(), values)
            return await cursor.fetchall()
        finally:
            # After a cancellation the statement may still be running.
            if connection.pgconn.transaction_status == TransactionStatus.IDLE:
                self._idle.append(connection)
            else:
                await connection.close()

    async def _acquire_slot(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()  # without a timer
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._slots.acquire()
        except TimeoutError as error:
            raise Unavailable from error

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()


class SqliteConnections:
    """A few threads with a connection each, and one connection that writes."""

    def __init__(self, path: str, timeout: float) -> None:
        self._path, self._timeout = path, timeout
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sqlite")
        self._local = threading.local()
        self._writer: sqlite3.Connection | None = None
        self._connections: list[sqlite3.Connection] = []

    async def read(self, text: str, values: Sequence[Any]) -> RawRows:
        return await self._in_thread(self._read, text, values)

    async def write(self, *queries: Bound) -> RawRows:
        return await self._in_thread(self._write, *queries)

    async def _in_thread(self, execute: Callable[..., RawRows], *arguments: Any) -> RawRows:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, execute, *arguments)
        except (sqlite3.OperationalError, sqlite3.InterfaceError) as error:
            raise Unavailable from error
        except sqlite3.DatabaseError as error:
            # SQLite raises the bare class for a file that is no database.
            if type(error) is sqlite3.DatabaseError:
                raise Unavailable from error
            raise

    def _read(self, text: str, values: Sequence[Any]) -> RawRows:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._open("query_only = ON")
        return connection.execute(text, values).fetchall()

    def _write(self, *queries: Bound) -> RawRows:
        if self._writer is None:
            self._writer = self._open("synchronous = FULL", "foreign_keys = ON")
        rows: RawRows = ()
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            for text, values in queries:
                rows = self._writer.execute(text, values).fetchall()
            self._writer.execute("COMMIT")
        except BaseException:
            # Some errors, such as a full disk, roll back on their own.
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        return rows

    def _open(self, *pragmas: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            self._timeout,
            isolation_level=None,
            check_same_thread=False,  # one thread at a time uses it
        )
        self._connections.append(connection)
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    async def close(self) -> None:
        self._threads.shutdown()
        while self._connections:
            self._connections.pop().close()


Connections = PostgresqlConnections | SqliteConnections

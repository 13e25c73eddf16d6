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

from sqlalchemy import Dialect
from sqlalchemy.sql.selectable import ReturnsRows

from sidepro.adapters.sql.engine.compiled_query import (
    RawRows,
    Row,
    postgresql_dialect,
    query_compiler,
    sqlite_dialect,
)
from sidepro.adapters.sql.engine.connection_pool import Bound, PostgresqlConnections
from sidepro.adapters.sql.engine.postgresql import (
    JOB,
    READ_OPTIONS,
    REQUEST,
    VIEW,
    Address,
    BoundedConnection,
    JobConnection,
    ViewConnection,
)
from sidepro.adapters.sql.engine.spans import StartSpan, traced
from sidepro.domain.errors import Unavailable

THREADS = 4
"""Threads that read SQLite: their reads wait only for the disk and for Python."""


class FastReader:
    """Runs single statements, each in a transaction of its own."""

    def __init__(
        self,
        dialect: Dialect,
        connections: "Connections",
        views: "Connections",
        jobs: "Connections",
    ) -> None:
        """`views` are for writing, `jobs` for statements that take long."""
        self._compile = query_compiler(dialect)
        self._connections = connections
        self._views = views
        self._jobs = jobs
        self.queues = {
            name: pool.queue
            for name, pool in (("reads", connections), ("views", views))
            if isinstance(pool, PostgresqlConnections)
        }
        """Of PostgreSQL, by pool."""

    async def fetch(self, statement: ReturnsRows, parameters: Mapping[str, Any]) -> list[Row]:
        """The rows of a statement that reads.

        Raises:
            Unavailable: the database cannot be reached.
        """
        query = self._compile(statement)
        return query.rows(await self._connections.read(*query.bind(parameters)))

    async def fetch_long(self, statement: ReturnsRows, parameters: Mapping[str, Any]) -> list[Row]:
        """As `fetch`, for a job: the statement may take minutes."""
        query = self._compile(statement)
        return query.rows(await self._jobs.read(*query.bind(parameters)))

    async def write(self, parameters: Mapping[str, Any], *statements: ReturnsRows) -> list[Row]:
        """Run and commit writing statements, on PostgreSQL exactly one. Returns the rows of the
        last.

        Raises:
            Unavailable: the database cannot be reached. Whether it was committed is unknown.
            RowLocked: nothing was written.
        """
        queries = [self._compile(statement) for statement in statements]
        bound = [query.bind(parameters) for query in queries]
        return queries[-1].rows(await self._views.write(*bound))

    def trace(self, start: StartSpan) -> None:
        """Run each statement inside a span."""
        self._connections, self._views, self._jobs = (
            TracedConnections(each, start) for each in (self._connections, self._views, self._jobs)
        )

    async def close(self) -> None:
        """Close all connections."""
        for connections in {self._connections, self._views, self._jobs}:
            await connections.close()


def postgresql_reader(address: Address, timeout: float, maximum: int) -> FastReader:
    """`timeout` is the wait for one of `maximum` connections, in seconds."""
    reads = address.connect_arguments(REQUEST, READ_OPTIONS)
    views = address.connect_arguments(VIEW, READ_OPTIONS)
    jobs = address.connect_arguments(JOB, READ_OPTIONS)
    return FastReader(
        postgresql_dialect(),
        PostgresqlConnections(BoundedConnection, reads, timeout, maximum),
        PostgresqlConnections(ViewConnection, views, timeout, 1),
        PostgresqlConnections(JobConnection, jobs, JOB.answer, 1),
    )


def sqlite_reader(path: str, timeout: float) -> FastReader:
    """`timeout` is the wait for another process's lock, in seconds."""
    connections = SqliteConnections(path, timeout)
    return FastReader(sqlite_dialect(), connections, connections, connections)


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


class TracedConnections:
    """Connections whose statements have spans."""

    def __init__(self, connections: "Connections", start: StartSpan) -> None:
        self._connections = connections
        self._start = start

    async def read(self, text: str, values: Sequence[Any]) -> RawRows:
        with traced(self._start, text):
            return await self._connections.read(text, values)

    async def write(self, *queries: Bound) -> RawRows:
        with traced(self._start, ";\n".join(text for text, _ in queries)):
            return await self._connections.write(*queries)

    async def close(self) -> None:
        await self._connections.close()


Connections = PostgresqlConnections | SqliteConnections | TracedConnections

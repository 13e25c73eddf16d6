"""Connections, transactions, and the meaning of a driver's errors.

SQLite needs three things that PostgreSQL does not: its pragmas, one writer at a time in this
process (a fair queue instead of polling for the file's lock), and `BEGIN IMMEDIATE`, so that the
rows that a unit of work reads cannot change before it writes.
"""

import asyncio
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DatabaseError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql.selectable import ReturnsRows

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.fast_reads import (
    FastReader,
    is_unavailable,
    postgresql_reader,
    sqlite_reader,
)
from sidepro.domain.errors import EmailTaken, NotFound, SideProError, Unavailable, UsernameTaken

POOL_SIZE = 10
POOL_TIMEOUT = 30.0
"""Seconds that a request waits for a connection, or for SQLite's lock, before it answers 503:
several times the duration of a thousand simultaneous writes.
"""

CONNECT_TIMEOUT = 5
"""Seconds."""

ROW_LOCK_TIMEOUT = 100
"""Milliseconds that a statement of `Database.write` waits for a row's lock."""

PLANNER_OPTIONS = "-c random_page_cost=1.1 -c jit=off"
"""PostgreSQL: random pages cost about as much as sequential ones on today's disks, and statements
of a millisecond are not worth compiling.
"""

READ_OPTIONS = (
    f"{PLANNER_OPTIONS} -c plan_cache_mode=force_generic_plan -c enable_seqscan=off"
    " -c work_mem=16MB"
)
"""PostgreSQL, for `Database.fetch`: one plan for all values, since planning takes longer than
reading a page; index scans, also to count half of a table; and enough memory for a bitmap of a
hundred thousand hits.
"""

NO_PARAMETERS: Mapping[str, Any] = {}

_UNIQUE: dict[str, type[SideProError]] = {
    "uq_users_email_key": EmailTaken,
    "uq_users_username_key": UsernameTaken,
}


SESSION_OPTIONS = (
    "-c timezone=UTC -c datestyle=ISO -c bytea_output=hex -c client_encoding=UTF8"
    " -c default_transaction_isolation=read\\ committed"
)
"""Settings that statements rely on. They override those of server, database and role."""

WRITE_CHECK_TIMEOUT = 2.0
"""Seconds."""

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

    def __init__(self, address: str) -> None:
        """`address` is `postgresql://user:password@host:port/name` or `sqlite:///path`.

        Nothing is connected yet.
        """
        self.is_sqlite = address.startswith("sqlite")
        self.engine, self._fast_reader = (_sqlite if self.is_sqlite else _postgresql)(address)
        event.listen(self.engine.sync_engine, "handle_error", _translate_error)
        self._write_lock = asyncio.Lock()
        self._write_check: asyncio.Task[None] | None = None
        self._autocommit = (
            self.engine
            if self.is_sqlite  # a connection is in autocommit until BEGIN
            else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        )

    async def fetch(
        self, statement: ReturnsRows, parameters: Mapping[str, Any] = NO_PARAMETERS
    ) -> list[Row]:
        """See `Source.fetch`. Runs outside any transaction.

        Compiled statements are cached by identity: define them at module level.
        """
        return await self._fast_reader.fetch(statement, parameters)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection in autocommit, for single statements.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with _pool_timeout_is_unavailable():
            async with self._autocommit.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction, which is rolled back unless committed.

        Raises:
            Unavailable: the database cannot be reached.
            EmailTaken, UsernameTaken, NotFound: a constraint was violated.
        """
        with _pool_timeout_is_unavailable():
            async with self._sqlite_write_lock(), self.engine.connect() as connection:
                if self.is_sqlite:
                    await connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection

    @asynccontextmanager
    async def restructuring(self) -> AsyncIterator[AsyncConnection]:
        """As `writing`, for changes to the schema.

        SQLite changes a table by replacing it. Foreign keys are not enforced meanwhile: dropping
        the old table would cascade to the rows that reference it.
        """
        with _pool_timeout_is_unavailable():
            async with self._sqlite_write_lock(), self.engine.connect() as connection:
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
        try:
            async with asyncio.timeout(POOL_TIMEOUT):
                await self._write_lock.acquire()
        except TimeoutError as error:
            raise Unavailable from error
        try:
            yield
        finally:
            self._write_lock.release()

    async def commit(self, connection: AsyncConnection) -> None:
        """Commit a transaction of `writing` and begin the next one."""
        await connection.commit()
        if self.is_sqlite:
            await connection.exec_driver_sql("BEGIN")

    async def write(self, parameters: Mapping[str, Any], *statements: ReturnsRows) -> list[Row]:
        """Run writing statements in one transaction and commit. Returns the rows of the last one.

        PostgreSQL takes exactly one statement: each costs a round trip.

        Raises:
            Unavailable: the database cannot be reached. Whether it was committed is unknown.
            RowLocked: a row stayed locked for `ROW_LOCK_TIMEOUT`. Nothing was written.
        """
        async with self._sqlite_write_lock():
            return await self._fast_reader.write(parameters, *statements)

    async def ping(self) -> None:
        """Run the smallest statement. Raises as `reading`."""
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))

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
        check = self._write_check
        await asyncio.wait([check], timeout=WRITE_CHECK_TIMEOUT)
        if not check.done():
            raise Unavailable
        check.result()

    async def _touch(self) -> None:
        async with self.writing() as connection:
            await connection.execute(_TOUCH)
            await self.commit(connection)

    async def close(self) -> None:
        """Close all connections."""
        if self._write_check is not None:
            self._write_check.cancel()
            await asyncio.wait([self._write_check])
        await self._fast_reader.close()
        await self.engine.dispose()


def driver_url(address: str) -> URL:
    """The address as SQLAlchemy takes it, with the driver's name."""
    url = make_url(address)
    sqlite = url.get_backend_name() == "sqlite"
    return url.set(drivername="sqlite+aiosqlite" if sqlite else "postgresql+psycopg")


def _postgresql(address: str) -> tuple[AsyncEngine, FastReader]:
    url = driver_url(address)
    # The URL may choose another schema, but no other setting that statements rely on.
    own_options = f"-c search_path=public {url.query.get('options', '')} {SESSION_OPTIONS}"
    options = f"{own_options} {PLANNER_OPTIONS}"
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT, "options": options}
    engine = create_async_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_timeout=POOL_TIMEOUT,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args=arguments,
    )
    _, connect_arguments = engine.dialect.create_connect_args(url)
    options = f"{own_options} {READ_OPTIONS} -c lock_timeout={ROW_LOCK_TIMEOUT}"
    connect = {**connect_arguments, **arguments, "options": options}
    return engine, postgresql_reader(connect, POOL_TIMEOUT)


def _sqlite(address: str) -> tuple[AsyncEngine, FastReader]:
    url = driver_url(address)
    engine = create_async_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={"timeout": POOL_TIMEOUT},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        _enable_wal(cursor)
        cursor.close()

    return engine, sqlite_reader(str(url.database), POOL_TIMEOUT)


def _enable_wal(cursor: Any) -> None:
    """Switch to write-ahead logging. The busy timeout does not apply to this pragma: if two
    processes create a file at the same moment, the second has to retry.
    """
    deadline = time.monotonic() + POOL_TIMEOUT
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@contextmanager
def _pool_timeout_is_unavailable() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise Unavailable from error


def _translate_error(context: ExceptionContext) -> Exception | None:
    """The domain's error for a driver's error; `None` raises the driver's error."""
    error = context.sqlalchemy_exception or context.original_exception
    if not isinstance(error, Exception):
        return None  # SQLAlchemy also reports cancellations here, as disconnects
    if isinstance(error, IntegrityError):
        return domain_error(error.orig)
    # SQLite raises the bare DatabaseError for a file that is no database.
    unreachable = (
        isinstance(error, (OperationalError, InterfaceError))
        or type(error) is DatabaseError
        or is_unavailable(context.original_exception)
    )
    if unreachable or context.is_disconnect:
        unavailable = Unavailable()
        unavailable.__cause__ = error
        return unavailable
    return None


def domain_error(error: BaseException | None) -> SideProError | None:
    """The domain's error for a violated constraint, if there is one. A violated foreign key means
    that the referenced row is gone.
    """
    if isinstance(error, sqlite3.IntegrityError):
        # "UNIQUE constraint failed: users.email_key"; SQLite does not name foreign keys.
        text = str(error)
        if error.sqlite_errorname == "SQLITE_CONSTRAINT_FOREIGNKEY":
            return NotFound()
        is_unique = error.sqlite_errorname == "SQLITE_CONSTRAINT_UNIQUE"
        name = "uq_" + text.rpartition(": ")[2].replace(".", "_") if is_unique else ""
    else:
        name = getattr(getattr(error, "diag", None), "constraint_name", None) or ""
        if name.startswith("fk_"):
            return NotFound()
    return _UNIQUE[name]() if name in _UNIQUE else None

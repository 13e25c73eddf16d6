"""Connections: how they are made, how a transaction begins, and what its failures mean.

PostgreSQL and SQLite differ in three ways, and only here: SQLite gets its pragmas, one writer at
a time in this process (waiting in a fair queue instead of polling for the file's lock), and
`BEGIN IMMEDIATE`, so that what a unit of work reads cannot change before it writes.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import (
    asynccontextmanager,
    contextmanager,
)
from typing import Any, Protocol

from sqlalchemy import event, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DatabaseError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql.selectable import ReturnsRows

from sidepro.adapters.sql.engine.fast_reads import (
    FastReader,
    PostgresqlFastReader,
    Row,
    SqliteFastReader,
)
from sidepro.domain.errors import EmailTaken, NotFound, SideProError, Unavailable, UsernameTaken

POOL_SIZE = 10
POOL_TIMEOUT = 30.0
"""Seconds until a request gives up on a connection, or on SQLite's lock, and answers 503: several
times what it takes to serve a thousand who write at the same moment.
"""

CONNECT_TIMEOUT = 5

ROW_LOCK_TIMEOUT = 100
"""Milliseconds after which a statement that commits itself gives up on a row."""

PLANNING = "-c random_page_cost=1.1 -c jit=off"
"""For PostgreSQL's planner: pages that are not in a row cost about the same on today's disks, and
statements that take a millisecond are not worth compiling.
"""

LISTING = (
    f"{PLANNING} -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c work_mem=16MB"
)
"""For what reads lists: by a plan that is made once, since making one takes longer than a page; by
an index, also where half of a table is to be counted (small tables are no dearer so); and with
room to note where a hundred thousand hits lie.
"""

NOTHING: Mapping[str, Any] = {}

_UNIQUE: dict[str, type[SideProError]] = {
    "uq_users_email_key": EmailTaken,
    "uq_users_username_key": UsernameTaken,
}


class Source(Protocol):
    """Where rows are read from: the database as it is, or as one transaction sees it."""

    async def fetch(
        self, statement: ReturnsRows, parameters: Mapping[str, Any] = NOTHING
    ) -> list[Row]:
        """See `Database.fetch`."""
        ...

    async def fetch_one(
        self, statement: ReturnsRows, parameters: Mapping[str, Any] = NOTHING
    ) -> Row | None:
        """See `Database.fetch_one`."""
        ...


class TransactionSource:
    """What a transaction sees, its own changes included."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def fetch(
        self, statement: ReturnsRows, parameters: Mapping[str, Any] = NOTHING
    ) -> list[Row]:
        executable: Any = statement  # each statement that gives rows can be executed
        return list(await self._connection.execute(executable, parameters))

    async def fetch_one(
        self, statement: ReturnsRows, parameters: Mapping[str, Any] = NOTHING
    ) -> Row | None:
        rows = await self.fetch(statement, parameters)
        return rows[0] if rows else None


class Database:
    """A pool of connections to one database."""

    def __init__(self, address: str) -> None:
        """`address` is `postgresql://user:password@host:port/name` or `sqlite:///path`.

        Nothing is connected yet.
        """
        self.is_sqlite = address.startswith("sqlite")
        self.engine, self._fetching = (_sqlite if self.is_sqlite else _postgresql)(address)
        event.listen(self.engine.sync_engine, "handle_error", _translate)
        self._one_writer = asyncio.Lock()
        self._autocommit = (
            self.engine
            if self.is_sqlite  # its connections are in autocommit until something says BEGIN
            else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        )

    async def fetch(
        self, statement: ReturnsRows, parameters: Mapping[str, Any] = NOTHING
    ) -> list[Row]:
        """The rows of one reading statement, outside any transaction.

        The rows are tuples whose members have the columns' names. Statements are kept compiled:
        they belong at the level of a module.

        Raises:
            Unavailable: the database cannot be reached.
        """
        return await self._fetching.fetch(statement, parameters)

    async def fetch_one(
        self, statement: ReturnsRows, parameters: Mapping[str, Any] = NOTHING
    ) -> Row | None:
        """The first row of `fetch`, if there is any."""
        rows = await self.fetch(statement, parameters)
        return rows[0] if rows else None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reads of one statement each: no transaction is begun.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with _no_connection_left():
            async with self._autocommit.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction, which is rolled back unless it is committed.

        Raises:
            Unavailable: the database cannot be reached.
            EmailTaken, UsernameTaken, NotFound: a constraint was violated.
        """
        with _no_connection_left():
            async with self._place_to_write(), self.engine.connect() as connection:
                if self.is_sqlite:
                    await connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection

    @asynccontextmanager
    async def restructuring(self) -> AsyncIterator[AsyncConnection]:
        """As `writing`, to change the tables themselves.

        SQLite changes a table by putting a new one in its place. Foreign keys are not enforced
        meanwhile: dropping the old table would take all with it that hangs on its rows.
        """
        with _no_connection_left():
            async with self._place_to_write(), self.engine.connect() as connection:
                if not self.is_sqlite:
                    yield connection
                    return
                try:
                    await connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                    await connection.exec_driver_sql("BEGIN IMMEDIATE")
                    yield connection
                finally:
                    # Inside of a transaction the pragma has no effect.
                    await connection.rollback()
                    await connection.exec_driver_sql("PRAGMA foreign_keys = ON")

    @asynccontextmanager
    async def _place_to_write(self) -> AsyncIterator[None]:
        if not self.is_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(POOL_TIMEOUT):
                await self._one_writer.acquire()
        except TimeoutError as error:
            raise Unavailable from error
        try:
            yield
        finally:
            self._one_writer.release()

    async def commit(self, connection: AsyncConnection) -> None:
        """Commit what `writing` has begun; what follows is undone unless it is committed too."""
        await connection.commit()
        if self.is_sqlite:
            await connection.exec_driver_sql("BEGIN")

    async def write(self, statement: ReturnsRows, parameters: Mapping[str, Any]) -> list[Row]:
        """The rows that one writing statement gives, which commits itself.

        Raises:
            Unavailable: the database cannot be reached. Whether anything was written is not known.
            RowLocked: somebody else holds a row for long. Nothing was written.
        """
        async with self._place_to_write():
            return await self._fetching.write(statement, parameters)

    async def ping(self) -> None:
        """Run the smallest statement. Raises what reading raises."""
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        await self._fetching.close()
        await self.engine.dispose()


def driver_url(address: str) -> URL:
    """The address with the name of the driver in it."""
    url = make_url(address)
    sqlite = url.get_backend_name() == "sqlite"
    return url.set(drivername="sqlite+aiosqlite" if sqlite else "postgresql+psycopg")


def _postgresql(address: str) -> tuple[AsyncEngine, FastReader]:
    url = driver_url(address)
    # Times come back in UTC, whatever the server is set to.
    own = f"{url.query.get('options', '')} -c timezone=UTC"
    options = f"{own} {PLANNING}"
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
    _, of_address = engine.dialect.create_connect_args(url)
    options = f"{own} {LISTING} -c lock_timeout={ROW_LOCK_TIMEOUT}"
    fetching = PostgresqlFastReader({**of_address, **arguments, "options": options}, POOL_TIMEOUT)
    return engine, fetching


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
        _turn_wal_on(cursor)
        cursor.close()

    return engine, SqliteFastReader(str(url.database), POOL_TIMEOUT)


def _turn_wal_on(cursor: Any) -> None:
    """Two processes that make a new file at once fail here, and the busy timeout does not apply
    to this pragma: whoever comes second tries again.
    """
    give_up = time.monotonic() + POOL_TIMEOUT
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)


@contextmanager
def _no_connection_left() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise Unavailable from error


def _translate(context: ExceptionContext) -> Exception | None:
    """What to raise in the place of a driver's error, wherever it comes up."""
    error = context.sqlalchemy_exception or context.original_exception
    if not isinstance(error, Exception):
        return None  # a cancellation, which SQLAlchemy counts among the disconnects
    if isinstance(error, IntegrityError):
        return domain_error(error.orig)
    # A bare DatabaseError is SQLite's word for a file that is no database.
    away = isinstance(error, (OperationalError, InterfaceError)) or type(error) is DatabaseError
    if away or context.is_disconnect:
        unavailable = Unavailable()
        unavailable.__cause__ = error
        return unavailable
    return None


def domain_error(error: BaseException | None) -> SideProError | None:
    """What a driver's violated constraint means. A foreign key: what is referred to is gone."""
    if isinstance(error, sqlite3.IntegrityError):
        # "UNIQUE constraint failed: users.email_key"; foreign keys are not named at all.
        text = str(error)
        if error.sqlite_errorname == "SQLITE_CONSTRAINT_FOREIGNKEY":
            return NotFound()
        name = "uq_" + text.rpartition(": ")[2].replace(".", "_")
    else:
        name = getattr(getattr(error, "diag", None), "constraint_name", None) or ""
        if name.startswith("fk_"):
            return NotFound()
    return _UNIQUE[name]() if name in _UNIQUE else None

"""Reads that go past SQLAlchemy's execution: its statements and types, the drivers' own cursors.

What the engine adds to a read (greenlets, results, a reset of the connection) costs three times
what the driver itself does; the figures are in docs/performance.md.
"""

import asyncio
import sqlite3
import threading
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Protocol

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import BindParameter, Dialect, Integer, bindparam
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.sql.selectable import ReturnsRows

from sidepro.domain.errors import Unavailable

Row = Any
"""A tuple whose members have the names of the statement's columns too."""

Found = Sequence[Sequence[Any]]
"""Rows as a driver gives them."""

READERS = 10
"""Connections of a process that read, at the most."""

THREADS = 4
"""That read SQLite: its reads do not wait for each other, only for the disk and for Python."""

FLOAT8 = 701
"""PostgreSQL's number for the type of the only numbers that are no integers here."""

STATEMENTS = 1_000
"""That are kept compiled, at the most."""

VARIANTS = 16
"""Of the texts of one statement, so many are kept: whoever asks for pages of all lengths shall not
fill the memory.
"""


def limit_param(name: str) -> BindParameter[int]:
    """A parameter for LIMIT, whose number becomes a part of the statement's text.

    PostgreSQL's plans serve all values of the other parameters. For a limit that it does not know
    it expects a tenth of the list to be read.
    """
    return bindparam(name, type_=Integer, literal_execute=True)


class RowLocked(Exception):
    """A statement gave up on a row that somebody else holds for long."""


class FastReader(Protocol):
    """Runs statements, each for itself, without a transaction, and gives their rows."""

    async def fetch(self, statement: ReturnsRows, parameters: Mapping[str, Any]) -> list[Row]:
        """The rows of a statement that reads.

        Raises:
            Unavailable: the database cannot be reached.
        """
        ...

    async def write(self, statement: ReturnsRows, parameters: Mapping[str, Any]) -> list[Row]:
        """The rows that a statement has written; on return they are stored for good.

        Raises:
            Unavailable: the database cannot be reached. Whether anything was written is not known.
            RowLocked: nothing was written.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class CompiledQuery:
    """A statement as its driver takes it, and what its values and rows go through."""

    def __init__(self, statement: ReturnsRows, dialect: Dialect) -> None:
        """`dialect` has positional parameters."""
        self._dialect = dialect
        self._compiled: Any = statement.compile(dialect=dialect)
        columns = list(statement.exported_columns)
        # As a type that is known only here.
        new_type: Any = namedtuple
        row = new_type("Row", [one.key or "" for one in columns], rename=True)
        self._row: Callable[[Iterable[Any]], Row] = row._make
        processors = (
            one.type.dialect_impl(dialect).result_processor(dialect, FLOAT8) for one in columns
        )
        self._loaders = [(place, load) for place, load in enumerate(processors) if load]
        bound = self._compiled.post_compile_params
        self._lists = [parameter.key for parameter in bound if parameter.expanding]
        written = self._compiled.literal_execute_params
        self._written = [parameter.key for parameter in written if parameter.required]
        # A list stands for as many values, and each length makes a text of its own; so does each
        # number that is written into the text.
        self._variants: dict[tuple[int, ...], BoundQuery] = {}

    def bind(self, parameters: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The statement's text and its values, in the order of their places."""
        if self._lists:
            lists = {name: _filled_up(parameters[name]) for name in self._lists}
            parameters = {**parameters, **lists}
        numbers = (
            *(len(parameters[name]) for name in self._lists),
            *(parameters[name] for name in self._written),
        )
        variant = self._variants.get(numbers)
        if variant is None:
            if len(self._variants) == VARIANTS:
                del self._variants[next(iter(self._variants))]
            variant = self._variants[numbers] = BoundQuery(
                self._compiled, self._dialect, parameters
            )
        return variant.text, variant.values(parameters)

    def rows(self, found: Found) -> list[Row]:
        """The driver's rows with names, and with the values that the columns' types say."""
        if not self._loaders:
            return list(map(self._row, found))
        rows = []
        for each in found:
            values = list(each)
            for place, load in self._loaders:
                values[place] = load(values[place])
            rows.append(self._row(values))
        return rows


def _filled_up(members: Sequence[Any]) -> list[Any]:
    """The members of an IN list, the last one repeated up to the next power of two: so a few texts
    serve lists of all lengths, and the server knows them already.
    """
    missing = (1 << (len(members) - 1).bit_length()) - len(members) if members else 0
    return [*members, *([members[-1]] * missing if missing else ())]


class BoundQuery:
    """A statement for lists of certain lengths, and with certain numbers in it."""

    def __init__(self, compiled: Any, dialect: Dialect, parameters: Mapping[str, Any]) -> None:
        state = compiled.construct_expanded_state(parameters)
        self.text: str = state.statement
        member_of = {
            one: (name, place)
            for name, expanded in state.parameter_expansion.items()
            for place, one in enumerate(expanded)
        }
        # For each place: whose value, which member of a list, and what it goes through.
        self._places = [
            (given, member, _processor(compiled.binds[given], dialect))
            for name in state.positiontup
            for given, member in [member_of.get(name, (name, None))]
        ]
        # values that are part of the statement
        self._constants = {
            name: state.parameters[name]
            for name, member, _ in self._places
            if member is None and not compiled.binds[name].required
        }

    def values(self, parameters: Mapping[str, Any]) -> list[Any]:
        given = {**self._constants, **parameters}
        values = []
        for name, member, process in self._places:
            value = given[name]
            if member is not None:
                value = value[member]
            values.append(process(value) if process else value)
        return values


def _processor(bound: BindParameter[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    return bound.type.dialect_impl(dialect).bind_processor(dialect)


def _preparing(dialect: Dialect) -> Callable[[ReturnsRows], CompiledQuery]:
    @lru_cache(maxsize=STATEMENTS)
    def prepared(statement: ReturnsRows) -> CompiledQuery:
        return CompiledQuery(statement, dialect)

    return prepared


def postgresql_dialect() -> Dialect:
    """Statements as the server itself takes them, so that psycopg need not look for placeholders
    in them.
    """
    untyped: Any = PGDialect_psycopg
    dialect: Dialect = untyped(paramstyle="numeric_dollar")
    return dialect


class PostgresqlFastReader:
    """A few psycopg connections in autocommit, the last used one first."""

    def __init__(self, connect: Mapping[str, Any], patience: float) -> None:
        """`connect` is for psycopg; `patience` the seconds until a wait for a connection ends."""
        self._prepared = _preparing(postgresql_dialect())
        self._connect = connect
        self._patience = patience
        self._places = asyncio.Semaphore(READERS)
        self._idle: list[psycopg.AsyncConnection] = []

    async def fetch(self, statement: ReturnsRows, parameters: Mapping[str, Any]) -> list[Row]:
        return await self._rows(statement, parameters, again=True)

    async def write(self, statement: ReturnsRows, parameters: Mapping[str, Any]) -> list[Row]:
        return await self._rows(statement, parameters, again=False)

    async def _rows(
        self, statement: ReturnsRows, parameters: Mapping[str, Any], *, again: bool
    ) -> list[Row]:
        prepared = self._prepared(statement)
        text, values = prepared.bind(parameters)
        await self._take_place()
        try:
            return prepared.rows(await self._found(text, values, again))
        except psycopg.errors.LockNotAvailable as error:
            raise RowLocked from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise Unavailable from error
        finally:
            self._places.release()

    async def _found(self, text: str, values: Sequence[Any], again: bool) -> Found:
        if self._idle:
            try:
                return await self._run(self._idle.pop(), text, values)
            except psycopg.errors.LockNotAvailable:
                raise
            except (psycopg.OperationalError, psycopg.InterfaceError):
                # It may have gone while nobody used it, and the others with it.
                await self.close()
                if not again:
                    raise
        connection = await psycopg.AsyncConnection.connect(**self._connect, autocommit=True)
        return await self._run(connection, text, values)

    async def _run(
        self, connection: psycopg.AsyncConnection, text: str, values: Sequence[Any]
    ) -> Found:
        try:
            cursor = psycopg.AsyncRawCursor(connection)
            await cursor.execute(text.encode(), values)
            return await cursor.fetchall()
        finally:
            # Whoever gave up waiting may have left a statement under way.
            if connection.pgconn.transaction_status == TransactionStatus.IDLE:
                self._idle.append(connection)
            else:
                await connection.close()

    async def _take_place(self) -> None:
        if not self._places.locked():
            await self._places.acquire()  # at once
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._places.acquire()
        except TimeoutError as error:
            raise Unavailable from error

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()


class SqliteFastReader:
    """A few threads with a connection each."""

    def __init__(self, path: str, patience: float) -> None:
        """`patience` is the seconds until a wait for another process's lock ends."""
        self._prepared = _preparing(SQLiteDialect_pysqlite())
        self._path, self._patience = path, patience
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sqlite")
        self._of_thread = threading.local()
        self._writer: sqlite3.Connection | None = None
        self._connections: list[sqlite3.Connection] = []

    async def fetch(self, statement: ReturnsRows, parameters: Mapping[str, Any]) -> list[Row]:
        prepared = self._prepared(statement)
        text, values = prepared.bind(parameters)
        return prepared.rows(await self._in_thread(self._read, text, values))

    async def write(self, statement: ReturnsRows, parameters: Mapping[str, Any]) -> list[Row]:
        prepared = self._prepared(statement)
        text, values = prepared.bind(parameters)
        return prepared.rows(await self._in_thread(self._write, text, values))

    async def _in_thread(
        self, run: Callable[[str, Sequence[Any]], Found], text: str, values: Sequence[Any]
    ) -> Found:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, run, text, values)
        except (sqlite3.OperationalError, sqlite3.InterfaceError) as error:
            raise Unavailable from error
        except sqlite3.DatabaseError as error:
            # Itself, it is SQLite's word for a file that is no database.
            if type(error) is sqlite3.DatabaseError:
                raise Unavailable from error
            raise

    def _read(self, text: str, values: Sequence[Any]) -> Found:
        connection: sqlite3.Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = self._connection("query_only = ON")
        return connection.execute(text, values).fetchall()

    def _write(self, text: str, values: Sequence[Any]) -> Found:
        if self._writer is None:
            self._writer = self._connection("synchronous = FULL", "foreign_keys = ON")
        return self._writer.execute(text, values).fetchall()

    def _connection(self, *pragmas: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            self._patience,
            isolation_level=None,
            check_same_thread=False,  # used by one at a time
        )
        self._connections.append(connection)
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    async def close(self) -> None:
        self._threads.shutdown()
        while self._connections:
            self._connections.pop().close()

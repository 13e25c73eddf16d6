"""Moves an embedded database to PostgreSQL: all rows of all tables, exactly.

Tables are copied in the order of their references, rows in the order of SQLite's row ids, in
batches. Each batch is one transaction with the place that it reached, so a move that was killed
goes on where it was. At the end each table is compared by the number and a digest of its rows.
Nothing here names a table: a new one is moved without a change.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    exists,
    func,
    insert,
    inspect,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.adapters.sql.schema.columns import metadata
from sidepro.adapters.sql.schema.tables import images
from sidepro.domain.errors import SideProError, Unavailable
from sidepro.domain.images.urls import ImageKey

BATCH = 500
"""Rows of a transaction: at most some 50 MB of long texts."""

_MODULUS = 2**128

_place = Table(
    "sidepro_move",
    MetaData(),
    Column("source", Text, nullable=False),
    Column("copied_tables", Integer, nullable=False),
    Column("last_row", BigInteger, nullable=False),
    comment="One row while a move is unfinished: the place that it reached.",
)

_ROW_ID = literal_column("rowid", BigInteger)
_ENDS = text("SELECT setval(pg_get_serial_sequence(:table, :column), :value)")
_SEQUENCE = text("SELECT pg_get_serial_sequence(:table, :column)")

Progress = Callable[[str, int, int], None]
"""Called with what is done at the moment, how many rows are done, and of how many."""


class MoveError(Exception):
    """The move is refused or failed. The message is one line."""


class Fingerprint(NamedTuple):
    """The number of rows of a table, and a digest that does not depend on their order."""

    rows: int
    digest: int


async def has_unfinished_move(database: Database) -> bool:
    """Whether the database is the target of a move that has not ended: it is incomplete."""
    if database.is_sqlite:
        return False
    async with database.reading() as connection:
        return await connection.run_sync(lambda plain: inspect(plain).has_table(_place.name))


async def stored_images(database: Database) -> dict[ImageKey, int]:
    """The keys of all images that are in the store, with their sizes in bytes."""
    statement = select(images.c.key, images.c.size).where(images.c.state == "stored")
    async with database.reading(job=True) as connection:
        return {ImageKey(row.key): row.size for row in await connection.execute(statement)}


class Move:
    """One move. Both databases have the schema of this version, and nobody serves them."""

    def __init__(
        self, source: Database, target: Database, progress: Progress, batch: int = BATCH
    ) -> None:
        self._source, self._target = source, target
        self._file = Path(str(source.engine.url.database)).absolute()
        self._progress, self._batch = progress, batch
        self._tables = metadata.sorted_tables
        self._done = self._total = 0

    async def run(self) -> int:
        """Begin or continue the move, and end it. Returns the number of rows.

        Raises:
            MoveError: the target contains other data, a row does not fit, or the copy differs.
            Unavailable: a database cannot be reached.
        """
        async with (
            self._source.reading() as source,
            self._target.writing(job=True) as target,
        ):
            counts = [await _count(source, table) for table in self._tables]
            self._total = sum(counts)
            copied, last_row = await self._begin(target)
            for number in range(copied, len(self._tables)):
                self._done = sum(counts[:number])
                if last_row:
                    self._done += await _count(target, self._tables[number])
                await self._copy(source, target, number, last_row)
                last_row = 0
            await _set_sequences(target, self._tables)
            await self._compare(source, target)
            await target.run_sync(_place.drop)
            await self._target.commit(target)
        async with self._target.reading(job=True) as connection:
            await connection.exec_driver_sql("VACUUM (ANALYZE)")
        return self._total

    async def _begin(self, target: AsyncConnection) -> tuple[int, int]:
        """The number of copied tables, and the last row id of the next one."""
        source = str(self._file)
        if await target.run_sync(lambda plain: inspect(plain).has_table(_place.name)):
            place = (await target.execute(select(_place))).one()
            if place.source != source:
                raise MoveError(f"the target contains an unfinished move from {place.source}")
            return place.copied_tables, place.last_row
        filled = await _tables_filled_by_migrations()
        others = [
            table.name
            for table in self._tables
            if table.name not in filled
            and await target.scalar(select(exists().select_from(table)))
        ]
        if others:
            raise MoveError(f"the target contains other data, in {', '.join(others)}")
        for table in reversed(self._tables):
            if table.name in filled:
                await target.execute(delete(table))
        await target.run_sync(_place.create)
        await target.execute(insert(_place).values(source=source, copied_tables=0, last_row=0))
        await self._target.commit(target)
        return 0, 0

    async def _copy(
        self, source: AsyncConnection, target: AsyncConnection, number: int, last_row: int
    ) -> None:
        """Copy the rows of a table after `last_row`."""
        table = self._tables[number]
        batch = select(_ROW_ID.label("row_id"), table).order_by(_ROW_ID).limit(self._batch)
        statement = insert(table)
        while True:
            result = await source.execute(batch.where(last_row < _ROW_ID))
            rows = [dict(row) for row in result.mappings()]
            if rows:
                last_row = [row.pop("row_id") for row in rows][-1]
                await _insert(target, statement, table, rows)
                place = {"copied_tables": number, "last_row": last_row}
            else:
                place = {"copied_tables": number + 1, "last_row": 0}
            await target.execute(update(_place).values(place))
            await self._target.commit(target)
            if not rows:
                return
            self._done += len(rows)
            self._progress(f"copying {table.name}", self._done, self._total)

    async def _compare(self, source: AsyncConnection, target: AsyncConnection) -> None:
        done = 0
        for table in self._tables:
            self._progress(f"comparing {table.name}", done, self._total)
            before = await fingerprint(source, table)
            after = await fingerprint(target, table)
            await self._target.commit(target)
            if before != after:
                raise MoveError(
                    f"the copy of {table.name} differs ({before.rows} rows, {after.rows} in the "
                    "target): was the source changed meanwhile? Begin again with an empty database"
                )
            done += before.rows
        self._progress("compared", done, self._total)


async def fingerprint(connection: AsyncConnection, table: Table) -> Fingerprint:
    """The fingerprint of a table, the same on SQLite and PostgreSQL for the same rows."""
    rows = total = 0
    encoder = msgspec.json.Encoder(order="deterministic")
    async with connection.stream(select(table).execution_options(yield_per=1_000)) as result:
        async for row in result:
            hashed = hashlib.sha256(encoder.encode(tuple(row))).digest()
            total = (total + int.from_bytes(hashed[:16], "big")) % _MODULUS
            rows += 1
    return Fingerprint(rows, total)


async def _insert(
    target: AsyncConnection, statement: Any, table: Table, rows: Sequence[dict[str, Any]]
) -> None:
    try:
        await target.execute(statement, rows)
    except Unavailable:
        raise
    except (DBAPIError, SideProError) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        raise MoveError(f"cannot copy {table.name}: {reason}") from error


async def _count(connection: AsyncConnection, table: Table) -> int:
    return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


async def _set_sequences(target: AsyncConnection, tables: Iterable[Table]) -> None:
    """Let the numbers that the database makes continue after the copied ones."""
    for table in tables:
        for column in table.primary_key:
            if isinstance(column.type, Integer):
                place = {"table": table.name, "column": column.name}
                highest = await target.scalar(select(func.max(column)))
                if highest is not None and await target.scalar(_SEQUENCE, place):
                    await target.execute(_ENDS, {**place, "value": highest})


async def _tables_filled_by_migrations() -> set[str]:
    """The names of the tables that have rows in a new database, such as the catalogue."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Database(f"sqlite:///{Path(folder) / 'new.sqlite3'}")
        try:
            await migrations.migrate(scratch)
            async with scratch.reading() as connection:
                return {
                    table.name
                    for table in metadata.sorted_tables
                    if await connection.scalar(select(exists().select_from(table)))
                }
        finally:
            await scratch.close()

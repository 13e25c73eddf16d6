"""Copying the tables of an embedded database to PostgreSQL, and continuing after a crash."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Table, delete, insert, inspect, select, text, update

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.move import Move, MoveError, fingerprint, has_unfinished_move
from sidepro.adapters.sql.schema import chat_tables, tables
from sidepro.adapters.sql.schema.columns import metadata
from tests.move.any_rows import fill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, pytest.mark.servers]

ROWS = 9


class Crash(Exception):
    """In the place of the end of the process."""


@asynccontextmanager
async def opened(databases: Databases) -> AsyncIterator[Database]:
    with databases.fresh() as address:
        database = Database(address)
        try:
            yield database
        finally:
            await database.close()


@pytest.fixture
async def source(sqlite_databases: Databases) -> AsyncIterator[Database]:
    """An embedded database with rows in all tables."""
    async with opened(sqlite_databases) as database:
        async with database.writing() as connection:
            filled = await fill(connection, ROWS)
            await connection.commit()
        unfilled = set(metadata.tables) - filled
        assert not unfilled, f"`any_rows` makes no rows that the checks of {unfilled} allow"
        yield database


@pytest.fixture
async def target(postgresql_databases: Databases) -> AsyncIterator[Database]:
    async with opened(postgresql_databases) as database:
        yield database


def ignore(_activity: str, _done: int, _total: int) -> None:
    pass


async def rows_of(database: Database, table: Table) -> list[tuple[Any, ...]]:
    async with database.reading() as connection:
        rows = await connection.execute(select(table))
        return sorted((tuple(row) for row in rows), key=repr)


async def test_every_table_is_moved_exactly(source: Database, target: Database) -> None:
    await Move(source, target, ignore, batch=4).run()
    async with target.reading() as connection:
        names = await connection.run_sync(lambda plain: inspect(plain).get_table_names())
    assert set(names) == {*metadata.tables, "alembic_version"}
    for table in metadata.sorted_tables:
        assert await rows_of(target, table) == await rows_of(source, table), table.name


async def test_a_move_that_crashes_at_every_batch_ends_exact(
    source: Database, target: Database
) -> None:
    crashes = 0

    def crash(activity: str, _done: int, _total: int) -> None:
        if activity.startswith("copying"):
            raise Crash

    while True:
        try:
            await Move(source, target, crash, batch=4).run()
            break
        except Crash:
            crashes += 1
            assert await has_unfinished_move(target)
    assert crashes > len(metadata.tables)
    assert not await has_unfinished_move(target)
    for table in metadata.sorted_tables:
        assert await rows_of(target, table) == await rows_of(source, table), table.name


async def test_the_progress_counts_all_rows_once(source: Database, target: Database) -> None:
    steps: list[tuple[int, int]] = []

    def record(activity: str, done: int, total: int) -> None:
        if activity.startswith("copying"):
            steps.append((done, total))
            if len(steps) == 20:
                raise Crash

    with pytest.raises(Crash):
        await Move(source, target, record, batch=4).run()
    rows = await Move(source, target, record, batch=4).run()
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1] == (rows, rows)


async def test_numbers_made_by_the_database_continue(source: Database, target: Database) -> None:
    await Move(source, target, ignore).run()
    async with target.writing() as connection:
        await connection.execute(delete(tables.project_search))
        project = (await connection.execute(select(tables.projects))).first()
        assert project is not None
        row = {"project_id": project.id, "created_at": project.created_at, "grams": ("커",)}
        added = insert(tables.project_search).returning(tables.project_search.c.number)
        number = await connection.scalar(added.values(row))
    async with source.reading() as connection:
        numbers = (await connection.execute(select(tables.project_search.c.number))).scalars()
        assert number == max(numbers) + 1


async def test_a_target_with_other_data_is_refused_and_unchanged(
    source: Database, target: Database
) -> None:
    async with target.writing() as connection:
        await connection.execute(text("INSERT INTO job_runs VALUES ('one', now(), 1, 1)"))
        await connection.commit()
    with pytest.raises(MoveError, match="contains other data, in job_runs"):
        await Move(source, target, ignore).run()
    assert not await has_unfinished_move(target)
    assert len(await rows_of(target, tables.skills)) > 50


async def test_a_difference_at_the_end_is_told(source: Database, target: Database) -> None:
    async def change() -> None:
        async with source.writing() as connection:
            await connection.execute(update(chat_tables.messages).values(body="changed"))
            await connection.commit()

    changing: list[asyncio.Task[None]] = []

    def change_a_moved_table(activity: str, _done: int, _total: int) -> None:
        if activity == "copying messages":
            changing.append(asyncio.create_task(change()))
            raise Crash

    with pytest.raises(Crash):
        await Move(source, target, change_a_moved_table).run()
    await changing[0]
    with pytest.raises(MoveError, match=f"messages differs .{ROWS} rows, {ROWS} in the target"):
        await Move(source, target, ignore).run()
    assert await has_unfinished_move(target), "it must not be served"


async def test_a_row_that_postgresql_cannot_store_is_told_with_its_table(
    source: Database, target: Database
) -> None:
    async with source.writing() as connection:
        await connection.execute(update(tables.comments).values(body="a\0b"))
        await connection.commit()
    with pytest.raises(MoveError, match=r"cannot copy comments: .*NUL"):
        await Move(source, target, ignore).run()


async def test_an_unfinished_move_from_another_database_is_refused(
    source: Database, target: Database, sqlite_databases: Databases
) -> None:
    def crash(_activity: str, _done: int, _total: int) -> None:
        raise Crash

    with pytest.raises(Crash):
        await Move(source, target, crash).run()
    async with opened(sqlite_databases) as other:
        with pytest.raises(MoveError, match="contains an unfinished move from /"):
            await Move(other, target, ignore).run()


async def test_a_move_goes_on_by_another_name_of_the_same_file(
    source: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_activity: str, done: int, _total: int) -> None:
        if done:
            raise Crash

    with pytest.raises(Crash):
        await Move(source, target, crash).run()
    file = Path(str(source.engine.url.database))
    monkeypatch.chdir(file.parent)
    relative = Database(f"sqlite:///{file.name}")
    try:
        await Move(relative, target, ignore).run()
    finally:
        await relative.close()


async def test_a_fingerprint_tells_a_microsecond(source: Database) -> None:
    async with source.writing() as connection:
        before = await fingerprint(connection, chat_tables.messages)
        await connection.execute(
            text("UPDATE messages SET sent_at = replace(sent_at, '.999999', '.999998')")
        )
        after = await fingerprint(connection, chat_tables.messages)
    assert before.rows == after.rows
    assert before.digest != after.digest

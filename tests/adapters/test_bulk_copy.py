"""The bench's copies of the demo data in PostgreSQL: as many again, of other people."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import select, text

from bench import bulk_copy
from sidepro.adapters.sql.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.counter_audit import SqlCounterAudit
from sidepro.adapters.sql.demo_writer import SqlDemoWriter
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.schema import tables
from sidepro.adapters.sql.schema.migrate import migrate
from sidepro.adapters.sql.search.ngrams import ngrams_of
from sidepro.demo import seeder
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.search_key import search_term
from sidepro.domain.projects.views import BoardQuery
from tests.adapters.test_seeding import count_rows, ignore, without_pictures
from tests.fakes.image_store import MemoryImageStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.servers import Postgres

pytestmark = [pytest.mark.anyio, pytest.mark.servers]


@dataclass(frozen=True)
class State:
    rows: dict[str, int]
    structure: set[str]
    """The definitions of indexes and constraints."""


@dataclass(frozen=True)
class Copied:
    """A database that has been multiplied by three, and its state before."""

    url: str
    before: State


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def copied(postgres: Postgres) -> Iterator[Copied]:
    with postgres.database() as url:
        before = asyncio.run(seed(url))
        bulk_copy.multiply(url, 3)
        yield Copied(url, before)


async def seed(url: str) -> State:
    async with opened(url) as database:
        await migrate(database)
        writer = SqlDemoWriter(database, CatalogueCache())
        await seeder.write(writer, MemoryImageStore(), without_pictures(), ignore)
        return await state(database)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


async def state(database: Database) -> State:
    async with database.reading() as connection:
        indexes = await connection.scalars(text("SELECT indexdef FROM pg_indexes"))
        constraints = await connection.scalars(
            text("SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint")
        )
        return State(await count_rows(database), {*indexes, *constraints})


async def test_copies_multiply_everything_and_keep_every_count_right(copied: Copied) -> None:
    async with opened(copied.url) as database:
        rows = (await state(database)).rows
        assert rows == {name: 3 * number for name, number in copied.before.rows.items()}
        assert await SqlCounterAudit(database).find_drifts() == []


async def test_copies_have_other_names_and_are_found_by_their_text(copied: Copied) -> None:
    project = without_pictures().projects[0]
    async with opened(copied.url) as database:
        board = SqlBoardReader(database, CatalogueCache(), ImageUrls())
        query = BoardQuery(text=search_term(project.title))
        page = await board.board(query, PageRequest(limit=100), None)
    same_text = [card for card in page.items if card.title == project.title]
    assert len({card.id for card in same_text}) >= 3
    assert len({card.author.username for card in same_text}) >= 3
    assert len({card.created_at for card in same_text}) >= 3


async def test_copies_are_indexed_by_the_ngrams_of_their_text(copied: Copied) -> None:
    indexed = select(tables.projects.c.search_text, tables.project_search.c.grams).join_from(
        tables.projects, tables.project_search
    )
    async with opened(copied.url) as database, database.reading() as connection:
        rows = list(await connection.execute(indexed))
    assert len(rows) == 3 * len(without_pictures().projects)
    for search_text, grams in rows:
        assert set(grams) == set(ngrams_of(search_text))


async def test_indexes_and_constraints_are_restored(copied: Copied) -> None:
    async with opened(copied.url) as database:
        assert (await state(database)).structure == copied.before.structure


async def test_a_failed_copy_leaves_everything_as_it_was(copied: Copied) -> None:
    # Another run gives the same usernames again.
    async with opened(copied.url) as database:
        before = await state(database)
        with pytest.raises(psycopg.errors.UniqueViolation):
            bulk_copy.multiply(copied.url, 2)
        assert await state(database) == before


@pytest.mark.parametrize("factor", [0, 1_000])
def test_impossible_factors_are_refused(factor: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 999"):
        bulk_copy.multiply("postgresql://nowhere", factor)

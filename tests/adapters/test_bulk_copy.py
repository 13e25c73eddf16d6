"""The bench's copies of the demo data in PostgreSQL: as many again, of other people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import select, text

from bench import bulk_copy
from sidepro.adapters.sql.counter_audit import find_drifts
from sidepro.adapters.sql.demo_writer import SqlDemoWriter
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.readers.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.schema import tables
from sidepro.adapters.sql.search.ngrams import ngrams_of
from sidepro.demo import seeder
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.views import BoardQuery
from sidepro.domain.text import casefold_key
from tests.adapters.test_seeding import count_rows, generated, ignore
from tests.databases import postgresql_only

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, postgresql_only]


@pytest.fixture
async def seeded(databases: Databases) -> AsyncIterator[tuple[str, Database]]:
    with databases.fresh() as url:
        database = Database(url)
        await seeder.write(SqlDemoWriter(database, CatalogueCache()), generated(), ignore)
        yield url, database
        await database.close()


async def test_copies_multiply_everything_and_keep_every_count_right(
    seeded: tuple[str, Database],
) -> None:
    url, database = seeded
    before = await count_rows(database)
    bulk_copy.multiply(url, 3)
    assert await count_rows(database) == {name: 3 * rows for name, rows in before.items()}
    assert await find_drifts(database) == []


async def test_copies_have_other_names_and_are_found_by_their_text(
    seeded: tuple[str, Database],
) -> None:
    url, database = seeded
    bulk_copy.multiply(url, 3)
    project = generated().projects[0]
    board = SqlBoardReader(database, CatalogueCache(), ImageUrls())
    page = await board.board(
        BoardQuery(text=casefold_key(project.title)), PageRequest(limit=100), None
    )
    same_text = [card for card in page.items if card.title == project.title]
    assert len({card.id for card in same_text}) >= 3
    assert len({card.author.username for card in same_text}) >= 3
    assert len({card.created_at for card in same_text}) >= 3


async def test_copies_are_indexed_by_the_ngrams_of_their_text(
    seeded: tuple[str, Database],
) -> None:
    url, database = seeded
    bulk_copy.multiply(url, 3)
    indexed = select(tables.projects.c.search_text, tables.project_search.c.grams).join_from(
        tables.projects, tables.project_search
    )
    async with database.reading() as connection:
        rows = list(await connection.execute(indexed))
    assert len(rows) == 3 * len(generated().projects)
    for search_text, grams in rows:
        assert set(grams) == set(ngrams_of(search_text))


async def test_indexes_and_constraints_are_restored(seeded: tuple[str, Database]) -> None:
    url, database = seeded
    before = await structure(database)
    bulk_copy.multiply(url, 2)
    assert await structure(database) == before


async def test_an_aborted_copy_leaves_everything_as_it_was(
    seeded: tuple[str, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, database = seeded
    before = await structure(database), await count_rows(database)
    monkeypatch.setattr(bulk_copy, "COPIED", (*bulk_copy.COPIED, tables.sessions, tables.users))
    with pytest.raises(psycopg.Error):
        bulk_copy.multiply(url, 2)
    assert (await structure(database), await count_rows(database)) == before


@pytest.mark.parametrize("factor", [0, 1_000])
def test_impossible_factors_are_refused(factor: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 999"):
        bulk_copy.multiply("postgresql://nowhere", factor)


async def structure(database: Database) -> set[str]:
    async with database.reading() as connection:
        return {
            *await connection.scalars(text("SELECT indexdef FROM pg_indexes")),
            *await connection.scalars(
                text("SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint")
            ),
        }

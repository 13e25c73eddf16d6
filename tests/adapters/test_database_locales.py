"""On PostgreSQL, text search uses its index and finds the same in every locale."""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from sidepro.adapters.sql.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.adapters.sql.unit_of_work import SqlUnitOfWork
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.search_key import search_term
from sidepro.domain.projects.views import BoardQuery
from tests import factories
from tests.adapters.query_plans import RecordingDatabase, explain, nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidepro.domain.ids import ProjectId
    from tests.servers import Postgres

pytestmark = pytest.mark.servers

# Available everywhere: C, UTF-8 without a language, and ICU with its own languages.
LOCALES = {
    "c": "LOCALE 'C'",
    "c-utf8": "LOCALE 'C.UTF-8'",
    "icu-korean": "LOCALE_PROVIDER icu ICU_LOCALE 'ko-KR' LOCALE 'C'",
    # Turkish, where the lower case of I is the dotless ı.
    "icu-turkish": "LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C'",
}

TITLES = ("커피챗 매칭", "Side Project IIIi", "100% a_b", "axb 1000", "back\\slash", "Straße 커피")
OTHERS = 60
"""Projects without a hit, so that the index is the cheaper path."""

INDEX = "ix_project_search_grams"


@dataclass(frozen=True)
class Filled:
    """A database with projects, those of `TITLES` first."""

    address: str
    projects: list[ProjectId]


SEARCHES = {
    "커": [0, 5],
    "커피": [0, 5],
    "피챗": [0],
    "커피챗 매칭": [0],
    unicodedata.normalize("NFD", "커피챗"): [0],
    "ㅋ": [0, 5],
    "IIII": [1],
    "side PROJECT": [1],
    "ｓｉｄｅ": [1],
    "strasse": [5],
    "%": [2],
    "0%": [2],
    "a_b": [2],
    "_": [2],
    "\\": [4],
    "k\\s": [4],
    "100": [2, 3],
}


@pytest.fixture(scope="module", params=LOCALES)
def filled(request: pytest.FixtureRequest, postgres: Postgres) -> Iterator[Filled]:
    address = postgres.fresh_database(locale=LOCALES[request.param])
    try:
        yield Filled(address, asyncio.run(_fill(address)))
    finally:
        postgres.drop(address)


async def _fill(address: str) -> list[ProjectId]:
    database = Database(address)
    author = factories.user(username="somebody")
    named = [factories.project(author.id, title=title, summary="s") for title in TITLES]
    others = [factories.project(author.id, title="다른 것", summary="z") for _ in range(OTHERS)]
    try:
        await migrations.migrate(database)
        async with SqlUnitOfWork(database, CatalogueCache(), ImageUrls()) as work:
            await work.users.add(author)
            for project in [*named, *others]:
                await work.projects.add(project)
            await work.commit()
    finally:
        await database.close()
    return [project.id for project in named]


def test_searches_use_the_index_and_find_the_same_in_every_locale(filled: Filled) -> None:
    async def search() -> tuple[dict[str, list[int]], dict[str, int]]:
        board = SqlBoardReader(database, CatalogueCache(), ImageUrls())
        found, numbers = {}, {}
        try:
            for term in SEARCHES:
                query = BoardQuery(text=search_term(term))
                page = await board.board(query, PageRequest(20), None)
                found[term] = sorted(filled.projects.index(card.id) for card in page.items)
                numbers[term] = await board.board_size(query, None)
        finally:
            await database.close()
        return found, numbers

    database = RecordingDatabase(filled.address)
    found, numbers = asyncio.run(search())
    assert found == SEARCHES
    assert numbers == {term: len(places) for term, places in SEARCHES.items()}
    searches = [one for one in database.executed if "ngrams" in one[1]]
    assert len(searches) == 2 * len(SEARCHES)
    for statement, parameters in searches:
        plan = explain(filled.address, statement, parameters, "FORMAT JSON")
        assert INDEX in {node.get("Index Name") for node in nodes(plan["Plan"])}

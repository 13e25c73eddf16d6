"""The index of the text search, the scan and the filter in Python agree on every text."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from hypothesis import assume, given
from hypothesis import strategies as st

from sidepro.adapters.sql.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.search.access_paths import SCAN, AccessPath, AccessPathPlanner, Plan
from sidepro.adapters.sql.search.filters import BoardFilter, Candidate, TextFilter
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.search_key import search_term, search_text
from sidepro.domain.projects.views import BoardQuery
from tests.contracts.board_model import Draft, a_board
from tests.contracts.test_board_model import database, runner
from tests.databases import both_databases
from tests.domain.strategies import searchable_texts

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from sidepro.adapters.sql.engine.database import Database
    from sidepro.domain.ids import ProjectId

__all__ = ["database", "runner"]  # fixtures

pytestmark = both_databases


@given(
    shown=st.lists(searchable_texts(min_size=1), min_size=1, max_size=6),
    asked=searchable_texts(min_size=1, max_size=5),
)
def test_index_scan_and_python_find_the_same_texts(
    database: Database,
    runner: asyncio.Runner,
    shown: list[str],
    asked: str,
) -> None:
    term = search_term(asked)
    assume(term)

    async def found_by(path: Callable[[BoardFilter], AccessPath]) -> set[ProjectId]:
        class Fixed(AccessPathPlanner):
            async def plan(self, filters: tuple[BoardFilter, ...], rows: float = 0) -> Plan:
                return Plan(filters, path(filters[0]))

        reader = SqlBoardReader(database, CatalogueCache(), ImageUrls(), Fixed(database))
        query = BoardQuery(text=term)
        page = await reader.board(query, PageRequest(100), None)
        assert await reader.board_size(query, None) == len(page.items)
        return {card.id for card in page.items}

    async def example() -> None:
        drafts = [Draft(0, text, "summary", ("Redis",), 0) for text in shown]
        board = await a_board(database, drafts, Random(1))
        author = board.people[0].username
        filter_ = TextFilter(term)
        expected = {
            one.id
            for one in board.projects.values()
            if filter_.matches(
                Candidate(search_text(one.title, one.summary, author), frozenset(), one.author_id)
            )
        }
        assert await found_by(lambda one: one.sql) == expected
        assert await found_by(lambda _: SCAN) == expected

    runner.run(example())

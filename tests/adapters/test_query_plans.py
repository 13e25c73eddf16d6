"""Query plans of the lists: no statement reads most of a big table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from sidepro.adapters.sql.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.readers.account_reader import SqlAccountReader
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.readers.recommendation_reader import SqlRecommendationReader
from sidepro.adapters.sql.readers.room_reader import SqlRoomReader
from sidepro.adapters.sql.search.access_paths import AccessPathPlanner, Plan
from sidepro.adapters.sql.search.filters import BoardFilter
from sidepro.adapters.sql.trending_store import SqlTrendingStore
from sidepro.domain.accounts.views import UserQuery
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import Cursor, PageRequest
from sidepro.domain.projects.search_key import search_term
from sidepro.domain.projects.views import BoardQuery, CommentOrder, Sort
from tests.adapters.large_board import (
    FIRST,
    LAST,
    LETTERS,
    OFTEN,
    RARE,
    RARE_TOO,
    SOMETIMES,
    SYLLABLE,
    TODAY,
    USUAL,
    USUAL_TOO,
    LargeBoard,
    created_at,
    store_large_board,
)
from tests.adapters.query_plans import (
    RecordingDatabase,
    explain,
    full_scans,
    nodes,
    postgresql_scans,
)
from tests.databases import both_databases, postgresql_only
from tests.factories import NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from sidepro.domain.pagination import Page
    from sidepro.domain.projects.views import ProjectCard
    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, both_databases]

MAX_BUFFERS = 500
"""Pages that a search may read. The texts fill three times as many."""

INTERSECTIONS = ("all skills", "often with all skills")
"""Queries that may read more: they intersect two skills that half of the projects have."""


@dataclass(frozen=True)
class Filled:
    """A database with a large board, open for the whole module, and its readers."""

    database: RecordingDatabase
    data: LargeBoard
    board: SqlBoardReader
    rooms: SqlRoomReader


@pytest.fixture(scope="module")
async def filled(databases: Databases) -> AsyncIterator[Filled]:
    with databases.fresh() as address:
        database = RecordingDatabase(address)
        try:
            data = await store_large_board(database)
            board = SqlBoardReader(database, CatalogueCache(), ImageUrls())
            yield Filled(database, data, board, SqlRoomReader(database, ImageUrls()))
        finally:
            await database.close()


@pytest.fixture(autouse=True)
def no_statement_recorded(filled: Filled) -> None:
    filled.database.executed.clear()


def queries() -> dict[str, BoardQuery]:
    """Queries of each kind in each order, by a name."""
    often, two, rare = search_term(OFTEN), (USUAL, USUAL_TOO), (RARE, RARE_TOO)
    kinds: Mapping[str, Mapping[str, Any]] = {
        "all": {},
        "often": {"text": often},
        "sometimes": {"text": SOMETIMES},
        "never": {"text": "zyzzyva"},
        "a syllable": {"text": search_term(SYLLABLE)},
        "a frequent syllable": {"text": search_term("서")},
        "an unknown syllable": {"text": search_term("뷁")},
        "two letters": {"text": LETTERS},
        "any skill": {"skills": two},
        "all skills": {"skills": two, "all_skills": True},
        "often with a skill": {"text": often, "skills": (USUAL,)},
        "often with any skill": {"text": often, "skills": two},
        "often with all skills": {"text": often, "skills": two, "all_skills": True},
        "sometimes with skills": {"text": SOMETIMES, "skills": two, "all_skills": True},
        "a rare skill": {"skills": (RARE,)},
        "any rare skill": {"skills": rare},
        "often with a rare skill": {"text": often, "skills": (RARE,)},
        "never with a rare skill": {"text": "zyzzyva", "skills": (RARE,)},
        "a frequent syllable with a rare skill": {"text": search_term("서"), "skills": (RARE,)},
        "often with two rare skills": {"text": often, "skills": rare, "all_skills": True},
        "a usual and a rare skill": {"skills": (USUAL, RARE), "all_skills": True},
    }
    return {
        f"{sort}, {name}": BoardQuery(sort=sort, **filters)
        for sort in Sort
        for name, filters in kinds.items()
    }


async def read_pages(filled: Filled, query: BoardQuery) -> None:
    """Reads a first page, the next one, the first again, and the last page."""

    async def page(cursor: Cursor) -> Page[ProjectCard]:
        return await filled.board.board(query, PageRequest(6, cursor), filled.data.user)

    first = await page(Cursor())
    if first.next:
        second = await page(first.next)
        assert second.previous
        await page(second.previous)
    await page(Cursor(reverse=True))


@pytest.mark.parametrize("name", queries())
async def test_a_page_of_the_board_reads_little_of_the_big_tables(
    filled: Filled, name: str
) -> None:
    await read_pages(filled, queries()[name])
    assert filled.database.executed
    if filled.database.is_sqlite:
        assert full_scans(filled.database) == []
        return
    address = filled.database.address
    for statement, parameters in filled.database.executed:
        plan = explain(address, statement, parameters, "ANALYZE, BUFFERS, FORMAT JSON")
        assert list(postgresql_scans(address, plan, counting=False)) == []
        buffers = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
        if not name.endswith(INTERSECTIONS):
            assert buffers <= MAX_BUFFERS, json.dumps(plan, indent=1)


async def test_counting_reads_no_whole_table(filled: Filled) -> None:
    for query in queries().values():
        if query.sort is Sort.NEWEST:
            await filled.board.board_size(query, None)
    assert filled.database.executed
    assert full_scans(filled.database, counting=True) == []


async def test_no_other_list_reads_a_whole_table(filled: Filled) -> None:
    board, rooms, data = filled.board, filled.rooms, filled.data
    for sort in Sort:
        for text in (None, search_term(OFTEN)):
            await read_pages(filled, BoardQuery(author=data.user, text=text, sort=sort))
    for request in (PageRequest(6), PageRequest(6, Cursor(reverse=True))):
        for page in (
            await board.bookmarked_by(data.user, request, None),
            await board.comments(data.projects[1], request, None),
            await board.comments(data.projects[1], request, None, CommentOrder.NEWEST),
            await rooms.rooms(data.user, request),
        ):
            assert page.items
    await board.bookmarks_of(data.user, None)
    await rooms.unread(data.user)
    for place in ({"after": 3, "before": None}, {"after": None, "before": 3}):
        assert await rooms.messages(data.room, limit=20, **place)
    await board.project(data.projects[1], None)
    recommendations = SqlRecommendationReader(filled.database, CatalogueCache(), ImageUrls())
    await recommendations.projects_by_author([data.user], data.user, most=3, first=1)
    await recommendations.popular(data.user, 3)
    accounts = SqlAccountReader(filled.database, CatalogueCache(), ImageUrls())
    for query in (UserQuery("u", is_prefix=True), UserQuery("user-7", is_prefix=False)):
        for request in (PageRequest(6), PageRequest(6, Cursor(("user-7",), reverse=True))):
            await accounts.search(query, request, data.user, NOW)
    await accounts.person(data.user, data.user, NOW)
    assert full_scans(filled.database) == []


async def test_the_trending_job_reads_only_projects_with_counts_or_a_score(
    filled: Filled,
) -> None:
    store = SqlTrendingStore(filled.database)
    scores = await store.scores(TODAY, None, 100)
    await store.scores(TODAY, scores[-1].project_id, 100)
    assert len(await store.faded(TODAY + timedelta(days=7), 100)) == 100
    assert len(filled.database.executed) == 3
    assert full_scans(filled.database) == []


@pytest.mark.parametrize(
    ("term", "start", "reverse", "found", "statements"),
    [
        pytest.param(FIRST, None, False, range(299, 293, -1), 2, id="from-the-top"),
        pytest.param(FIRST, 5_990, False, range(299, 293, -1), 2, id="from-a-place"),
        pytest.param(LAST, None, True, range(5_705, 5_699, -1), 2, id="from-the-end"),
        pytest.param(LAST, 10, True, range(5_705, 5_699, -1), 2, id="back-from-a-place"),
        pytest.param(LAST, 5_700, False, (), 2, id="nothing-ahead"),
        pytest.param(FIRST, 299, True, (), 2, id="nothing-behind"),
        pytest.param(FIRST, 300, False, range(299, 293, -1), 1, id="does-not-give-up"),
    ],
)
async def test_a_scan_that_gives_up_finds_the_page_with_a_second_statement(
    filled: Filled,
    term: str,
    start: int | None,
    reverse: bool,
    found: Sequence[int],
    statements: int,
) -> None:
    projects = filled.data.projects
    query = BoardQuery(text=term)
    # This page takes the sample and reads the catalogue.
    await filled.board.board(query, PageRequest(1), None)
    filled.database.executed.clear()
    after = None if start is None else (created_at(start), projects[start])
    page = await filled.board.board(query, PageRequest(6, Cursor(after, reverse=reverse)), None)
    assert [card.id for card in page.items] == [projects[place] for place in found]
    # The page also says whether there is more in the other direction, even when it is empty.
    ahead, behind = (page.previous, page.next) if reverse else (page.next, page.previous)
    assert (ahead is not None) == bool(found)
    hits_behind = start is not None and (term == LAST) != reverse
    assert (behind is not None) == hits_behind
    assert len(filled.database.executed) == statements


@postgresql_only
async def test_the_texts_fill_more_pages_than_a_search_may_read(filled: Filled) -> None:
    with psycopg.connect(filled.database.address) as connection:
        row = connection.execute("SELECT pg_relation_size('projects') / 8192").fetchone()
    assert row
    assert row[0] >= 3 * MAX_BUFFERS


@postgresql_only
@pytest.mark.parametrize("sort", Sort)
async def test_an_index_search_looks_up_no_more_rows_than_the_page_needs(
    filled: Filled, sort: Sort
) -> None:
    class ByText(AccessPathPlanner):
        async def plan(self, filters: tuple[BoardFilter, ...], rows: float = 0) -> Plan:
            (only,) = filters
            return Plan(filters, only.sql)

    database = filled.database
    board = SqlBoardReader(database, CatalogueCache(), ImageUrls(), ByText(database))
    await board.board(BoardQuery(text=FIRST, sort=sort), PageRequest(6), None)
    statement, parameters = database.executed[-1]
    plan = explain(database.address, statement, parameters, "ANALYZE, FORMAT JSON")
    looked_up = sum(
        node["Actual Rows"] * node["Actual Loops"]
        for node in nodes(plan["Plan"])
        if node.get("Relation Name") == "projects"
    )
    assert 7 <= looked_up <= 20, json.dumps(plan, indent=1)

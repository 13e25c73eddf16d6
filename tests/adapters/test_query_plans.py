"""How the databases go about the lists: never by reading a whole big table."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import insert
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from sidepro.adapters.sql.engine.compiled_query import CompiledQuery, postgresql_dialect
from sidepro.adapters.sql.engine.database import READ_OPTIONS, Database
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.readers.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.readers.recommendation_reader import SqlRecommendationReader
from sidepro.adapters.sql.readers.room_reader import SqlRoomReader
from sidepro.adapters.sql.repositories.projects import search_text
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.adapters.sql.schema import tables
from sidepro.adapters.sql.search.access_paths import AccessPathPlanner, Plan
from sidepro.adapters.sql.search.filters import BoardFilter
from sidepro.adapters.sql.search.ngrams import ngrams_of
from sidepro.domain.ids import (
    ProjectId,
    RoomId,
    UserId,
)
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import Cursor, PageRequest
from sidepro.domain.projects.views import BoardQuery, Sort
from tests import factories
from tests.clients import DATABASES
from tests.factories import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Table
    from sqlalchemy.sql.selectable import ReturnsRows

    from sidepro.domain.pagination import Page
    from sidepro.domain.projects.views import ProjectCard
    from tests.servers import Postgres

BIG = {
    *("projects", "project_counters", "project_skills", "project_search", "comments"),
    *("bookmarks", "rooms", "messages"),
}
PROJECTS = 6_000
OFTEN, SOMETIMES = "서비스", "quokka"
"""In half of the search texts, and in one of 300."""

FIRST, LAST = "walrus", "ocelot"
"""In those of the 300 oldest projects, and of the 300 newest: together, so that a walk from the
other end does not come upon them.
"""

SYLLABLE, LETTERS = "쾌", "qx"
"""Both in one of 300."""

RARE, RARE_TOO = "Lucene", "HBase"
"""Skills of one project in 300; others are of one in 32."""

USUAL, USUAL_TOO = "Python", "Django"
"""Of one in three, and of half."""

BUFFERS = 500
"""Pages that a search may read. The texts fill three times as many."""

Asked = tuple["ReturnsRows", dict[str, Any]]


class NotingDatabase(Database):
    """Keeps what it is asked."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address
        self.asked: list[Asked] = []

    async def fetch(self, statement: ReturnsRows, parameters: Any = None) -> list[Any]:
        # A sample of the texts is a third of them here: reading all is the right way to get it.
        if "numbers" not in (parameters or {}):
            self.asked.append((statement, dict(parameters or {})))
        return await super().fetch(statement, parameters or {})


@dataclass(frozen=True)
class Filled:
    """A database with some of everything."""

    database: NotingDatabase
    user: UserId
    projects: Sequence[ProjectId]
    """The oldest first, each a minute after the one before."""
    room: RoomId


@pytest.fixture(scope="module", params=DATABASES)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("plans")
        yield asyncio.run(_fill(f"sqlite:///{folder}/plans.sqlite3"))
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.database() as url:
        yield asyncio.run(_fill(url))


async def _fill(address: str) -> Filled:
    database = NotingDatabase(address)
    await migrations.migrate(database)
    numbered = await CatalogueCache().current(database)
    rare = [numbered.skill_ids[name] for name in (RARE, RARE_TOO)]
    usual, usual_too = [numbered.skill_ids[name] for name in (USUAL, USUAL_TOO)]
    others = sorted(set(numbered.skill_ids.values()) - {*rare, usual, usual_too})
    drawn = random.Random(1)
    users = [factories.user() for _ in range(400)]
    words = [
        "".join(drawn.choices("가나다라마바사아자차카타파하abcdefghij", k=4)) for _ in range(900)
    ]
    projects = []
    for place in range(PROJECTS):
        title = " ".join(drawn.choices(words, k=3))
        special = [OFTEN] * (place % 2) + [SOMETIMES, SYLLABLE, LETTERS] * (place % 300 == 7)
        special += [FIRST] * (place < 300) + [LAST] * (place >= PROJECTS - 300)
        projects.append(
            factories.project(
                drawn.choice(users).id,
                title=title,
                summary=" ".join([*drawn.choices(words, k=3), *special])[:60],
                content="내용 " * 200,
                content_html="<p>" + "내용 " * 200 + "</p>",
                created_at=_minute(place),
            )
        )
    rooms = [
        factories.room(users[place % 20].id, other.id, updated_at=NOW + timedelta(minutes=place))
        for place, other in enumerate(users[20:])
    ]
    texts = {one.id: search_text(one.title, one.summary, "somebody") for one in projects}
    rows: dict[Any, list[dict[str, Any]]] = {
        tables.users: [_row(tables.users, user) for user in users],
        tables.projects: [
            {**_row(tables.projects, one, but="search_text"), "search_text": texts[one.id]}
            for one in projects
        ],
        tables.project_search: [
            {
                "project_id": one.id,
                "created_at": one.created_at,
                "grams": ngrams_of(texts[one.id]),
            }
            for one in projects
        ],
        tables.project_counters: [
            {
                "project_id": one.id,
                "views": drawn.randrange(5_000),
                "bookmarks": drawn.randrange(50),
                "comments": 0,
            }
            for one in projects
        ],
        tables.project_skills: [
            {"project_id": one.id, "skill_id": skill}
            for place, one in enumerate(projects)
            for skill in [
                *drawn.sample(others, 4),
                *rare * (place % 300 == 7),
                *[usual] * (place % 3 == 0),
                *[usual_too] * (place % 4 < 2),
            ]
        ],
        tables.comments: [
            _row(tables.comments, comment)
            for one in projects[:1_500]
            for comment in (factories.comment(one.id, users[1].id) for _ in range(3))
        ],
        tables.bookmarks: [
            {"user_id": user.id, "project_id": one.id, "created_at": one.created_at}
            for user in users[:40]
            for one in drawn.sample(projects, 150)
        ],
        tables.rooms: [
            {
                "id": room.id,
                "low_id": room.participants[0].user_id,
                "high_id": room.participants[1].user_id,
                "low_read_seq": 0,
                "high_read_seq": 0,
                "left_by": None,
                "last_seq": 15,
                "created_at": room.created_at,
                "updated_at": room.updated_at,
            }
            for room in rooms
        ],
        tables.messages: [
            {
                "room_id": room.id,
                "seq": seq,
                "sender_id": users[0].id,
                "body": "안녕하세요",
                "client_id": None,
                "sent_at": NOW,
            }
            for room in rooms
            for seq in range(1, 16)
        ],
    }
    async with database.writing() as connection:
        for table, values in rows.items():
            await connection.execute(insert(table), values)
        await connection.commit()
    async with database.reading() as connection:
        await connection.exec_driver_sql("ANALYZE")
    await database.close()
    return Filled(database, users[0].id, [one.id for one in projects], rooms[0].id)


def _minute(place: int) -> datetime:
    return NOW + timedelta(minutes=place)


def _row(table: Table, thing: object, but: str = "") -> dict[str, Any]:
    """The columns of a table that a thing of the domain has under the same names."""
    return {column.name: getattr(thing, column.name) for column in table.c if column.name != but}


def queries() -> dict[str, BoardQuery]:
    found: dict[str, BoardQuery] = {}
    for sort in Sort:
        found |= {
            f"{sort}": BoardQuery(sort=sort),
            f"{sort}, often": BoardQuery(sort=sort, text=OFTEN),
            f"{sort}, sometimes": BoardQuery(sort=sort, text=SOMETIMES),
            f"{sort}, never": BoardQuery(sort=sort, text="zyzzyva"),
            f"{sort}, a syllable": BoardQuery(sort=sort, text=SYLLABLE),
            f"{sort}, two letters": BoardQuery(sort=sort, text=LETTERS),
            f"{sort}, any skill": BoardQuery(sort=sort, skills=(USUAL, USUAL_TOO)),
            f"{sort}, all skills": BoardQuery(
                sort=sort, skills=(USUAL, USUAL_TOO), all_skills=True
            ),
            f"{sort}, often with a skill": BoardQuery(sort=sort, text=OFTEN, skills=(USUAL,)),
            f"{sort}, often with any skill": BoardQuery(
                sort=sort, text=OFTEN, skills=(USUAL, USUAL_TOO)
            ),
            f"{sort}, often with all skills": BoardQuery(
                sort=sort, text=OFTEN, skills=(USUAL, USUAL_TOO), all_skills=True
            ),
            f"{sort}, sometimes with skills": BoardQuery(
                sort=sort, text=SOMETIMES, skills=(USUAL, USUAL_TOO), all_skills=True
            ),
            f"{sort}, a rare skill": BoardQuery(sort=sort, skills=(RARE,)),
            f"{sort}, often with a rare skill": BoardQuery(sort=sort, text=OFTEN, skills=(RARE,)),
            f"{sort}, often with two rare skills": BoardQuery(
                sort=sort, text=OFTEN, skills=(RARE, RARE_TOO), all_skills=True
            ),
            f"{sort}, a usual and a rare skill": BoardQuery(
                sort=sort, skills=(USUAL, RARE), all_skills=True
            ),
        }
    return found


async def walk(filled: Filled, query: BoardQuery) -> None:
    """A first page, the next one, and back again; and the last page."""
    database = filled.database
    board = SqlBoardReader(database, CatalogueCache(), ImageUrls())

    async def page(cursor: Cursor) -> Page[Any]:
        return await board.board(query, PageRequest(6, cursor), filled.user)

    first = await page(Cursor())
    if first.next:
        second = await page(first.next)
        assert second.previous
        await page(second.previous)
    await page(Cursor(reverse=True))


def whole_tables(filled: Filled, *, counting: bool = False) -> list[str]:
    """What the database says about reading big tables from end to end, for all it was asked.

    Whoever counts reads all that there is to count, by an index.
    """
    found = []
    for statement, parameters in filled.database.asked:
        for step in _steps(filled.database, statement, parameters, counting=counting):
            found += [step] if step not in found else []
    return found


def _steps(
    database: NotingDatabase, statement: ReturnsRows, parameters: Any, *, counting: bool
) -> Iterator[str]:
    if database.is_sqlite:
        text, values = CompiledQuery(statement, SQLiteDialect_pysqlite()).bind(parameters)
        with sqlite3.connect(database.address.removeprefix("sqlite:///")) as connection:
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {text}", values):
                words = step.split()
                # A list may be walked by an index of its order; grams have none.
                walked = "INDEX" in words and words[1] != "project_search"
                if words[0] == "SCAN" and words[1] in BIG and not walked:
                    yield f"{step}: {text}"
        return
    plan = explained(database.address, statement, parameters, "ANALYZE, FORMAT JSON")
    for node in nodes(plan["Plan"]):
        table = node.get("Relation Name")
        if table not in BIG:
            continue
        removed = sum(value for name, value in node.items() if name.startswith("Rows Removed"))
        seen = (node["Actual Rows"] + removed) * node["Actual Loops"]
        # By whatever index: a list is to be found without most of it.
        too_many = not counting and seen > _size(database, table) / 2
        if node["Node Type"] == "Seq Scan" or too_many:
            yield f"{node['Node Type']} of {seen:.0f} {table}: {statement}"


def _size(database: NotingDatabase, table: str) -> int:
    with psycopg.connect(database.address) as connection:
        counted = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        row = connection.execute(counted).fetchone()
        return int(row[0]) if row else 0


def explained(
    address: str, statement: ReturnsRows, parameters: Any, options: str
) -> dict[str, Any]:
    """What PostgreSQL says about a statement, planned as when it is prepared."""
    text, values = CompiledQuery(statement, postgresql_dialect()).bind(parameters)
    with psycopg.connect(address, options=READ_OPTIONS) as connection:
        psycopg.RawCursor(connection).execute(f"PREPARE asked AS {text}".encode())
        given = ", ".join(sql.Literal(value).as_string(connection) for value in values)
        execution = f"EXECUTE asked({given})" if values else "EXECUTE asked"
        row = connection.execute(f"EXPLAIN ({options}) {execution}".encode()).fetchone()
        assert row is not None
        plan: dict[str, Any] = (row[0] if isinstance(row[0], list) else json.loads(row[0]))[0]
        return plan


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


async def _then_close(filled: Filled, work: Any) -> None:
    filled.database.asked.clear()
    opened = NotingDatabase(filled.database.address)
    opened.asked = filled.database.asked
    try:
        await work(Filled(opened, filled.user, filled.projects, filled.room))
    finally:
        await opened.close()


@pytest.mark.parametrize("name", queries())
def test_no_page_of_the_board_reads_a_whole_table(filled: Filled, name: str) -> None:
    asyncio.run(_then_close(filled, lambda opened: walk(opened, queries()[name])))
    assert filled.database.asked
    assert whole_tables(filled) == []


def test_counting_reads_no_whole_table(filled: Filled) -> None:
    async def count(opened: Filled) -> None:
        board = SqlBoardReader(opened.database, CatalogueCache(), ImageUrls())
        for query in queries().values():
            if query.sort is Sort.NEWEST:
                await board.board_size(query)

    asyncio.run(_then_close(filled, count))
    assert filled.database.asked
    assert whole_tables(filled, counting=True) == []


def test_no_other_list_reads_a_whole_table(filled: Filled) -> None:
    async def read(opened: Filled) -> None:
        board = SqlBoardReader(opened.database, CatalogueCache(), ImageUrls())
        rooms = SqlRoomReader(opened.database, ImageUrls())
        for sort in Sort:
            for text in (None, OFTEN):
                await walk(opened, BoardQuery(author=opened.user, text=text, sort=sort))
        for request in (PageRequest(6), PageRequest(6, Cursor(reverse=True))):
            for page in (
                await board.bookmarked_by(opened.user, request, None),
                await board.comments(opened.projects[1], request),
                await rooms.rooms(opened.user, request),
            ):
                assert page.items
        await board.bookmarks_of(opened.user)
        for place in ({"after": 3, "before": None}, {"after": None, "before": 3}):
            assert await rooms.messages(opened.room, limit=20, **place)
        await board.project(opened.projects[1], None)
        recommendations = SqlRecommendationReader(opened.database, CatalogueCache(), ImageUrls())
        await recommendations.projects_by_author([opened.user], opened.user, most=3, first=1)
        await recommendations.popular(opened.user, 3)

    asyncio.run(_then_close(filled, read))
    assert whole_tables(filled) == []


async def _page_and_statements(
    opened: Filled, term: str, cursor: Cursor
) -> tuple[Page[ProjectCard], int]:
    board = SqlBoardReader(opened.database, CatalogueCache(), ImageUrls())
    query = BoardQuery(text=term)
    # The sample is taken, and the catalogue read.
    await board.board(query, PageRequest(1), None)
    opened.database.asked.clear()
    page = await board.board(query, PageRequest(6, cursor), None)
    return page, len(opened.database.asked)


@pytest.mark.parametrize(
    ("term", "start", "backward", "found", "statements"),
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
def test_a_walk_that_gives_up_finds_the_page_with_a_second_statement(
    filled: Filled,
    term: str,
    start: int | None,
    backward: bool,
    found: Sequence[int],
    statements: int,
) -> None:
    async def look(opened: Filled) -> None:
        after = None if start is None else (_minute(start), opened.projects[start])
        cursor = Cursor(after, reverse=backward)
        page, asked = await _page_and_statements(opened, term, cursor)
        assert [card.id for card in page.items] == [opened.projects[place] for place in found]
        # What lies the other way is known as well, also where nothing lies this way.
        onward, behind = (page.previous, page.next) if backward else (page.next, page.previous)
        assert (onward is not None) == bool(found)
        hits_behind = start is not None and (term == LAST) != backward
        assert (behind is not None) == hits_behind
        assert asked == statements

    asyncio.run(_then_close(filled, look))


# SQLite does not tell how many pages it reads.
ON_POSTGRESQL = pytest.mark.parametrize(
    "filled", [pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True
)


SEARCHES = [
    *(
        BoardQuery(text=text, sort=sort)
        for text in (SYLLABLE, LETTERS, "서", OFTEN, SOMETIMES, "zyzzyva", "뷁")
        for sort in Sort
    ),
    *(
        BoardQuery(text=text, skills=(RARE,), sort=sort)
        for text in (OFTEN, "서", "zyzzyva", None)
        for sort in Sort
    ),
    *(
        BoardQuery(text=text, skills=skills, all_skills=True, sort=sort)
        for text, skills in ((OFTEN, (RARE, RARE_TOO)), (None, (USUAL, RARE)))
        for sort in Sort
    ),
    *(BoardQuery(skills=(RARE, RARE_TOO), sort=sort) for sort in Sort),
    *(
        BoardQuery(text=OFTEN, skills=skills, sort=sort)
        for skills in ((USUAL,), (USUAL, USUAL_TOO))
        for sort in Sort
    ),
]


@ON_POSTGRESQL
@pytest.mark.parametrize(
    "query", SEARCHES, ids=lambda query: f"{query.sort} {query.text} {query.skills}"
)
def test_a_search_reads_a_bounded_number_of_pages(filled: Filled, query: BoardQuery) -> None:
    asyncio.run(_then_close(filled, lambda opened: walk(opened, query)))
    for statement, parameters in filled.database.asked:
        plan = explained(
            filled.database.address, statement, parameters, "ANALYZE, BUFFERS, FORMAT JSON"
        )
        read = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
        assert read <= BUFFERS, json.dumps(plan, indent=1)


@ON_POSTGRESQL
def test_the_texts_fill_more_pages_than_a_search_may_read(filled: Filled) -> None:
    with psycopg.connect(filled.database.address) as connection:
        row = connection.execute("SELECT pg_relation_size('projects') / 8192").fetchone()
    assert row
    assert row[0] >= 3 * BUFFERS


@ON_POSTGRESQL
@pytest.mark.parametrize("sort", Sort)
def test_what_an_index_finds_is_looked_up_as_far_as_the_page(filled: Filled, sort: Sort) -> None:
    class ByText(AccessPathPlanner):
        async def plan(self, filters: tuple[BoardFilter, ...], rows: float = 0) -> Plan:
            (only,) = filters
            return Plan(filters, only.sql)

    async def look(opened: Filled) -> None:
        ways = ByText(opened.database)
        board = SqlBoardReader(opened.database, CatalogueCache(), ImageUrls(), ways)
        await board.board(BoardQuery(text=FIRST, sort=sort), PageRequest(6), None)

    asyncio.run(_then_close(filled, look))
    statement, parameters = filled.database.asked[-1]
    plan = explained(
        filled.database.address, statement, parameters, "ANALYZE, BUFFERS, FORMAT JSON"
    )
    looked_up = sum(
        node["Actual Rows"] * node["Actual Loops"]
        for node in nodes(plan["Plan"])
        if node.get("Relation Name") == "projects"
    )
    assert 7 <= looked_up <= 20, json.dumps(plan, indent=1)

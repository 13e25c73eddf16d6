"""Storing the demo data: whole or not at all, and every count right."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text

from sidepro.adapters.markdown import SafeMarkdown
from sidepro.adapters.sql.counter_audit import find_drifts
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.readers.account_reader import SqlAccountReader
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.readers.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.readers.room_reader import SqlRoomReader
from sidepro.adapters.sql.schema import tables
from sidepro.adapters.sql.schema.migrate import migrate
from sidepro.adapters.sql.search.ngrams import NgramArray, ngrams_of
from sidepro.adapters.sql.unit_of_work import SqlUnitOfWork
from sidepro.demo import seeder as seeding
from sidepro.demo.copies import copied
from sidepro.demo.population import (
    Demo,
    Sizes,
    make,
)
from sidepro.demo.seeder import (
    BATCH,
    is_empty,
    load,
)
from sidepro.domain.errors import EmailTaken
from sidepro.domain.ids import UserId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.views import BoardQuery, Sort
from sidepro.domain.text import casefold_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers import Postgres

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 22, 9, 30, 15, 123456, tzinfo=UTC)
SIZES = Sizes(users=40, projects=60, comments=150, bookmarks=1_200, rooms=30, messages_per_room=7)
EMPTY = Demo((), (), (), {}, (), (), (), ())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            address = f"sqlite:///{tmp_path / 'sidepro.db'}"
        else:
            server: Postgres = request.getfixturevalue("postgres")
            address = stack.enter_context(server.database())
        database = Database(address)
        await migrate(database)
        yield database
        await database.close()


@pytest.fixture
def catalogue() -> CatalogueCache:
    return CatalogueCache()


@pytest.fixture
async def demo(database: Database, catalogue: CatalogueCache) -> Demo:
    async with database.reading() as connection:
        names = (await catalogue.current(connection)).catalogue
    return make(SIZES, 1, names, NOW, "hash", SafeMarkdown(ImageUrls()))


def ignore(_done: int, _all: int) -> None:
    """A progress that nobody looks at."""


async def counts(database: Database) -> dict[str, int]:
    async with database.reading() as connection:
        return {
            table.name: await connection.scalar(select(func.count()).select_from(table)) or 0
            for table in tables.metadata.sorted_tables
            if table.name not in ("skills", "regions", "meet_times")
        }


async def test_all_of_it_is_stored(
    database: Database, catalogue: CatalogueCache, demo: Demo
) -> None:
    assert await is_empty(database)
    await load(database, catalogue, demo, ignore)
    assert not await is_empty(database)
    assert await counts(database) == {
        "users": 40,
        "profiles": len(demo.profiles),
        "profile_skills": sum(len(profile.skills) for profile in demo.profiles),
        "sessions": 0,
        "refresh_tokens": 0,
        "known_addresses": 0,
        "attempts": 0,
        "images": 0,
        "projects": 60,
        "project_counters": 60,
        "project_images": 0,
        "project_search": 60,
        "project_skills": sum(len(project.skills) for project in demo.projects),
        "comments": 150,
        "bookmarks": 1_200,
        "rooms": 30,
        "messages": 210,
        "neighbours": 0,
        "similarity_runs": 0,
    }


@pytest.mark.parametrize("copies", [1, 3])
async def test_what_is_stored_is_what_was_made(
    database: Database, catalogue: CatalogueCache, demo: Demo, copies: int
) -> None:
    await load(database, catalogue, demo, ignore, copies)
    for number in range(copies):
        await assert_is_stored(database, catalogue, copied(demo, number))


async def assert_is_stored(database: Database, catalogue: CatalogueCache, demo: Demo) -> None:
    async with SqlUnitOfWork(database, catalogue, ImageUrls()) as work:
        for user in demo.users:
            assert await work.users.get(user.id) == user
        for profile in demo.profiles:
            assert await work.profiles.get(profile.user_id) == profile
        for project in demo.projects:
            assert await work.projects.get(project.id) == project
        for comment in demo.comments:
            assert await work.comments.get(comment.id) == comment
        for room in demo.rooms:
            assert await work.rooms.get(room.id) == room
    reader = SqlRoomReader(database, ImageUrls())
    for room in demo.rooms:
        stored = await reader.messages(room.id, after=0, before=None, limit=100)
        assert list(stored) == [made for made in demo.messages if made.room_id == room.id]


@pytest.mark.parametrize("copies", [1, 3])
async def test_searches_find_projects_by_what_is_in_their_texts_and_nothing_else(
    database: Database, catalogue: CatalogueCache, demo: Demo, copies: int
) -> None:
    await load(database, catalogue, demo, ignore, copies)
    of_text = select(tables.projects.c.search_text, tables.project_search.c.grams).join_from(
        tables.projects, tables.project_search
    )
    async with database.reading() as connection:
        found = list(await connection.execute(of_text))
    assert len(found) == copies * len(demo.projects)
    spelt = partial(NgramArray().process_bind_param, dialect=database.engine.dialect)
    for search_text, grams in found:
        wanted = spelt(ngrams_of(search_text))
        assert grams == wanted if database.is_sqlite else set(grams) == set(wanted)


async def test_counters_equal_the_rows_behind_them(
    database: Database, catalogue: CatalogueCache, demo: Demo
) -> None:
    await load(database, catalogue, demo, ignore)
    reader = SqlBoardReader(database, catalogue, ImageUrls())
    bookmarks = Counter(bookmark.project_id for bookmark in demo.bookmarks)
    comments = Counter(comment.project_id for comment in demo.comments)
    for project in demo.projects:
        counters = await reader.counters(project.id)
        assert counters is not None
        assert counters.views == demo.views[project.id]
        assert counters.bookmarks == bookmarks[project.id]
        assert counters.comments == comments[project.id]


async def test_the_readers_show_it(
    database: Database, catalogue: CatalogueCache, demo: Demo
) -> None:
    await load(database, catalogue, demo, ignore)
    first = demo.users[0]
    board = SqlBoardReader(database, catalogue, ImageUrls())
    page = PageRequest(limit=100)

    newest = await board.board(BoardQuery(), page, first.id)
    assert [card.id for card in newest.items] == [made.id for made in reversed(demo.projects)]
    popular = await board.board(BoardQuery(sort=Sort.POPULAR), page, None)
    marks = [card.bookmark_count for card in popular.items]
    assert marks == sorted(marks, reverse=True)

    mine = await board.board(BoardQuery(text=casefold_key(first.username)), page, None)
    assert {card.id for card in mine.items} >= {
        made.id for made in demo.projects if made.author_id == first.id
    }
    title = demo.projects[-1].title
    found = await board.board(BoardQuery(text=casefold_key(title)), page, None)
    assert demo.projects[-1].id in {card.id for card in found.items}

    account = await SqlAccountReader(database, catalogue, ImageUrls()).account(first.id)
    assert account is not None
    assert account.profile is not None
    rooms = await SqlRoomReader(database, ImageUrls()).rooms(first.id, page)
    assert len(rooms.items) == 20
    assert all(room.participant and room.last_message for room in rooms.items)


async def test_progress_goes_up_to_the_end(
    database: Database, catalogue: CatalogueCache, demo: Demo
) -> None:
    heard: list[tuple[int, int]] = []
    await load(database, catalogue, demo, lambda done, total: heard.append((done, total)))
    rows = sum((await counts(database)).values())
    assert {total for _, total in heard} == {rows}
    assert heard[-1] == (rows, rows)
    steps = [after - before for (before, _), (after, _) in pairwise(heard)]
    assert all(0 < step <= BATCH for step in steps)


async def test_what_fails_half_way_leaves_nothing(
    database: Database, catalogue: CatalogueCache, demo: Demo
) -> None:
    def fail_late(done: int, total: int) -> None:
        if done > total // 2:
            raise RuntimeError("the power went out")

    with pytest.raises(RuntimeError, match="power"):
        await load(database, catalogue, demo, fail_late)
    assert await is_empty(database)
    assert set((await counts(database)).values()) == {0}
    # The next try finds everything as it should be.
    await load(database, catalogue, demo, ignore)
    assert not await is_empty(database)


async def test_a_second_time_is_refused(
    database: Database, catalogue: CatalogueCache, demo: Demo
) -> None:
    await load(database, catalogue, demo, ignore)
    before = await counts(database)
    stranger = replace(demo.users[0], id=UserId(uuid4()), username="somebody-else")
    namesake = replace(EMPTY, users=(stranger,))
    with pytest.raises(EmailTaken):
        await load(database, catalogue, namesake, ignore)
    assert await counts(database) == before


async def test_nothing_is_stored_of_nothing(database: Database, catalogue: CatalogueCache) -> None:
    await load(database, catalogue, EMPTY, ignore)
    assert await is_empty(database)


async def test_copies_are_as_much_again_of_other_people(
    database: Database, catalogue: CatalogueCache, demo: Demo
) -> None:
    told: list[tuple[int, int]] = []
    await load(database, catalogue, demo, lambda *progress: told.append(progress), 3)
    found = await counts(database)
    assert found["users"] == 3 * len(demo.users)
    assert found["project_search"] == found["projects"] == 3 * len(demo.projects)
    assert found["messages"] == 3 * len(demo.messages)
    assert told[-1] == (sum(found.values()), sum(found.values()))
    assert await find_drifts(database) == []
    board = SqlBoardReader(database, catalogue, ImageUrls())
    title = casefold_key(demo.projects[0].title)
    alike = [project for project in demo.projects if title in casefold_key(project.title)]
    page = await board.board(BoardQuery(text=title), PageRequest(100), None)
    assert len(page.items) >= 3 * len(alike)
    assert len({card.author.username for card in page.items}) >= 3


class BrokenOffError(Exception):
    """The power went out."""


@pytest.mark.parametrize("breaks_off", [False, True])
async def test_a_load_in_bulk_leaves_all_indexes_and_constraints_where_they_were(
    database: Database,
    catalogue: CatalogueCache,
    demo: Demo,
    monkeypatch: pytest.MonkeyPatch,
    breaks_off: bool,
) -> None:
    monkeypatch.setattr(seeding, "BULK", 1)
    async with database.reading() as connection:
        await connection.exec_driver_sql("ANALYZE")  # makes a table on SQLite
    before = await structure(database)

    def heard(done: int, total: int) -> None:
        if breaks_off and done > total * 0.9:
            raise BrokenOffError

    with pytest.raises(BrokenOffError) if breaks_off else nullcontext():
        await load(database, catalogue, demo, heard, 3)
    assert await is_empty(database) is breaks_off
    assert await structure(database) == before


async def structure(database: Database) -> set[str]:
    """The indexes and constraints, as they are told by the database."""
    async with database.reading() as connection:
        if database.is_sqlite:
            return set(await connection.scalars(text("SELECT sql FROM sqlite_master")))
        return {
            *await connection.scalars(text("SELECT indexdef FROM pg_indexes")),
            *await connection.scalars(
                text("SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint")
            ),
        }

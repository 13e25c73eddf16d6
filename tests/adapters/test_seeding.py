"""Writing the demo data: all or nothing, with correct counters."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from sidepro.adapters.markdown import SafeMarkdown
from sidepro.adapters.sql.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.counter_audit import SqlCounterAudit
from sidepro.adapters.sql.demo_writer import BATCH, SqlDemoWriter
from sidepro.adapters.sql.digests import SqlDigestReader
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.readers.account_reader import SqlAccountReader
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.readers.image_reader import SqlImageReader
from sidepro.adapters.sql.readers.room_reader import SqlRoomReader
from sidepro.adapters.sql.schema import tables
from sidepro.adapters.sql.schema.columns import metadata
from sidepro.adapters.sql.search.ngrams import ngrams_of
from sidepro.adapters.sql.unit_of_work import SqlUnitOfWork
from sidepro.demo import seeder
from sidepro.demo.generator import DemoData, Sizes, generate
from sidepro.demo.people import DEMO_PASSWORD
from sidepro.domain.errors import EmailTaken
from sidepro.domain.ids import UserId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.search_key import search_term
from sidepro.domain.projects.trending import day_of
from sidepro.domain.projects.views import BoardQuery, Sort
from tests.adapters.demo_data import CATALOGUE, NOW
from tests.databases import both_databases
from tests.fakes.image_store import MemoryImageStore
from tests.image_files import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, both_databases]

SIZES = Sizes(40, 60, 150, 1_200, rooms=30, messages_per_room=7, pictures=10)
EMPTY = DemoData((), (), (), {}, (), (), (), (), (), {})


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    with databases.fresh() as address:
        database = Database(address)
        yield database
        await database.close()


@cache
def generated() -> DemoData:
    return generate(SIZES, 1, CATALOGUE, NOW, "hash", SafeMarkdown(ImageUrls()))


@cache
def without_pictures() -> DemoData:
    sizes = replace(SIZES, pictures=0)
    return generate(sizes, 1, CATALOGUE, NOW, "hash", SafeMarkdown(ImageUrls()))


def ignore(_done: int, _total: int) -> None:
    """Progress that is not shown."""


async def write(database: Database, data: DemoData | None = None) -> None:
    writer = SqlDemoWriter(database, CatalogueCache())
    await seeder.write(writer, MemoryImageStore(), generated() if data is None else data, ignore)


async def is_empty(database: Database) -> bool:
    return await SqlDemoWriter(database, CatalogueCache()).is_empty()


NOT_SEEDED = ("skills", "regions", "meet_times", "schema_compatibility", "installation")
"""Tables that the migrations fill."""


async def count_rows(database: Database) -> dict[str, int]:
    async with database.reading() as connection:
        return {
            table.name: await connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
            if table.name not in NOT_SEEDED
        }


async def test_everything_is_written(database: Database) -> None:
    data = generated()
    assert await is_empty(database)
    await write(database)
    assert not await is_empty(database)
    written = {
        "users": 40,
        "profiles": len(data.profiles),
        "profile_skills": sum(len(profile.skills) for profile in data.profiles),
        "projects": 60,
        "project_counters": 60,
        "project_days": len(data.days),
        "project_search": 60,
        "project_skills": sum(len(project.skills) for project in data.projects),
        "comments": 150,
        "bookmarks": 1_200,
        "rooms": 30,
        "messages": 210,
        "mailed_rooms": sum(
            side.read_seq < room.last_seq for room in data.rooms for side in room.participants
        ),
        "images": 10,
        "project_images": sum(picture.project_id is not None for picture in data.pictures),
    }
    assert {name: rows for name, rows in (await count_rows(database)).items() if rows} == written


async def test_stored_entities_equal_the_generated_ones(database: Database) -> None:
    data = generated()
    await write(database)
    async with SqlUnitOfWork(database, CatalogueCache(), ImageUrls()) as work:
        for user in data.users:
            assert await work.users.get(user.id) == user
        for profile in data.profiles:
            assert await work.profiles.get(profile.user_id) == profile
        for project in data.projects:
            assert await work.projects.get(project.id) == project
        for comment in data.comments:
            assert await work.comments.get(comment.id) == comment
        for room in data.rooms:
            assert await work.rooms.get(room.id) == room
    reader = SqlRoomReader(database, ImageUrls())
    for room in data.rooms:
        stored = await reader.messages(room.id, after=0, before=None, limit=100)
        assert list(stored) == [each for each in data.messages if each.room_id == room.id]


async def test_projects_are_indexed_by_the_ngrams_of_their_text(database: Database) -> None:
    await write(database)
    indexed = select(tables.projects.c.search_text, tables.project_search.c.grams).join_from(
        tables.projects, tables.project_search
    )
    async with database.reading() as connection:
        rows = list(await connection.execute(indexed))
    assert len(rows) == len(generated().projects)
    for search_text, grams in rows:
        assert set(grams) == set(ngrams_of(search_text))


async def test_counters_equal_their_rows(database: Database) -> None:
    data = generated()
    await write(database)
    reader = SqlBoardReader(database, CatalogueCache(), ImageUrls())
    bookmarks = Counter(bookmark.project_id for bookmark in data.bookmarks)
    comments = Counter(comment.project_id for comment in data.comments)
    for project in data.projects:
        counters = await reader.counters(project.id, None)
        assert counters is not None
        assert counters.views == data.views[project.id]
        assert counters.bookmarks == bookmarks[project.id]
        assert counters.comments == comments[project.id]
    assert await SqlCounterAudit(database).find_drifts() == []
    assert await SqlCounterAudit(database).find_daily_drifts(day_of(NOW)) == []


async def test_readers_show_the_demo_data(database: Database) -> None:
    data = generated()
    await write(database)
    first = data.users[0]
    board = SqlBoardReader(database, CatalogueCache(), ImageUrls())
    page = PageRequest(limit=100)

    newest = await board.board(BoardQuery(), page, first.id)
    assert [card.id for card in newest.items] == [each.id for each in reversed(data.projects)]
    popular = await board.board(BoardQuery(sort=Sort.POPULAR), page, None)
    counts = [card.bookmark_count for card in popular.items]
    assert counts == sorted(counts, reverse=True)

    by_author = await board.board(BoardQuery(text=search_term(first.username)), page, None)
    assert {card.id for card in by_author.items} >= {
        project.id for project in data.projects if project.author_id == first.id
    }
    title = data.projects[-1].title
    by_title = await board.board(BoardQuery(text=search_term(title)), page, None)
    assert data.projects[-1].id in {card.id for card in by_title.items}

    account = await SqlAccountReader(database, CatalogueCache(), ImageUrls()).account(first.id)
    assert account is not None
    assert account.profile is not None
    rooms = await SqlRoomReader(database, ImageUrls()).rooms(first.id, page)
    assert len(rooms.items) == 20
    assert all(room.participant and room.last_message for room in rooms.items)


async def test_nobody_is_mailed_about_what_is_unread(database: Database) -> None:
    await write(database)
    assert await SqlDigestReader(database).due(NOW, NOW, BATCH) == []


async def test_progress_is_reported_up_to_the_number_of_all_rows(database: Database) -> None:
    reports: list[tuple[int, int]] = []
    writer = SqlDemoWriter(database, CatalogueCache())
    await seeder.write(
        writer, MemoryImageStore(), generated(), lambda done, total: reports.append((done, total))
    )
    rows = sum((await count_rows(database)).values())
    assert {total for _, total in reports} == {rows}
    assert reports[-1] == (rows, rows)
    steps = [after - before for (before, _), (after, _) in pairwise(reports)]
    assert all(0 < step <= BATCH for step in steps)


async def test_a_failure_half_way_leaves_nothing(database: Database) -> None:
    def fail_late(done: int, total: int) -> None:
        if done > total // 2:
            raise RuntimeError("the power went out")

    writer = SqlDemoWriter(database, CatalogueCache())
    with pytest.raises(RuntimeError, match="power"):
        await seeder.write(writer, MemoryImageStore(), generated(), fail_late)
    assert await is_empty(database)
    assert set((await count_rows(database)).values()) == {0}
    # Another attempt succeeds.
    await write(database)
    assert not await is_empty(database)


async def test_a_second_write_is_refused(database: Database) -> None:
    await write(database)
    before = await count_rows(database)
    same_email = replace(generated().users[0], id=UserId(uuid4()), username="somebody-else")
    with pytest.raises(EmailTaken):
        await write(database, replace(EMPTY, users=(same_email,)))
    assert await count_rows(database) == before


async def test_pictures_are_stored_in_use_and_of_the_recorded_size(database: Database) -> None:
    store = MemoryImageStore()
    data = generated()
    await seeder.write(SqlDemoWriter(database, CatalogueCache()), store, data, ignore)
    assert store.objects.keys() == {picture.key for picture in data.pictures}
    reader = SqlImageReader(database, ImageUrls())
    views = [
        view
        for owner in {picture.owner_id for picture in data.pictures}
        for view in (await reader.images(owner, PageRequest(limit=100))).items
    ]
    assert {view.id for view in views} == {picture.id for picture in data.pictures}
    for view in views:
        key = ImageUrls().key_of(view.url)
        assert key is not None
        assert view.in_use
        assert view.size == len(store.objects[key])
        assert (view.width, view.height) == opened(store.objects[key]).size


async def test_a_failure_removes_the_pictures(database: Database) -> None:
    def fail(done: int, total: int) -> None:
        raise RuntimeError("the power went out")

    store = MemoryImageStore()
    with pytest.raises(RuntimeError, match="power"):
        await seeder.write(SqlDemoWriter(database, CatalogueCache()), store, generated(), fail)
    assert store.objects == {}


async def test_no_data_is_written_as_no_rows(database: Database) -> None:
    await write(database, EMPTY)
    assert await is_empty(database)


async def test_demo_accounts_get_the_demo_password(database: Database) -> None:
    async def hash_password(password: str) -> str:
        return f"hash of {password}"

    await seeder.seed(
        SqlDemoWriter(database, CatalogueCache()),
        MemoryImageStore(),
        sizes=Sizes(users=2, projects=2, comments=1, bookmarks=1, rooms=1),
        seed=1,
        catalogue=CATALOGUE,
        now=NOW,
        hash_password=hash_password,
        render=str.upper,
        progress=ignore,
    )
    async with database.reading() as connection:
        hashes = set(await connection.scalars(select(tables.users.c.password_hash)))
    assert hashes == {f"hash of {DEMO_PASSWORD}"}

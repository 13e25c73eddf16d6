"""The contract tests run on each kind of store: in memory, SQLite and PostgreSQL."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from sqlalchemy import delete, insert, select

from sidepro.adapters.sql import view_counter
from sidepro.adapters.sql.catalogue_ids import CatalogueCache, SqlCatalogueReader
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.job_run_store import SqlJobRunStore
from sidepro.adapters.sql.mail.mails import SqlMailReader
from sidepro.adapters.sql.neighbour_store import SqlNeighbourStore
from sidepro.adapters.sql.readers.account_reader import SqlAccountReader
from sidepro.adapters.sql.readers.badge_reader import SqlBadgeReader
from sidepro.adapters.sql.readers.block_reader import SqlBlockReader
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.readers.chat_request_reader import SqlChatRequestReader
from sidepro.adapters.sql.readers.data_export_reader import SqlDataExportReader
from sidepro.adapters.sql.readers.image_reader import SqlImageReader
from sidepro.adapters.sql.readers.moderation_reader import SqlModerationReader
from sidepro.adapters.sql.readers.notification_reader import SqlNotificationReader
from sidepro.adapters.sql.readers.operator_reader import SqlOperatorReader
from sidepro.adapters.sql.readers.population_reader import SqlPopulationReader
from sidepro.adapters.sql.readers.recommendation_reader import SqlRecommendationReader
from sidepro.adapters.sql.readers.room_reader import SqlRoomReader
from sidepro.adapters.sql.schema import chat_tables, mail_tables, moderation_tables, tables
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.adapters.sql.trending_store import SqlTrendingStore
from sidepro.adapters.sql.unit_of_work import SqlUnitOfWork
from sidepro.adapters.sql.view_counter import SqlViewCounter
from sidepro.domain.accounts.session import Session
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.ids import ProjectId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.projects.trending import DailyCounts
from tests.contracts.adapters import Adapters
from tests.factories import SetClock
from tests.fakes.board_reader import MemoryTrendingStore
from tests.fakes.data_export import MemoryDataExportReader
from tests.fakes.mail_reader import MemoryMailReader
from tests.fakes.moderation_reader import MemoryModerationReader
from tests.fakes.operations import MemoryJobRunStore, MemoryOperatorReader
from tests.fakes.readers import MemoryCatalogue, MemoryReader
from tests.fakes.store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import date

    from tests.databases import Databases

Days = dict[tuple[ProjectId, "date"], DailyCounts]

CATALOGUE = Path(migrations.__file__).parent / "migrations" / "data" / "catalogue_2026_11.json"


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """What the migrations fill the catalogue with."""
    entries = json.loads(CATALOGUE.read_text("utf-8"))
    return Catalogue(
        tuple(entries["skills"]), tuple(entries["regions"]), tuple(entries["meet_times"])
    )


@pytest.fixture(scope="session")
async def sqlite(sqlite_databases: Databases) -> AsyncIterator[Database]:
    """A SQLite database with its pool, emptied between tests.

    Opening one and compiling every statement takes longer than most tests.
    """
    with sqlite_databases.fresh() as address:
        async with _opened(address) as database:
            yield database


@pytest.fixture(scope="session")
async def postgresql(postgresql_databases: Databases) -> AsyncIterator[Database]:
    """A PostgreSQL database with its pool, emptied between tests.

    Its time zone is not UTC, as on many servers. It joins by nested loops, as it may whenever its
    statistics say so: they run a subquery again for each row.
    """
    with postgresql_databases.fresh() as address:
        name = urlsplit(address).path[1:]
        async with _opened(address) as database, database.writing() as connection:
            for setting in (
                "TimeZone = 'Asia/Seoul'",
                *("enable_hashjoin = off", "enable_mergejoin = off"),
                *("enable_hashagg = off", "enable_sort = off", "enable_material = off"),
            ):
                await connection.exec_driver_sql(f"ALTER DATABASE {name} SET {setting}")
            await connection.commit()
        async with _opened(address) as database:
            yield database


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No view gives up because the disk of the test machine is busy."""
    monkeypatch.setattr(view_counter, "VIEW_TIMEOUT", 30)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def backend(request: pytest.FixtureRequest, catalogue: Catalogue) -> MemoryStore | Database:
    """The store behind the adapters."""
    if request.param == "memory":
        return MemoryStore(catalogue)
    database: Database = request.getfixturevalue(request.param)
    return database


@pytest.fixture
async def adapters(
    backend: MemoryStore | Database, catalogue: Catalogue
) -> AsyncIterator[Adapters]:
    """The adapters of a store that holds only the catalogue."""
    if isinstance(backend, MemoryStore):
        yield _in_memory(backend)
        return
    async with AsyncExitStack() as others:
        yield _in_sql(backend, others)
    await _empty(backend, catalogue)


@asynccontextmanager
async def _opened(address: str) -> AsyncIterator[Database]:
    database = Database(address)
    try:
        yield database
    finally:
        await database.close()


async def _empty(database: Database, catalogue: Catalogue) -> None:
    """Remove all that was stored since the migrations."""
    known = {
        tables.skills: len(catalogue.skills),
        tables.regions: len(catalogue.regions),
        tables.meet_times: len(catalogue.meet_times),
    }
    async with database.writing() as connection:
        runs = (tables.similarity_runs, tables.trending_runs, tables.job_runs)
        cases = moderation_tables.moderation_cases
        for table in (
            chat_tables.rooms,
            cases,
            tables.users,
            tables.images,
            mail_tables.mails,
            *runs,
        ):
            await connection.execute(delete(table))
        for table, number in known.items():
            await connection.execute(delete(table).where(table.c.id > number))
        await connection.commit()


def _in_memory(store: MemoryStore) -> Adapters:
    async def another() -> Adapters:
        return _in_memory(store)

    async def sessions() -> list[Session]:
        return list(store.state.sessions.values())

    async def grow_catalogue(added: Catalogue) -> None:
        known = store.catalogue
        store.catalogue = Catalogue(
            known.skills + added.skills,
            known.regions + added.regions,
            known.meet_times + added.meet_times,
        )

    async def days() -> Days:
        return dict(store.state.days)

    reader = MemoryReader(store)
    return Adapters(
        unit_of_work=store.unit_of_work,
        accounts=reader,
        catalogue=MemoryCatalogue(store),
        board=reader,
        views=reader,
        images=reader,
        rooms=reader,
        badges=reader,
        chat_requests=reader,
        blocks=reader,
        notifications=reader,
        moderation=MemoryModerationReader(store),
        recommendable=reader,
        population=reader,
        neighbours=reader,
        data_export=MemoryDataExportReader(store, ImageUrls()),
        another=another,
        sessions=sessions,
        grow_catalogue=grow_catalogue,
        days=days,
        trending=MemoryTrendingStore(store),
        operator=MemoryOperatorReader(store),
        job_runs=MemoryJobRunStore(store),
        mails=MemoryMailReader(store),
        clock=store.clock,
    )


def _in_sql(database: Database, others: AsyncExitStack, clock: SetClock | None = None) -> Adapters:
    """The adapters over a pool of connections; `others` closes those of other processes."""
    cache, shared_clock = CatalogueCache(), clock or SetClock()

    async def another() -> Adapters:
        address = database.engine.url.render_as_string(hide_password=False)
        opened = await others.enter_async_context(_opened(address))
        return _in_sql(opened, others, shared_clock)

    async def days() -> Days:
        async with database.reading() as connection:
            rows = await connection.execute(select(tables.project_days))
            return {
                (row.project_id, row.day): DailyCounts(row.views, row.bookmarks) for row in rows
            }

    async def sessions() -> list[Session]:
        async with database.reading() as connection:
            rows = await connection.execute(select(tables.sessions))
            return [Session(**row._mapping) for row in rows]

    async def grow_catalogue(added: Catalogue) -> None:
        async with database.writing() as connection:
            for table, names in (
                (tables.skills, added.skills),
                (tables.regions, added.regions),
                (tables.meet_times, added.meet_times),
            ):
                there = len((await connection.execute(select(table.c.id))).all())
                for number, name in enumerate(names, there + 1):
                    await connection.execute(insert(table).values(id=number, name=name))
            await connection.commit()

    images = ImageUrls()
    return Adapters(
        unit_of_work=lambda: SqlUnitOfWork(database, cache, ImageUrls()),
        accounts=SqlAccountReader(database, cache, images),
        catalogue=SqlCatalogueReader(database, cache),
        board=SqlBoardReader(database, cache, images),
        views=SqlViewCounter(database, shared_clock),
        images=SqlImageReader(database, ImageUrls()),
        rooms=SqlRoomReader(database, images),
        badges=SqlBadgeReader(database, shared_clock),
        chat_requests=SqlChatRequestReader(database, images),
        blocks=SqlBlockReader(database, images),
        notifications=SqlNotificationReader(database, images),
        moderation=SqlModerationReader(database, images),
        recommendable=SqlRecommendationReader(database, cache, images),
        population=SqlPopulationReader(database, cache),
        neighbours=SqlNeighbourStore(database),
        data_export=SqlDataExportReader(database, cache, images, shared_clock),
        another=another,
        sessions=sessions,
        grow_catalogue=grow_catalogue,
        days=days,
        trending=SqlTrendingStore(database),
        operator=SqlOperatorReader(database, images),
        job_runs=SqlJobRunStore(database),
        mails=SqlMailReader(database),
        clock=shared_clock,
        database=database,
    )

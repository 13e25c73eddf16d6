"""Migration 0012: what it counts, and that the version before may keep running beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select, text, update

from sidepro.adapters.sql.counter_audit import SqlCounterAudit
from sidepro.adapters.sql.schema import alembic_commands, tables
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.domain.projects.trending import DailyCounts, day_of
from tests import factories
from tests.databases import both_databases
from tests.migrations.test_migrations import early_rows

if TYPE_CHECKING:
    from datetime import date

    from sidepro.adapters.sql.engine.database import Database
    from sidepro.domain.ids import ProjectId, UserId

pytestmark = [pytest.mark.anyio, both_databases]

OLD_COUNTERS = {"views": 4, "bookmarks": 0, "comments": 0}


async def old_projects(database: Database, users: int) -> tuple[list[ProjectId], list[UserId]]:
    """Two projects as the version before stores them."""
    people = [factories.user() for _ in range(users)]
    projects = [factories.project(people[0].id) for _ in range(2)]
    async with database.writing() as connection:
        await connection.execute(insert(tables.users), list(early_rows(tables.users, people)))
        for project in projects:
            row = {
                column.name: getattr(project, column.name)
                for column in tables.projects.c
                if column.name != "search_text"
            }
            await connection.execute(insert(tables.projects), {**row, "search_text": ""})
            counters = {"project_id": project.id, **OLD_COUNTERS}
            await connection.execute(insert(tables.project_counters), counters)
        await connection.commit()
    return [project.id for project in projects], [user.id for user in people]


async def bookmark(database: Database, user: UserId, project: ProjectId, at: datetime) -> None:
    async with database.writing() as connection:
        row = {"user_id": user, "project_id": project, "created_at": at}
        await connection.execute(insert(tables.bookmarks), row)
        await connection.commit()


async def days(database: Database) -> dict[tuple[ProjectId, date], DailyCounts]:
    async with database.reading() as connection:
        rows = await connection.execute(select(tables.project_days))
        return {(row.project_id, row.day): DailyCounts(row.views, row.bookmarks) for row in rows}


async def scores(database: Database) -> list[int]:
    async with database.reading() as connection:
        return list(await connection.scalars(select(tables.project_counters.c.trending)))


async def test_bookmarks_of_the_last_week_are_counted_by_day(database: Database) -> None:
    await migrations.migrate(database)
    await migrations.undo(database, "0011")
    (one, other), people = await old_projects(database, 3)
    now = datetime.now(UTC)
    for user, project, age in (
        *((people[0], one, 0), (people[1], one, 0), (people[2], one, 6)),
        *((people[0], other, 2), (people[1], other, 8)),
    ):
        await bookmark(database, user, project, now - timedelta(days=age))
    assert await migrations.migrate(database) == ("0011", migrations.head())
    assert await days(database) == {
        (one, day_of(now)): DailyCounts(0, 2),
        (one, day_of(now - timedelta(days=6))): DailyCounts(0, 1),
        (other, day_of(now - timedelta(days=2))): DailyCounts(0, 1),
    }
    assert await SqlCounterAudit(database).find_daily_drifts(day_of(now)) == []
    assert await scores(database) == [0, 0]
    assert await migrations.migrate(database) == (migrations.head(), migrations.head())


async def test_the_version_before_goes_on_writing(database: Database) -> None:
    await migrations.migrate(database)
    (one, _), (user, *_) = await old_projects(database, 1)
    async with database.writing() as connection:
        counters = tables.project_counters
        of_project = counters.c.project_id == one
        await connection.execute(update(counters).where(of_project).values(views=5, bookmarks=1))
        await connection.commit()
    await bookmark(database, user, one, datetime.now(UTC))
    async with database.writing() as connection:
        await connection.execute(text("DELETE FROM users"))
        await connection.commit()
    assert await scores(database) == []


async def test_going_back_and_forth_leaves_the_tables_of_the_code(database: Database) -> None:
    await migrations.migrate(database)
    await old_projects(database, 1)
    await migrations.undo(database, "0011")
    await migrations.migrate(database)
    async with database.reading() as connection:
        assert await connection.run_sync(alembic_commands.differences) == []
    assert await scores(database) == [0, 0]

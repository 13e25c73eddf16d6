"""Counters that differ from their rows are found and repaired."""

import asyncio
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, insert, update

from sidepro.adapters.sql.counter_audit import SqlCounterAudit
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema import tables
from sidepro.domain.errors import SideProError
from sidepro.domain.operations.views import CounterDrift, DailyDrift
from sidepro.domain.projects.ports import Counters
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.trending import DailyCounts, day_of
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.concurrency import MANY, UNBLOCKED_WITHIN, race
from tests.factories import NOW

TODAY = day_of(NOW)

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize(
        "backend",
        ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)],
        indirect=True,
    ),
]


def database_of(adapters: Adapters) -> Database:
    assert adapters.database is not None
    return adapters.database


def audit_of(adapters: Adapters) -> SqlCounterAudit:
    return SqlCounterAudit(database_of(adapters))


async def counted(adapters: Adapters) -> tuple[Project, Project]:
    """Two projects, with two bookmarks and a comment on the first one."""
    people = [factories.user() for _ in range(2)]
    one, other = projects = (factories.project(people[0].id), factories.project(people[1].id))
    await adapters.add(*people, *projects, factories.comment(one.id, people[1].id))
    await adapters.adjust_counters(one.id, comments=1)
    for person in people:
        await adapters.bookmark(person.id, one.id)
    await adapters.views.add(one.id)
    return one, other


async def set_counters(adapters: Adapters, project: Project, **values: int) -> None:
    """Write counters past everything that keeps them right."""
    async with database_of(adapters).writing() as connection:
        of_project = tables.project_counters.c.project_id == project.id
        await connection.execute(update(tables.project_counters).where(of_project).values(values))
        await connection.commit()


async def test_counters_that_were_moved_with_their_rows_do_not_drift(adapters: Adapters) -> None:
    await counted(adapters)
    assert await audit_of(adapters).find_drifts() == []


async def test_each_wrong_counter_is_reported_with_its_rows(adapters: Adapters) -> None:
    one, other = await counted(adapters)
    await set_counters(adapters, one, bookmarks=7)
    await set_counters(adapters, other, comments=3)
    assert await audit_of(adapters).find_drifts() == [
        CounterDrift(one.id, 7, 2, 1, 1),
        CounterDrift(other.id, 0, 0, 3, 0),
    ]


async def test_mending_counts_the_rows_and_leaves_the_views(adapters: Adapters) -> None:
    one, other = await counted(adapters)
    await set_counters(adapters, one, bookmarks=0, comments=9)
    await set_counters(adapters, other, bookmarks=1)
    await audit_of(adapters).repair(await audit_of(adapters).find_drifts(), TODAY)
    assert await audit_of(adapters).find_drifts() == []
    assert await adapters.counters(one.id) == Counters(1, 2, 1)
    assert await adapters.counters(other.id) == Counters(0, 0, 0)


async def test_mending_makes_counters_that_are_missing(adapters: Adapters) -> None:
    one, _ = await counted(adapters)
    async with database_of(adapters).writing() as connection:
        of_project = tables.project_counters.c.project_id == one.id
        await connection.execute(delete(tables.project_counters).where(of_project))
        await connection.commit()
    wrong = await audit_of(adapters).find_drifts()
    assert wrong == [CounterDrift(one.id, None, 2, None, 1)]
    await audit_of(adapters).repair(wrong, TODAY)
    assert await adapters.counters(one.id) == Counters(0, 2, 1)


async def test_a_repair_skips_a_project_deleted_meanwhile(adapters: Adapters) -> None:
    one, other = await counted(adapters)
    for project in (one, other):
        await set_counters(adapters, project, comments=5)
    wrong = await audit_of(adapters).find_drifts()
    async with adapters.unit_of_work() as work:
        await work.projects.delete(one.id)
        await work.commit()
    await audit_of(adapters).repair(wrong, TODAY)
    assert await audit_of(adapters).find_drifts() == []
    assert await adapters.board.counters(one.id, None) is None


async def test_a_repair_waits_for_a_concurrent_change_and_counts_its_row(
    adapters: Adapters,
) -> None:
    one, _ = await counted(adapters)
    commenter = factories.user()
    await adapters.add(commenter)
    await set_counters(adapters, one, bookmarks=9)
    wrong = await audit_of(adapters).find_drifts()
    async with adapters.unit_of_work() as work:
        await work.comments.add(factories.comment(one.id, commenter.id))
        await work.projects.adjust_counters(one.id, comments=1)
        repairing = asyncio.create_task(audit_of(adapters).repair(wrong, TODAY))
        await asyncio.sleep(UNBLOCKED_WITHIN)
        assert not repairing.done(), "it did not wait"
        await work.commit()
    await asyncio.wait_for(repairing, 5)
    assert await adapters.counters(one.id) == Counters(1, 2, 2)


async def set_daily_bookmarks(adapters: Adapters, project: Project, day: date, to: int) -> None:
    """Write a daily count past everything that keeps it right."""
    async with database_of(adapters).writing() as connection:
        of_day = (
            tables.project_days.c.project_id == project.id,
            tables.project_days.c.day == day,
        )
        await connection.execute(delete(tables.project_days).where(*of_day))
        await connection.execute(
            insert(tables.project_days).values(
                project_id=project.id, day=day, views=3, bookmarks=to
            )
        )
        await connection.commit()


async def test_each_wrong_daily_count_of_bookmarks_is_reported(adapters: Adapters) -> None:
    one, other = await counted(adapters)
    assert await audit_of(adapters).find_daily_drifts(TODAY) == []
    await set_daily_bookmarks(adapters, one, TODAY, 5)
    await set_daily_bookmarks(adapters, other, TODAY - timedelta(days=6), 1)
    await set_daily_bookmarks(adapters, other, TODAY - timedelta(days=7), 1)
    assert await audit_of(adapters).find_daily_drifts(TODAY) == [
        DailyDrift(one.id, TODAY, 5, 2),
        DailyDrift(other.id, TODAY - timedelta(days=6), 1, 0),
    ]


async def test_a_repair_counts_bookmarks_by_day_and_leaves_the_views(adapters: Adapters) -> None:
    one, other = await counted(adapters)
    await set_daily_bookmarks(adapters, other, TODAY, 4)
    async with database_of(adapters).writing() as connection:
        of_project = tables.project_days.c.project_id == one.id
        await connection.execute(delete(tables.project_days).where(of_project))
        await connection.commit()
    wrong = await audit_of(adapters).find_daily_drifts(TODAY)
    assert [drift.project_id for drift in wrong] == [one.id, other.id]
    await audit_of(adapters).repair(wrong, TODAY)
    assert await audit_of(adapters).find_daily_drifts(TODAY) == []
    assert await adapters.days() == {
        (one.id, TODAY): DailyCounts(0, 2),
        (other.id, TODAY): DailyCounts(3, 0),
    }


async def test_nothing_is_lost_while_many_bookmark_and_comment(adapters: Adapters) -> None:
    one, other = await counted(adapters)
    people = [factories.user() for _ in range(MANY)]
    await adapters.add(*people)
    for project in (one, other):
        await set_counters(adapters, project, bookmarks=100, comments=100)

    async def attempt(index: int) -> None:
        project = (one, other)[index % 2]
        if index % 5 == 0:
            wrong = [CounterDrift(each.id, 0, 0, 0, 0) for each in (other, one)]
            await audit_of(adapters).repair(wrong, TODAY)
        elif index % 5 < 3:
            await adapters.bookmark(people[index].id, project.id)
        else:
            async with adapters.unit_of_work() as work:
                await work.comments.add(factories.comment(project.id, people[index].id))
                await work.projects.adjust_counters(project.id, comments=1)
                await work.commit()

    results = await race(adapters, MANY, attempt)
    assert not [result for result in results if isinstance(result, SideProError)]
    assert await audit_of(adapters).find_drifts() == []
    assert await audit_of(adapters).find_daily_drifts(TODAY) == []
    assert (await adapters.counters(one.id)).views == 1

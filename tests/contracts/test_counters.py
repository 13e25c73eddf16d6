"""Counters that differ from the rows behind them are found and mended, on both databases."""

import asyncio

import pytest
from sqlalchemy import delete, update

from sidepro.adapters.sql.counter_audit import (
    CounterDrift,
    find_drifts,
    repair,
)
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema import tables
from sidepro.domain.errors import SideProError
from sidepro.domain.projects.ports import Counters
from sidepro.domain.projects.project import Project
from tests import factories
from tests.contracts.concurrency import A_WHILE, MANY, race
from tests.contracts.world import World

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize(
        "store",
        ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)],
        indirect=True,
    ),
]


def database_of(world: World) -> Database:
    assert world.database is not None
    return world.database


async def counted(world: World) -> tuple[Project, Project]:
    """Two projects, with two bookmarks and a comment on the first one."""
    people = [factories.user() for _ in range(2)]
    one, other = projects = (factories.project(people[0].id), factories.project(people[1].id))
    await world.store(*people, *projects, factories.comment(one.id, people[1].id))
    await world.move(one.id, comments=1)
    for person in people:
        await world.bookmark(person.id, one.id)
    await world.views.add(one.id)
    return one, other


async def set_counters(world: World, project: Project, **values: int) -> None:
    """Write counters past everything that keeps them right."""
    async with database_of(world).writing() as connection:
        of_project = tables.project_counters.c.project_id == project.id
        await connection.execute(update(tables.project_counters).where(of_project).values(values))
        await connection.commit()


async def test_counters_that_were_moved_with_their_rows_do_not_drift(world: World) -> None:
    await counted(world)
    assert await find_drifts(database_of(world)) == []


async def test_each_wrong_counter_is_told_with_its_rows(world: World) -> None:
    one, other = await counted(world)
    await set_counters(world, one, bookmarks=7)
    await set_counters(world, other, comments=3)
    assert await find_drifts(database_of(world)) == [
        CounterDrift(one.id, 7, 2, 1, 1),
        CounterDrift(other.id, 0, 0, 3, 0),
    ]


async def test_mending_counts_the_rows_and_leaves_the_views(world: World) -> None:
    one, other = await counted(world)
    await set_counters(world, one, bookmarks=0, comments=9)
    await set_counters(world, other, bookmarks=1)
    await repair(database_of(world), await find_drifts(database_of(world)))
    assert await find_drifts(database_of(world)) == []
    assert await world.counters(one.id) == Counters(1, 2, 1)
    assert await world.counters(other.id) == Counters(0, 0, 0)


async def test_mending_makes_counters_that_are_missing(world: World) -> None:
    one, _ = await counted(world)
    async with database_of(world).writing() as connection:
        of_project = tables.project_counters.c.project_id == one.id
        await connection.execute(delete(tables.project_counters).where(of_project))
        await connection.commit()
    wrong = await find_drifts(database_of(world))
    assert wrong == [CounterDrift(one.id, None, 2, None, 1)]
    await repair(database_of(world), wrong)
    assert await world.counters(one.id) == Counters(0, 2, 1)


async def test_mending_passes_over_a_project_that_went_meanwhile(world: World) -> None:
    one, other = await counted(world)
    for project in (one, other):
        await set_counters(world, project, comments=5)
    wrong = await find_drifts(database_of(world))
    async with world.unit_of_work() as work:
        await work.projects.delete(one.id)
        await work.commit()
    await repair(database_of(world), wrong)
    assert await find_drifts(database_of(world)) == []
    assert await world.board.counters(one.id) is None


async def test_mending_waits_for_who_moves_a_counter_and_counts_their_row(world: World) -> None:
    one, _ = await counted(world)
    commenter = factories.user()
    await world.store(commenter)
    await set_counters(world, one, bookmarks=9)
    wrong = await find_drifts(database_of(world))
    async with world.unit_of_work() as work:
        await work.comments.add(factories.comment(one.id, commenter.id))
        await work.projects.adjust_counters(one.id, comments=1)
        mending = asyncio.create_task(repair(database_of(world), wrong))
        await asyncio.sleep(A_WHILE)
        assert not mending.done(), "it was not held back"
        await work.commit()
    await asyncio.wait_for(mending, 5)
    assert await world.counters(one.id) == Counters(1, 2, 2)


async def test_nothing_is_lost_while_many_bookmark_and_comment(world: World) -> None:
    one, other = await counted(world)
    people = [factories.user() for _ in range(MANY)]
    await world.store(*people)
    for project in (one, other):
        await set_counters(world, project, bookmarks=100, comments=100)

    async def attempt(index: int) -> None:
        project = (one, other)[index % 2]
        if index % 5 == 0:
            await repair(
                database_of(world), [CounterDrift(each.id, 0, 0, 0, 0) for each in (other, one)]
            )
        elif index % 5 < 3:
            await world.bookmark(people[index].id, project.id)
        else:
            async with world.unit_of_work() as work:
                await work.comments.add(factories.comment(project.id, people[index].id))
                await work.projects.adjust_counters(project.id, comments=1)
                await work.commit()

    results = await race(world, MANY, attempt)
    assert not [result for result in results if isinstance(result, SideProError)]
    assert await find_drifts(database_of(world)) == []
    assert (await world.counters(one.id)).views == 1

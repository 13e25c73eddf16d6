"""`ViewCounter`: views of projects."""

import asyncio
from functools import partial
from unittest.mock import patch

import pytest

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.view_counter import SqlViewCounter
from sidepro.domain.errors import Unavailable
from sidepro.domain.projects.ports import Counters
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import no_project
from tests.contracts.concurrency import race
from tests.factories import at_once

pytestmark = pytest.mark.anyio

# A store that is a statement away, and may fail.
in_sql = pytest.mark.parametrize(
    "backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True
)


async def test_add_counts_one_view_of_one_project(adapters: Adapters) -> None:
    author = factories.user()
    project, other = factories.project(author.id), factories.project(author.id)
    await adapters.add(author, project, other)
    assert await adapters.views.add(project.id)
    assert await adapters.views.add(project.id)
    assert await adapters.counters(project.id) == Counters(2, 0, 0)
    assert await adapters.counters(other.id) == Counters(0, 0, 0)


async def test_add_says_when_there_is_no_such_project(adapters: Adapters) -> None:
    author = factories.user()
    await adapters.add(author, factories.project(author.id))
    assert not await adapters.views.add(no_project())


async def test_a_view_is_durable_on_return(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    elsewhere = await adapters.another()
    for seen in range(1, 4):
        assert await adapters.views.add(project.id)
        assert (await elsewhere.counters(project.id)).views == seen


async def test_200_concurrent_views_add_exactly_200(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    results = await race(adapters, 200, lambda _: adapters.views.add(project.id))
    assert results == [True] * 200
    assert await adapters.counters(project.id) == Counters(200, 0, 0)


async def test_concurrent_views_count_for_their_projects(adapters: Adapters) -> None:
    author = factories.user()
    projects = [factories.project(author.id) for _ in range(5)]
    await adapters.add(author, *projects)

    async def view(index: int) -> bool:
        # The first project is seen once, the second one twice, and so on; one is not there.
        place = [0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 5][index % 11]
        return await adapters.views.add(projects[place].id if place < 5 else no_project())

    results = await race(adapters, 44, view)
    assert results.count(False) == 4
    seen = [(await adapters.counters(project.id)).views for project in projects]
    assert seen == [4, 8, 12, 16, 0]


async def test_views_counted_by_two_processes_are_all_there(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    both = (adapters, await adapters.another())
    results = await race(adapters, 30, lambda index: both[index % 2].views.add(project.id))
    assert results == [True] * 30
    assert (await adapters.counters(project.id)).views == 30


async def test_a_cancelled_view_cancels_no_other(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    views = [asyncio.ensure_future(adapters.views.add(project.id)) for _ in range(40)]
    for round_number in range(3):
        await asyncio.sleep(0)
        for view in views[round_number * 10 :: 4][:5]:
            view.cancel()
    results = await asyncio.gather(*views, return_exceptions=True)
    answered = results.count(True)
    assert answered + sum(isinstance(one, asyncio.CancelledError) for one in results) == 40
    assert answered >= 25
    assert answered <= (await adapters.counters(project.id)).views <= 40


@pytest.mark.servers
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_locked_project_does_not_delay_views_of_others(
    adapters: Adapters,
) -> None:
    author = factories.user()
    locked, other = factories.project(author.id), factories.project(author.id)
    await adapters.add(author, locked, other)
    async with adapters.unit_of_work() as work:
        await work.projects.adjust_counters(locked.id, comments=1)
        waiting = [asyncio.ensure_future(adapters.views.add(locked.id)) for _ in range(5)]
        waiting += [asyncio.ensure_future(adapters.views.add(no_project()))]
        # The first ones find out that it is held; the next ones know.
        for _ in range(3):
            async with asyncio.timeout(5):
                assert await asyncio.gather(*(adapters.views.add(other.id) for _ in range(5)))
        assert not any(view.done() for view in waiting[:5])
        await work.commit()
    assert await asyncio.gather(*waiting) == [True] * 5 + [False]
    assert await adapters.counters(locked.id) == Counters(5, 0, 1)
    assert await adapters.counters(other.id) == Counters(15, 0, 0)


@in_sql
async def test_a_failure_is_raised_to_the_callers_of_its_batch(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    assert adapters.database is not None
    with patch.object(adapters.database, "write", side_effect=Unavailable):
        results = await race(adapters, 10, lambda _: adapters.views.add(project.id))
    assert all(isinstance(result, Unavailable) for result in results)
    assert await adapters.views.add(project.id)
    assert (await adapters.counters(project.id)).views == 1


@in_sql
async def test_many_views_take_few_statements(adapters: Adapters) -> None:
    author = factories.user()
    projects = [factories.project(author.id) for _ in range(10)]
    await adapters.add(author, *projects)
    assert adapters.database is not None
    with patch.object(adapters.database, "write", wraps=adapters.database.write) as write:
        await at_once(
            [partial(adapters.views.add, project.id) for project in projects for _ in range(20)]
        )
    assert write.call_count <= 3
    assert {(await adapters.counters(project.id)).views for project in projects} == {20}


@in_sql
async def test_pending_views_are_counted_on_close(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    assert isinstance(adapters.views, SqlViewCounter)
    await adapters.views.close()
    views = [asyncio.ensure_future(adapters.views.add(project.id)) for _ in range(5)]
    await asyncio.sleep(0)
    await adapters.views.close()
    assert (await adapters.counters(project.id)).views == 5
    assert await asyncio.gather(*views) == [True] * 5


@pytest.mark.servers
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_locked_table_makes_counting_unavailable(
    adapters: Adapters, postgresql: Database
) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    async with postgresql.writing() as connection:
        await connection.exec_driver_sql("LOCK TABLE project_counters IN EXCLUSIVE MODE")
        with pytest.raises(Unavailable):
            await adapters.views.add(project.id)
    assert await adapters.views.add(project.id)
    assert (await adapters.counters(project.id)).views == 1

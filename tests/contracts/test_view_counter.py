"""`ViewCounter`: who looks at a project is counted."""

import pytest

from sidepro.domain.projects.ports import Counters
from tests import factories
from tests.contracts.builders import no_project
from tests.contracts.races import race
from tests.contracts.world import World

pytestmark = pytest.mark.anyio


async def test_add_counts_one_view_of_that_project_alone(world: World) -> None:
    author = factories.user()
    project, other = factories.project(author.id), factories.project(author.id)
    await world.store(author, project, other)
    assert await world.views.add(project.id)
    assert await world.views.add(project.id)
    assert await world.counters(project.id) == Counters(2, 0, 0)
    assert await world.counters(other.id) == Counters(0, 0, 0)


async def test_add_says_when_there_is_no_such_project(world: World) -> None:
    author = factories.user()
    await world.store(author, factories.project(author.id))
    assert not await world.views.add(no_project())


async def test_a_view_is_stored_for_good_on_return(world: World) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await world.store(author, project)
    elsewhere = await world.another()
    for seen in range(1, 4):
        assert await world.views.add(project.id)
        assert (await elsewhere.counters(project.id)).views == seen


async def test_200_views_at_once_add_exactly_200(world: World) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await world.store(author, project)
    results = await race(world, 200, lambda _: world.views.add(project.id))
    assert results == [True] * 200
    assert await world.counters(project.id) == Counters(200, 0, 0)


async def test_views_of_many_projects_at_once_are_not_mixed_up(world: World) -> None:
    author = factories.user()
    projects = [factories.project(author.id) for _ in range(5)]
    await world.store(author, *projects)

    async def view(index: int) -> bool:
        # The first project is seen once, the second one twice, and so on; one is not there.
        place = [0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 5][index % 11]
        return await world.views.add(projects[place].id if place < 5 else no_project())

    results = await race(world, 44, view)
    assert results.count(False) == 4
    seen = [(await world.counters(project.id)).views for project in projects]
    assert seen == [4, 8, 12, 16, 0]


async def test_views_counted_by_two_processes_are_all_there(world: World) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await world.store(author, project)
    both = (world, await world.another())
    results = await race(world, 30, lambda index: both[index % 2].views.add(project.id))
    assert results == [True] * 30
    assert (await world.counters(project.id)).views == 30

"""`TrendingStore`, and the daily counts that views, bookmarks and withdrawals keep exact."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest

from sidepro.domain.ids import ProjectId
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.ports import TrendingRun, TrendingScore
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.trending import DailyCounts, day_of, first_day, trending_score
from sidepro.domain.projects.trending_service import TrendingService
from sidepro.domain.projects.views import BoardQuery, Sort
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import no_project
from tests.contracts.concurrency import MANY, race
from tests.factories import NOW

pytestmark = pytest.mark.anyio

TODAY = day_of(NOW)
DAY = 86_400


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


async def published(adapters: Adapters, number: int = 1) -> list[Project]:
    """Projects in the order of their ids."""
    author = factories.user()
    projects = [factories.project(author.id) for _ in range(number)]
    await adapters.add(author, *projects)
    return sorted(projects, key=lambda project: project.id)


async def view(adapters: Adapters, project: Project, days_ago: int, number: int = 1) -> None:
    adapters.clock.now = NOW - timedelta(days=days_ago)
    for _ in range(number):
        assert await adapters.views.add(project.id)
    adapters.clock.now = NOW


async def trending(adapters: Adapters) -> list[ProjectId]:
    page = await adapters.board.board(BoardQuery(sort=Sort.TRENDING), PageRequest(100), None)
    return [card.id for card in page.items]


# ---------------------------------------------------------------------------------- daily counts


async def test_a_view_counts_for_its_day(adapters: Adapters) -> None:
    one, other = await published(adapters, 2)
    await view(adapters, one, 0, 2)
    await view(adapters, one, 3)
    await view(adapters, other, 0)
    assert await adapters.days() == {
        (one.id, TODAY): DailyCounts(2, 0),
        (one.id, ago(3)): DailyCounts(1, 0),
        (other.id, TODAY): DailyCounts(1, 0),
    }


async def test_a_view_of_no_project_counts_for_no_day(adapters: Adapters) -> None:
    assert not await adapters.views.add(no_project())
    assert await adapters.days() == {}


async def test_concurrent_views_and_bookmarks_of_two_processes_are_exact(
    adapters: Adapters,
) -> None:
    projects = await published(adapters, 3)
    readers = [factories.user() for _ in range(MANY)]
    await adapters.add(*readers)
    both = (adapters, await adapters.another())

    async def attempt(index: int) -> bool:
        here, project = both[index % 2], projects[index % 3]
        if index % 4 == 3:
            return await here.bookmark(readers[index % MANY].id, project.id, NOW)
        return await here.views.add(project.id)

    results = await race(adapters, 5 * MANY, attempt)
    days = await adapters.days()
    assert set(days) == {(project.id, TODAY) for project in projects}
    for project in projects:
        counters = await adapters.counters(project.id)
        assert days[project.id, TODAY] == DailyCounts(counters.views, counters.bookmarks)
    assert sum(each.views for each in days.values()) == sum(i % 4 < 3 for i in range(5 * MANY))
    added = results.count(True) - sum(each.views for each in days.values())
    assert sum(each.bookmarks for each in days.values()) == added


@pytest.mark.parametrize("days_ago", [0, 3], ids=["today", "three days ago"])
async def test_a_removed_bookmark_is_taken_from_the_day_when_it_was_given(
    adapters: Adapters, days_ago: int
) -> None:
    (project,) = await published(adapters)
    reader, other = factories.user(), factories.user()
    await adapters.add(reader, other)
    await adapters.bookmark(reader.id, project.id, NOW - timedelta(days=days_ago))
    await adapters.bookmark(other.id, project.id, NOW - timedelta(days=1))
    assert await adapters.remove_bookmark(reader.id, project.id)
    assert await adapters.days() == {
        (project.id, ago(days_ago)): DailyCounts(0, 0),
        (project.id, ago(1)): DailyCounts(0, 1),
    }


async def test_concurrent_adds_and_removes_of_one_bookmark_leave_its_days_exact(
    adapters: Adapters,
) -> None:
    (project,) = await published(adapters)
    reader = factories.user()
    await adapters.add(reader)

    async def attempt(index: int) -> bool:
        if index % 2:
            return await adapters.remove_bookmark(reader.id, project.id)
        return await adapters.bookmark(reader.id, project.id, NOW - timedelta(days=index % 3))

    await race(adapters, MANY, attempt)
    left = (await adapters.counters(project.id)).bookmarks
    assert sum(each.bookmarks for each in (await adapters.days()).values()) == left


async def test_a_bookmark_of_the_time_before_daily_counts_can_be_removed(
    adapters: Adapters,
) -> None:
    (project,) = await published(adapters)
    reader = factories.user()
    await adapters.add(reader)
    await view(adapters, project, 0)
    for given_at in (NOW, NOW - timedelta(days=1)):
        async with adapters.unit_of_work() as work:
            assert await work.bookmarks.add(reader.id, project.id, given_at)
            await work.projects.adjust_counters(project.id, bookmarks=1)
            await work.commit()
        assert await adapters.remove_bookmark(reader.id, project.id)
    assert await adapters.days() == {(project.id, TODAY): DailyCounts(1, 0)}


async def test_a_withdrawal_takes_its_bookmarks_from_their_days(adapters: Adapters) -> None:
    one, other = await published(adapters, 2)
    going, staying = factories.user(), factories.user()
    await adapters.add(going, staying)
    # Just before and just after midnight in Korea.
    late, early = (NOW.replace(hour=h, minute=m, second=0) for h, m in ((14, 59), (15, 0)))
    await adapters.bookmark(going.id, one.id, late)
    await adapters.bookmark(staying.id, one.id, late)
    await adapters.bookmark(going.id, other.id, early)
    async with adapters.unit_of_work() as work:
        await work.users.delete(going.id)
        await work.commit()
    assert await adapters.days() == {
        (one.id, TODAY): DailyCounts(0, 1),
        (other.id, ago(-1)): DailyCounts(0, 0),
    }


async def test_the_days_of_a_project_are_deleted_with_it(adapters: Adapters) -> None:
    one, other = await published(adapters, 2)
    for project in (one, other):
        await view(adapters, project, 0)
    async with adapters.unit_of_work() as work:
        await work.projects.delete(one.id)
        await work.commit()
    assert set(await adapters.days()) == {(other.id, TODAY)}


# ---------------------------------------------------------------------------------------- scores


@pytest.mark.parametrize("seed", range(3))
async def test_stored_scores_order_the_board_as_the_formula_does(
    adapters: Adapters, seed: int
) -> None:
    random = Random(seed)
    projects = await published(adapters, 12)
    reader = factories.user()
    await adapters.add(reader)
    for project in projects:
        for _ in range(random.randint(0, 4)):
            await view(adapters, project, random.randint(0, 8), random.randint(1, 9))
        if random.random() < 0.4:
            given_at = NOW - timedelta(days=random.randint(0, 8))
            await adapters.bookmark(reader.id, project.id, given_at)
    days = await adapters.days()

    def place(project: Project) -> tuple[int, ProjectId]:
        counts = {day: each for (one, day), each in days.items() if one == project.id}
        return trending_score(counts, TODAY), project.id

    for _ in range(2):
        await TrendingService(adapters.trending, adapters.clock).renew()
        ordered = sorted(projects, key=place, reverse=True)
        assert await trending(adapters) == [project.id for project in ordered]
    remaining = await adapters.days()
    assert remaining == {key: each for key, each in days.items() if key[1] >= first_day(TODAY)}


async def test_projects_without_a_score_follow_by_id(adapters: Adapters) -> None:
    projects = await published(adapters, 5)
    await view(adapters, projects[2], 0)
    await TrendingService(adapters.trending, adapters.clock).renew()
    first, *rest = await trending(adapters)
    assert first == projects[2].id
    assert rest == [projects[place].id for place in (4, 3, 1, 0)]


async def test_scores_come_in_batches_by_id_and_say_which_are_outdated(
    adapters: Adapters,
) -> None:
    projects = await published(adapters, 5)
    ids = [project.id for project in projects if project is not projects[1]]
    for project in projects:
        if project is not projects[1]:
            await view(adapters, project, 0)
    assert await adapters.trending.renew([ids[0], ids[2]], TODAY) == 2
    scores = adapters.trending.scores
    expected = [TrendingScore(one, place in (1, 3)) for place, one in enumerate(ids)]
    assert list(await scores(TODAY, None, 10)) == expected
    assert list(await scores(TODAY, None, 2)) == expected[:2]
    assert list(await scores(TODAY, ids[1], 2)) == expected[2:]
    assert list(await scores(TODAY, ids[3], 2)) == []


async def test_faded_projects_have_a_score_and_no_recent_counts(adapters: Adapters) -> None:
    active, faded, quiet = await published(adapters, 3)
    await view(adapters, active, 0)
    await view(adapters, faded, 6)
    await view(adapters, quiet, 7)
    ids = [project.id for project in (active, faded, quiet)]
    assert await adapters.trending.renew(ids, TODAY) == 2
    assert list(await adapters.trending.faded(TODAY, 10)) == []
    tomorrow = ago(-1)
    assert list(await adapters.trending.faded(tomorrow, 10)) == [faded.id]
    assert list(await adapters.trending.faded(ago(-7), 1)) != []
    assert set(await adapters.trending.faded(ago(-7), 10)) == {active.id, faded.id}
    assert await adapters.trending.renew([faded.id], tomorrow) == 1
    assert list(await adapters.trending.faded(tomorrow, 10)) == []


async def test_renewing_skips_projects_that_are_gone(adapters: Adapters) -> None:
    (project,) = await published(adapters)
    await view(adapters, project, 0)
    assert await adapters.trending.renew([no_project(), project.id], TODAY) == 1


async def test_concurrent_runs_views_and_bookmarks_end_in_the_right_scores(
    adapters: Adapters,
) -> None:
    projects = await published(adapters, 4)
    readers = [factories.user() for _ in range(MANY)]
    await adapters.add(*readers)
    both = (adapters, await adapters.another())

    async def attempt(index: int) -> None:
        here, project = both[index % 2], projects[index % 4]
        if index % 6 == 0:
            await TrendingService(here.trending, here.clock).renew()
        elif index % 6 == 1:
            await here.bookmark(readers[index % MANY].id, project.id, NOW)
        else:
            assert await here.views.add(project.id)

    assert await race(adapters, 4 * MANY, attempt) == [None] * (4 * MANY)
    service = TrendingService(adapters.trending, adapters.clock)
    await service.renew()
    days = await adapters.days()
    points = {project.id: days[project.id, TODAY] for project in projects}
    expected = sorted(
        points,
        key=lambda one: (points[one].views + 10 * points[one].bookmarks, one),
        reverse=True,
    )
    assert await trending(adapters) == expected
    assert (await service.renew()).changed == 0


async def test_a_run_that_is_cancelled_anywhere_is_completed_by_the_next(
    adapters: Adapters,
) -> None:
    projects = await published(adapters, 3)
    for age, project in zip((0, 6, 8), projects, strict=True):
        await view(adapters, project, age, 2)
    await adapters.trending.renew([project.id for project in projects], ago(2))
    service = TrendingService(adapters.trending, adapters.clock)
    for steps in range(0, 40, 3):
        run = asyncio.create_task(service.renew())
        for _ in range(steps):
            await asyncio.sleep(0)
        run.cancel()
        await asyncio.wait([run])
    await service.renew()
    assert await trending(adapters) == [projects[place].id for place in (0, 1, 2)]
    assert [score.is_outdated for score in await adapters.trending.scores(TODAY, None, 9)] == [
        False,
        False,
    ]


async def test_old_days_are_deleted_in_batches(adapters: Adapters) -> None:
    (project,) = await published(adapters)
    for age in range(9):
        await view(adapters, project, age)
    delete = adapters.trending.delete_days
    assert [await delete(ago(3), 3) for _ in range(3)] == [3, 2, 0]
    assert {day for _, day in await adapters.days()} == {ago(age) for age in range(4)}


async def test_the_last_run_is_returned(adapters: Adapters) -> None:
    assert await adapters.trending.last_run() is None
    run = TrendingRun(NOW, 1.25, 7)
    await adapters.trending.save_run(run)
    later = replace(run, computed_at=NOW + timedelta(minutes=10), changed=0)
    await adapters.trending.save_run(later)
    assert await adapters.trending.last_run() == later

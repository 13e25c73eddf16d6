"""The trending job: which scores it renews, and what happens to old days."""

from collections.abc import Sequence
from datetime import date

from sidepro.domain.ids import ProjectId
from sidepro.domain.projects.ports import TrendingRun
from sidepro.domain.projects.trending import DailyCounts
from sidepro.domain.projects.trending_service import BATCH_SIZE, TrendingService
from tests import factories
from tests.domain.services import Services, awaited
from tests.fakes.board_reader import MemoryTrendingStore

DAY = 86_400


def service(services: Services) -> TrendingService:
    return TrendingService(MemoryTrendingStore(services.store), services.clock)


@awaited
async def test_a_run_renews_the_scores_of_all_projects_with_counts(services: Services) -> None:
    author = await services.person()
    projects = [await services.project(author) for _ in range(BATCH_SIZE + 1)]
    for project in projects:
        await services.reader.add(project.id)
    quiet = await services.project(author)
    run = await service(services).renew()
    assert run.changed == BATCH_SIZE + 1
    scores = services.store.state.trending
    assert {scores[project.id] for project in projects} == {7}
    assert quiet.id not in scores
    assert (await service(services).renew()).changed == 0


@awaited
async def test_bookmarks_count_on_the_day_when_they_were_given(services: Services) -> None:
    author, fan = await services.people(2)
    project = await services.project(author)
    await services.bookmarks.add(author, project.id)
    services.clock.forward(2 * DAY)
    await services.bookmarks.add(fan, project.id)
    await service(services).renew()
    assert services.store.state.trending[project.id] == 70 + 50
    await services.bookmarks.remove(author, project.id)
    await service(services).renew()
    assert services.store.state.trending[project.id] == 70


@awaited
async def test_a_score_is_zero_after_seven_days_and_the_days_are_deleted(
    services: Services,
) -> None:
    author = await services.person()
    projects = [await services.project(author) for _ in range(BATCH_SIZE + 1)]
    for project in projects:
        await services.reader.add(project.id)
    await service(services).renew()
    services.clock.forward(7 * DAY)
    assert (await service(services).renew()).changed == BATCH_SIZE + 1
    assert set(services.store.state.trending.values()) == {0}
    assert services.store.state.days == {}


@awaited
async def test_a_score_without_days_falls_to_zero(services: Services) -> None:
    """A run that was killed, or delayed past midnight, may leave such a score."""
    project = await services.project(await services.person())
    services.store.state.trending[project.id] = 5
    await service(services).renew()
    assert services.store.state.trending[project.id] == 0


@awaited
async def test_a_run_ends_if_others_renew_the_same_scores(services: Services) -> None:
    class Slow(MemoryTrendingStore):
        async def faded(self, today: date, limit: int) -> Sequence[ProjectId]:
            return [project.id]  # as read before another run renewed it

    project = await services.project(await services.person())
    services.store.state.days[project.id, date(2026, 1, 1)] = DailyCounts(1, 0)
    run = await TrendingService(Slow(services.store), services.clock).renew()
    assert run.changed == 0


@awaited
async def test_a_run_stores_its_facts(services: Services) -> None:
    class Slow(MemoryTrendingStore):
        async def delete_days(self, before: date, limit: int) -> int:
            services.clock.forward(2)
            return await super().delete_days(before, limit)

    await services.reader.add((await services.project(await services.person())).id)
    run = await TrendingService(Slow(services.store), services.clock).renew()
    assert run == TrendingRun(factories.NOW, 2.0, 1)
    assert await MemoryTrendingStore(services.store).last_run() == run

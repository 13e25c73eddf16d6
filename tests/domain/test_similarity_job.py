"""The similarity job: full runs, updates, locking and failures."""

import pytest

from sidepro.domain.errors import Unavailable
from sidepro.domain.recommendations.ports import SimilarityRun
from sidepro.domain.recommendations.similarity_job import SimilarityJob
from tests.domain.services import Services, awaited
from tests.similarity_fixtures import ReferenceEngine


@awaited
async def test_a_run_reports_facts(services: Services) -> None:
    for _ in range(3):
        await services.person("Python")
    services.engine = ReferenceEngine(before=lambda: pass_time(services, 2))
    job = another_job(services)
    began = services.clock()
    run = await job.run()
    assert run == SimilarityRun(began, 2.0, 3, 3)
    assert await services.reader.last_run() == run


@awaited
async def test_the_duration_is_not_negative_if_the_clock_goes_back(services: Services) -> None:
    services.engine = ReferenceEngine(before=lambda: pass_time(services, -3600))
    run = await another_job(services).run()
    assert run is not None
    assert run.seconds == 0


@awaited
async def test_a_run_updates_the_last_result(services: Services) -> None:
    await services.person("Python")
    await services.similarity.run()
    first = await services.reader.latest()
    services.store.state.similarities = None
    services.clock.forward(60)
    await services.similarity.run()
    assert services.engine.previous[0] is None
    assert services.engine.previous[1] is first


@awaited
async def test_another_process_updates_the_stored_result(services: Services) -> None:
    await services.similarity.run()
    stored = await services.reader.latest()
    services.clock.forward(60)
    await another_job(services).run()
    assert services.engine.previous == [None, stored]


@awaited
async def test_a_full_run_ignores_the_last_result(services: Services) -> None:
    await services.similarity.run()
    services.clock.forward(60)
    await services.similarity.run(full=True)
    assert services.engine.previous == [None, None]


@awaited
async def test_a_result_older_than_the_stored_one_is_discarded(
    services: Services,
) -> None:
    late = another_job(services)
    services.clock.forward(60)
    await services.similarity.run()
    newest = await services.reader.last_run()
    services.clock.forward(-60)
    assert await late.run() is None
    assert await services.reader.last_run() == newest
    services.clock.forward(120)
    await late.run()
    assert services.engine.previous[2] is not None


@awaited
async def test_concurrent_runs_exclude_each_other_unless_they_wait(services: Services) -> None:
    async with services.job_lock.acquire(wait=True):
        assert await services.similarity.run() is None
    assert services.engine.previous == []
    assert await services.similarity.run(wait=True) is not None


@awaited
async def test_a_failure_keeps_the_old_result_and_releases_the_lock(services: Services) -> None:
    await services.similarity.run()
    run = await services.reader.last_run()
    services.clock.forward(60)

    def fail() -> None:
        raise Unavailable

    failing, services.engine = services.engine, ReferenceEngine(before=fail)
    with pytest.raises(Unavailable):
        await another_job(services).run()
    assert await services.reader.last_run() == run
    services.engine = failing
    assert await another_job(services).run() is not None


@awaited
async def test_progress_is_reported(services: Services) -> None:
    await services.person("Python")
    reports: list[tuple[int, int]] = []
    await services.similarity.run(progress=lambda done, total: reports.append((done, total)))
    assert reports == [(1, 1)]


def pass_time(services: Services, seconds: float) -> None:
    services.clock.forward(seconds)


def another_job(services: Services) -> SimilarityJob:
    """The job as another process has it."""
    return SimilarityJob(
        services.reader, services.engine, services.reader, services.job_lock, services.clock
    )

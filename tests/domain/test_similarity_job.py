"""The similarity job: what it reads, what it leaves, and what it does not do."""

import pytest

from sidepro.domain.errors import Unavailable
from sidepro.domain.recommendations.ports import SimilarityRun
from sidepro.domain.recommendations.similarity_job import SimilarityJob
from tests.domain.world import World, awaited
from tests.similarity_fixtures import ReferenceEngine


@awaited
async def test_a_run_says_what_it_did(world: World) -> None:
    for _ in range(3):
        await world.person("Python")
    world.engine = ReferenceEngine(before=lambda: pass_time(world, 2))
    job = another_job(world)
    began = world.clock()
    run = await job.run()
    assert run == SimilarityRun(began, 2.0, 3, 3)
    assert await world.reader.last_run() == run


@awaited
async def test_a_clock_that_goes_back_meanwhile_makes_no_negative_time(world: World) -> None:
    world.engine = ReferenceEngine(before=lambda: pass_time(world, -3600))
    run = await another_job(world).run()
    assert run is not None
    assert run.seconds == 0


@awaited
async def test_a_job_goes_on_from_what_it_found_last(world: World) -> None:
    await world.person("Python")
    await world.similarity.run()
    first = await world.reader.latest()
    world.store.state.similarities = None
    world.clock.forward(60)
    await world.similarity.run()
    assert world.engine.given[0] is None
    assert world.engine.given[1] is first


@awaited
async def test_another_process_goes_on_from_what_is_stored(world: World) -> None:
    await world.similarity.run()
    stored = await world.reader.latest()
    world.clock.forward(60)
    await another_job(world).run()
    assert world.engine.given == [None, stored]


@awaited
async def test_a_full_run_goes_on_from_nothing(world: World) -> None:
    await world.similarity.run()
    world.clock.forward(60)
    await world.similarity.run(full=True)
    assert world.engine.given == [None, None]


@awaited
async def test_a_result_that_came_too_late_is_not_kept_nor_gone_on_from(world: World) -> None:
    late = another_job(world)
    world.clock.forward(60)
    await world.similarity.run()
    newest = await world.reader.last_run()
    world.clock.forward(-60)
    assert await late.run() is None
    assert await world.reader.last_run() == newest
    world.clock.forward(120)
    await late.run()
    assert world.engine.given[2] is not None


@awaited
async def test_while_one_runs_another_does_not_unless_it_waits(world: World) -> None:
    async with world.turns.acquire(wait=True):
        assert await world.similarity.run() is None
    assert world.engine.given == []
    assert await world.similarity.run(wait=True) is not None


@awaited
async def test_a_failure_leaves_the_old_result_and_gives_the_turn_back(world: World) -> None:
    await world.similarity.run()
    run = await world.reader.last_run()
    world.clock.forward(60)

    def fail() -> None:
        raise Unavailable

    failing, world.engine = world.engine, ReferenceEngine(before=fail)
    with pytest.raises(Unavailable):
        await another_job(world).run()
    assert await world.reader.last_run() == run
    world.engine = failing
    assert await another_job(world).run() is not None


@awaited
async def test_progress_is_told(world: World) -> None:
    await world.person("Python")
    told: list[tuple[int, int]] = []
    await world.similarity.run(progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 1)]


def pass_time(world: World, seconds: float) -> None:
    world.clock.forward(seconds)


def another_job(world: World) -> SimilarityJob:
    """The job as another process has it."""
    return SimilarityJob(world.reader, world.engine, world.reader, world.turns, world.clock)

"""Jobs over the Redis stream: delivery, expiry and recovery."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest
from taskiq.kicker import AsyncKicker

from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.job_claims import RedisJobClaims
from sidepro.adapters.redis.sentinel import build_pool
from sidepro.jobs import broker as brokers
from sidepro.jobs import runner, tasks
from sidepro.jobs.tasks import JobRunner
from tests.clients import eventually
from tests.jobs.fakes import Images, RecordingLog, Similarity, jobs_with
from tests.servers import RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from taskiq import AsyncBroker

pytestmark = [pytest.mark.anyio, pytest.mark.servers]

GROUP = "workers"


@pytest.fixture
def redis(redis_server: RedisServer) -> RedisServer:
    with redis_server.client() as client:
        client.flushall()
    return redis_server


@pytest.fixture
async def similarity() -> Similarity:
    return Similarity()


@asynccontextmanager
async def connected(url: str, similarity: Similarity) -> AsyncIterator[JobRunner]:
    """The jobs of one process."""
    redis_client, broker = RedisClient(url), brokers.redis_stream(url, build_pool)
    try:
        yield jobs_with(RedisJobClaims(redis_client), similarity, Images(), broker)
    finally:
        await broker.shutdown()
        await redis_client.close()


async def send(broker: AsyncBroker, sent_at: float) -> None:
    kicker: AsyncKicker[[float], None] = AsyncKicker(tasks.SIMILARITY_TICK, broker, {})
    await kicker.kiq(sent_at)


def pending(server: RedisServer) -> int:
    with server.client() as client:
        found = cast("dict[str, int]", client.xpending(brokers.STREAM, GROUP))
    return found["pending"]


async def test_several_workers_share_the_stream(redis: RedisServer) -> None:
    one, other = Similarity(), Similarity()
    async with (
        connected(redis.url, one) as here,
        connected(redis.url, other) as there,
        runner.worker(here),
        runner.worker(there),
    ):
        sent = 0
        while not (one.finished and other.finished):
            await send(here.broker, time.time())
            sent += 1
            await eventually(lambda: one.finished + other.finished == sent)  # noqa: B023 - at once
        await eventually(lambda: pending(redis) == 0)


async def test_a_new_worker_runs_earlier_jobs_that_have_not_expired(
    redis: RedisServer, similarity: Similarity, log: RecordingLog
) -> None:
    async with connected(redis.url, similarity) as jobs:
        for minute in range(60, 0, -1):
            await send(jobs.broker, time.time() - 60 * minute - 1)
        await send(jobs.broker, time.time())
        async with runner.worker(jobs):
            await eventually(lambda: similarity.finished > 0)
            await eventually(lambda: log.events["warning", "job_expired"] == 60)
    assert similarity.started == 1


async def test_a_message_of_a_killed_worker_expires(
    redis: RedisServer, similarity: Similarity, log: RecordingLog
) -> None:
    """It comes again, when it is long too late."""
    async with connected(redis.url, similarity) as jobs:
        await jobs.broker.startup()
        await send(jobs.broker, time.time() - brokers.REDELIVERY_SECONDS)
        with redis.client() as client:
            streams = {brokers.STREAM: ">"}
            taken = client.xreadgroup(GROUP, brokers.CONSUMER, streams, count=1)
            [[_, [[message, _]]]] = cast("list[tuple[bytes, list[tuple[bytes, object]]]]", taken)
            idle = brokers.REDELIVERY_SECONDS * 1000 + 1
            client.xclaim(brokers.STREAM, GROUP, brokers.CONSUMER, 0, [message], idle=idle)
        assert pending(redis) == 1
        async with runner.worker(jobs):
            await send(jobs.broker, time.time())
            await eventually(lambda: log.events["warning", "job_expired"] == 1)
            await eventually(lambda: pending(redis) == 0)
    assert similarity.started == 1, "what was sent just now"


async def test_a_worker_survives_a_redis_that_comes_back_empty(own_redis: RedisServer) -> None:
    similarity = Similarity()
    async with connected(own_redis.url, similarity) as jobs, runner.worker(jobs):
        await send(jobs.broker, time.time())
        await eventually(lambda: similarity.finished == 1)
        with own_redis.client() as client:
            client.flushall()
        await send(jobs.broker, time.time())
        await eventually(lambda: similarity.finished == 2, 5)
        own_redis.stop()
        before = time.process_time()
        await asyncio.sleep(2)  # long enough to measure the CPU time
        assert time.process_time() - before < 1, "seconds, of two"
        own_redis.resume()
        await send(jobs.broker, time.time())
        await eventually(lambda: similarity.finished == 3, 5)


async def test_the_stream_has_a_maximum_length(redis: RedisServer, similarity: Similarity) -> None:
    async with connected(redis.url, similarity) as jobs:
        for _ in range(brokers.MAX_STREAM_LENGTH + 500):
            await send(jobs.broker, 0)
    with redis.client() as client:
        assert client.xlen(brokers.STREAM) < brokers.MAX_STREAM_LENGTH + 200


async def test_a_worker_can_be_stopped_at_any_moment_of_its_start(
    redis: RedisServer, similarity: Similarity
) -> None:
    for milliseconds in (0, 0.5, 1, 2, 3, 4, 5, 7, 10, 20, 50):
        async with (
            connected(redis.url, similarity) as jobs,
            asyncio.timeout(5),
            runner.worker(jobs),
        ):
            await asyncio.sleep(milliseconds / 1000)

"""`SimilarityTrigger`: within one process, and over Redis to a worker."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from taskiq import AsyncBroker

from sidepro.adapters.in_process.job_claims import InProcessJobClaims
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.job_claims import RedisJobClaims
from sidepro.adapters.redis.sentinel import build_pool
from sidepro.domain.deletion.retention import RetentionService
from sidepro.domain.digests.digest_service import DigestService
from sidepro.domain.errors import Unavailable
from sidepro.domain.images.image_service import ImageService
from sidepro.domain.mail.mail_sender import MailSender
from sidepro.domain.operations.job_service import JobRecorder
from sidepro.domain.projects.trending_service import TrendingService
from sidepro.domain.recommendations.ports import NeighbourStore, Progress, SimilarityRun
from sidepro.domain.recommendations.similarity_job import SimilarityJob
from sidepro.jobs import broker as brokers
from sidepro.jobs import tasks
from sidepro.jobs.claims import JobClaims
from sidepro.jobs.runner import worker
from sidepro.jobs.tasks import JobRunner
from sidepro.jobs.trigger import BrokerTrigger
from tests.clients import eventually
from tests.servers import RedisServer, free_port

pytestmark = pytest.mark.anyio


@dataclass
class Similarity:
    """A fake job and store: records when runs start and whether they wait."""

    began: list[float] = field(default_factory=list)
    waits: list[bool] = field(default_factory=list)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    seconds: float = 0.0
    is_away: bool = False

    async def run(
        self, *, full: bool = False, wait: bool = False, progress: Progress | None = None
    ) -> SimilarityRun:
        self.began.append(time.monotonic())
        self.waits.append(wait)
        await self.may_end.wait()
        return SimilarityRun(datetime.now(UTC), self.seconds, 0, 0)

    async def last_run(self) -> SimilarityRun | None:
        if self.is_away:
            raise Unavailable
        return SimilarityRun(datetime.now(UTC), self.seconds, 0, 0)


@dataclass
class Processes:
    """The triggers of two processes, and the job."""

    here: BrokerTrigger
    there: BrokerTrigger
    similarity: Similarity
    jobs: JobRunner


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.servers)])
async def processes(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Processes]:
    monkeypatch.setattr(tasks, "MIN_DELAY", 0.3)
    similarity = Similarity()
    similarity.may_end.set()

    def jobs(broker: AsyncBroker, claims: JobClaims) -> JobRunner:
        return JobRunner(
            broker,
            claims,
            cast("SimilarityJob", similarity),
            cast("NeighbourStore", similarity),
            cast("ImageService", None),
            cast("RetentionService", None),
            cast("TrendingService", None),
            cast("JobRecorder", None),
            cast("MailSender[Any]", None),
            cast("DigestService", None),
        )

    async with AsyncExitStack() as stack:
        if request.param == "memory":
            runs = jobs(brokers.in_process(), InProcessJobClaims())
            here = there = BrokerTrigger(runs.broker, runs.claims, tasks.REQUESTED_SIMILARITY)
        else:
            server: RedisServer = request.getfixturevalue("redis_server")
            with server.client() as client:
                client.flushall()
            here, there = [await in_redis(server.url, stack) for _ in range(2)]
            redis = RedisClient(server.url)
            stack.push_async_callback(redis.close)
            broker = brokers.redis_stream(server.url, build_pool)
            stack.push_async_callback(broker.shutdown)
            runs = jobs(broker, RedisJobClaims(redis))
        await stack.enter_async_context(worker(runs))
        yield Processes(here, there, similarity, runs)


async def in_redis(url: str, stack: AsyncExitStack) -> BrokerTrigger:
    """The trigger of a process without a worker."""
    redis, broker = RedisClient(url), brokers.redis_stream(url, build_pool)
    requests = BrokerTrigger(broker, RedisJobClaims(redis), tasks.REQUESTED_SIMILARITY)
    for close in (redis.close, broker.shutdown, requests.close):
        stack.push_async_callback(close)
    return requests


async def test_a_request_is_followed_by_a_run_that_waits_for_the_lock(
    processes: Processes,
) -> None:
    await processes.here.request()
    await eventually(lambda: len(processes.similarity.began) == 1)
    assert processes.similarity.waits == [True]


async def test_requests_within_a_short_time_share_a_run(processes: Processes) -> None:
    for _ in range(20):
        await processes.here.request()
        await processes.there.request()
    await processes.here.close()
    await processes.there.close()
    await processes.there.request()
    similarity = processes.similarity
    await eventually(lambda: len(similarity.began) == 1)
    await asyncio.sleep(3 * tasks.MIN_DELAY)  # long enough for a run to start
    assert len(similarity.began) == 1


async def test_a_request_during_a_run_starts_another_one(
    processes: Processes,
) -> None:
    """The current run may have read before the request."""
    similarity = processes.similarity
    similarity.may_end.clear()
    await processes.here.request()
    await eventually(lambda: len(similarity.began) == 1)
    await processes.there.request()
    await eventually(lambda: len(similarity.began) == 2)
    similarity.may_end.set()


async def test_continuous_requests_are_followed_by_a_run_after_each_delay(
    processes: Processes,
) -> None:
    similarity = processes.similarity
    similarity.seconds = 0.6
    while len(similarity.began) < 3:
        await processes.here.request()
        await asyncio.sleep(0.01)
    pauses = [b - a for a, b in zip(similarity.began, similarity.began[1:], strict=False)]
    assert min(pauses) > 0.5, "the duration of the last run"


async def test_an_unavailable_store_does_not_prevent_a_run(processes: Processes) -> None:
    processes.similarity.is_away = True
    await processes.here.request()
    await eventually(lambda: len(processes.similarity.began) == 1)


# --------------------------------------------------------------------------------- Redis alone


async def test_a_redis_outage_delays_no_request_and_is_recovered_from(
    own_redis: RedisServer,
) -> None:
    async with AsyncExitStack() as stack:
        requests = await in_redis(own_redis.url, stack)
        own_redis.stop()
        began = time.process_time()
        for _ in range(3):
            await requests.request()
        await requests.close()
        assert time.process_time() - began < 1
        own_redis.resume()

        async def is_sent() -> bool:
            await requests.request()
            await requests.close()
            with own_redis.client() as client:
                return bool(client.exists(brokers.STREAM))

        await eventually(is_sent, 5)


async def test_a_request_does_not_wait_for_an_unresponsive_redis() -> None:
    """It accepts connections and never replies."""

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked.wait()
        writer.close()

    asked = asyncio.Event()
    port = free_port()
    async with await asyncio.start_server(silent, "127.0.0.1", port), AsyncExitStack() as stack:
        requests = await in_redis(f"redis://127.0.0.1:{port}", stack)
        await requests.request()
        assert requests._sending is not None
        assert not requests._sending.done()
        asked.set()


# ----------------------------------------------------------------------------- one process alone


async def test_a_process_without_jobs_sends_nothing() -> None:
    broker, claims = brokers.in_process(), InProcessJobClaims()
    requests = BrokerTrigger(broker, claims, tasks.REQUESTED_SIMILARITY)
    await requests.request()
    await requests.close()
    assert await claims.claim(tasks.REQUESTED_SIMILARITY.claim, 1), "no claim is made"

"""Redis behind Sentinel: all adapters follow the primary."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest
from taskiq import AckableMessage, BrokerMessage

from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.job_claims import RedisJobClaims
from sidepro.adapters.redis.presence import RedisPresence
from sidepro.adapters.redis.pubsub import RedisPubSub
from sidepro.adapters.redis.sentinel import build_pool
from sidepro.domain.channels import Channel, ResyncRequired
from sidepro.domain.errors import Unavailable
from sidepro.domain.rooms.events import ReadPositionChanged
from sidepro.jobs import broker as brokers
from tests.clients import eventually
from tests.contracts.builders import nobody
from tests.contracts.pubsub_data import RECOVERY_SECONDS, Recorder, new_channel
from tests.servers.sentinel import WatchedRedis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

USER = nobody()
DAY = 86_400


@pytest.fixture
def watched_redis() -> Iterator[WatchedRedis]:
    with WatchedRedis() as running:
        yield running


class Process:
    """The adapters of a process."""

    def __init__(self, url: str) -> None:
        self.redis = RedisClient(url)
        self.pubsub = RedisPubSub(self.redis)
        self.presence = RedisPresence(self.redis, self.pubsub)
        self.claims = RedisJobClaims(self.redis)
        self.broker = brokers.redis_stream(url, build_pool)
        self.received = Recorder()


@asynccontextmanager
async def two_processes(url: str) -> AsyncIterator[tuple[Process, Process]]:
    here, there = Process(url), Process(url)
    try:
        yield here, there
    finally:
        for process in (here, there):
            await process.presence.close()
            await process.pubsub.close()
            await process.broker.shutdown()
            await process.redis.close()


async def publish_and_hear(here: Process, there: Process, channel: Channel) -> None:
    """Both publish until both have received each other's new event."""
    events = [ReadPositionChanged(channel, nobody(), number) for number in (1, 2)]

    async def hear_each_other() -> bool:
        await here.pubsub.publish(events[0])
        await there.pubsub.publish(events[1])
        await asyncio.sleep(0.05)
        return all(event in one.received.received for one in (here, there) for event in events)

    await eventually(hear_each_other, RECOVERY_SECONDS)


async def writes_to_primary(process: Process, watched_redis: WatchedRedis) -> bool:
    name = str(new_channel().id)
    with suppress(Unavailable):
        await process.claims.claim(name, DAY)
    with watched_redis.primary.client() as client:
        return bool(client.exists(f"jobs:{name}"))


async def sent_and_received(process: Process) -> bytes:
    """A message through the stream of jobs."""
    await process.broker.startup()
    message = BrokerMessage(task_id="1", task_name="job", message=b"payload", labels={})
    await process.broker.kick(message)
    async for received in process.broker.listen():
        assert isinstance(received, AckableMessage)
        await cast("Awaitable[None]", received.ack())
        return received.data
    raise AssertionError


@pytest.mark.parametrize("change", [WatchedRedis.fail_over, WatchedRedis.kill_primary])
async def test_a_new_primary_is_noticed_within_seconds(
    watched_redis: WatchedRedis, change: Callable[[WatchedRedis], None]
) -> None:
    # The first Sentinel is away: the others answer.
    watched_redis.sentinels[0].stop()
    async with asyncio.timeout(90), two_processes(watched_redis.url) as (here, there):
        channel = new_channel()
        for process in (here, there):
            await process.pubsub.subscribe(channel, process.received)
        await here.presence.connect(channel, USER, "1")
        await publish_and_hear(here, there, channel)
        assert await here.claims.claim("before", DAY)
        assert await sent_and_received(there) == b"payload"
        await asyncio.sleep(0.1)  # the replica gets it
        for process in (here, there):
            process.received.received.clear()

        await asyncio.to_thread(change, watched_redis)
        began = asyncio.get_running_loop().time()

        for process in (here, there):
            await eventually(partial(writes_to_primary, process, watched_redis), RECOVERY_SECONDS)
        await publish_and_hear(here, there, channel)
        assert (await there.presence.online([channel])).get(channel, ()) == (USER,)
        assert await sent_and_received(here) == b"payload"
        print(f"healed in {asyncio.get_running_loop().time() - began:.1f} s")
        assert asyncio.get_running_loop().time() - began < RECOVERY_SECONDS
        assert not await there.claims.claim("before", DAY)
        # What was published meanwhile may be lost: listeners catch up.
        for process in (here, there):
            assert ResyncRequired(channel) in process.received.received

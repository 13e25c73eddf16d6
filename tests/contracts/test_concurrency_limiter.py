"""`ConcurrencyLimiter`: in one process, and shared over Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial

import pytest

from sidepro.adapters.in_process.concurrency_limiter import InProcessConcurrencyLimiter
from sidepro.adapters.redis import concurrency_limiter
from sidepro.adapters.redis.concurrency_limiter import LEASE_TTL, RedisConcurrencyLimiter
from sidepro.domain.rate_limiting import RENEW_INTERVAL, ConcurrencyLimiter
from tests.clients import eventually
from tests.contracts.processes import (
    MEMORY_AND_REDIS,
    adapter_of_another_process,
    redis_client,
)
from tests.factories import at_once
from tests.servers import RedisServer, free_port

pytestmark = pytest.mark.anyio

AnotherProcess = Callable[[], ConcurrencyLimiter]


@pytest.fixture(params=MEMORY_AND_REDIS)
async def processes(request: pytest.FixtureRequest) -> AsyncIterator[AnotherProcess]:
    """Returns the limiter of another process."""
    limiter: ConcurrencyLimiter = InProcessConcurrencyLimiter()
    async with adapter_of_another_process(request, limiter, RedisConcurrencyLimiter) as another:
        yield another


async def test_concurrent_acquires_in_all_processes_stay_within_the_maximum(
    processes: AnotherProcess,
) -> None:
    everywhere = [processes() for _ in range(4)]
    takes = [partial(everywhere[n % 4].acquire, "a", f"slot-{n}", 5) for n in range(40)]
    assert sum(await at_once(takes)) == 5


async def test_a_released_slot_can_be_acquired_again(processes: AnotherProcess) -> None:
    here, there = processes(), processes()
    assert await here.acquire("a", "one", 1)
    assert not await there.acquire("a", "two", 1)
    for _ in range(2):
        await here.release("a", "one")
        await here.release("a", "never taken")
        await here.release("b", "never taken")
    assert await there.acquire("a", "two", 1)
    assert not await here.acquire("a", "one", 1)


async def test_acquiring_a_slot_twice_takes_one_slot(processes: AnotherProcess) -> None:
    limiter = processes()
    assert [await limiter.acquire("a", name, 2) for name in ("x", "x", "y", "x")] == [True] * 4
    assert not await limiter.acquire("a", "z", 2)


async def test_keys_are_counted_separately(processes: AnotherProcess) -> None:
    limiter = processes()
    assert await limiter.acquire("a", "one", 1)
    assert await limiter.acquire("b", "one", 1)
    assert not await limiter.acquire("b", "two", 1)


async def test_renew_keeps_the_slots_of_live_processes(processes: AnotherProcess) -> None:
    here, there = processes(), processes()
    assert await here.acquire("a", "one", 2)
    assert await there.acquire("a", "two", 2)
    for limiter in (here, there, here):
        await limiter.renew()
    assert not await here.acquire("a", "three", 2)
    await there.release("a", "two")
    await there.renew()
    assert await here.acquire("a", "three", 2)


# --------------------------------------------------------------------------------- Redis alone


async def test_slots_of_a_dead_process_are_free_after_their_lease(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LEASE_TTL <= 3 * RENEW_INTERVAL
    monkeypatch.setattr(concurrency_limiter, "LEASE_TTL", 2)
    async with AsyncExitStack() as stack:
        died, lives = (
            RedisConcurrencyLimiter(redis_client(redis_server.url, stack)) for _ in range(2)
        )
        assert await died.acquire("leases", "lost", 2)
        assert await lives.acquire("leases", "renewed", 2)

        async def is_free() -> bool:
            await lives.renew()
            return await lives.acquire("leases", "next", 2)

        await eventually(is_free)
        await lives.renew()
        assert not await lives.acquire("leases", "one more", 2), "a renewed slot is not free"


async def test_released_and_expired_slots_are_removed_from_redis(
    redis_server: RedisServer,
) -> None:
    async with AsyncExitStack() as stack:
        limiter = RedisConcurrencyLimiter(redis_client(redis_server.url, stack))
        assert await limiter.acquire("kept", "one", 2)
        with redis_server.client() as client:
            assert 0 < client.ttl("slots:kept") <= LEASE_TTL
            await limiter.release("kept", "one")
            assert not client.exists("slots:kept")


async def test_a_slot_released_during_renewal_is_free(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        redis = redis_client(redis_server.url, stack)
        limiter = RedisConcurrencyLimiter(redis)
        assert await limiter.acquire("renewed", "one", 1)
        redis_time = redis.redis.time

        async def slowly() -> object:
            """Releases a slot just before the pipeline that would renew it."""
            now = await redis_time()
            taken = limiter._local.slots["renewed"].copy()
            await limiter.release("renewed", "one")
            limiter._local._slots["renewed"] = taken
            asyncio.get_running_loop().call_soon(limiter._local._slots.clear)
            return now

        monkeypatch.setattr(redis.redis, "time", slowly)
        await limiter.renew()
        with redis_server.client() as client:
            assert not client.exists("slots:renewed")


async def test_a_redis_clock_set_back_holds_slots_for_one_lease_at_most(
    redis_server: RedisServer,
) -> None:
    async with AsyncExitStack() as stack:
        limiter = RedisConcurrencyLimiter(redis_client(redis_server.url, stack))
        with redis_server.client() as client:
            client.zadd("slots:ahead", {"old": time.time() + 3600})
        assert await limiter.acquire("ahead", "new", 1)


async def test_during_a_redis_outage_a_process_counts_its_own_slots(
    own_redis: RedisServer,
) -> None:
    async with AsyncExitStack() as stack:
        here, there = (
            RedisConcurrencyLimiter(redis_client(own_redis.url, stack)) for _ in range(2)
        )
        assert await here.acquire("a", "before", 2)
        own_redis.stop()
        assert await here.acquire("a", "during", 2)
        assert not await here.acquire("a", "too many", 2)
        assert await there.acquire("a", "elsewhere", 2)
        await there.release("a", "elsewhere")
        await here.renew()
        own_redis.resume()
        with own_redis.client() as client:
            client.flushall()

        async def is_counted_there() -> bool:
            await here.renew()
            if await there.acquire("a", "elsewhere", 2):
                await there.release("a", "elsewhere")
                return False
            return True

        await eventually(is_counted_there, 5)


async def test_an_unreachable_redis_refuses_nobody() -> None:
    async with AsyncExitStack() as stack:
        limiter = RedisConcurrencyLimiter(redis_client(f"redis://127.0.0.1:{free_port()}", stack))
        assert await limiter.acquire("a", "one", 1)
        await limiter.renew()
        await limiter.release("a", "one")

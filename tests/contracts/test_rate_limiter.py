"""`RateLimiter`: in one process, and shared over Redis."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial

import pytest

from sidepro.adapters.in_process.rate_limiter import InProcessRateLimiter
from sidepro.adapters.redis.client import CIRCUIT_OPEN_SECONDS
from sidepro.adapters.redis.rate_limiter import RedisRateLimiter
from sidepro.domain.rate_limiting import Limit, RateLimiter
from tests.clients import eventually
from tests.contracts.processes import (
    MEMORY_AND_REDIS,
    adapter_of_another_process,
    redis_client,
)
from tests.factories import at_once
from tests.servers import RedisServer, free_port

pytestmark = pytest.mark.anyio

HOURLY = Limit("hourly", 10, 3600, fallback=3)
QUICK = Limit("quick", 2, 1)
HEALS_WITHIN = 5.0

AnotherProcess = Callable[[], RateLimiter]


@pytest.fixture(params=MEMORY_AND_REDIS)
async def processes(request: pytest.FixtureRequest) -> AsyncIterator[AnotherProcess]:
    """Returns the limiter of another process."""
    limiter: RateLimiter = InProcessRateLimiter()
    async with adapter_of_another_process(request, limiter, RedisRateLimiter) as another:
        yield another


async def test_concurrent_calls_in_all_processes_share_the_quota(
    processes: AnotherProcess,
) -> None:
    limiters = [processes() for _ in range(4)]

    taken = await at_once([partial(limiters[n % 4].take, HOURLY, "a") for n in range(40)])
    allowed = [allowance for allowance in taken if allowance.retry_after is None]
    assert len(allowed) == HOURLY.quota


async def test_an_allowance_reports_what_remains(processes: AnotherProcess) -> None:
    limiter = processes()
    first, second = [await limiter.take(HOURLY, "a") for _ in range(2)]
    assert (first.limit, first.remaining, first.retry_after) == (HOURLY, 9, None)
    assert second.remaining == 8
    assert first.reset_after == pytest.approx(360, abs=5)
    assert second.reset_after == pytest.approx(720, abs=5)


async def test_a_refused_call_gets_retry_after_and_does_not_count(
    processes: AnotherProcess,
) -> None:
    limiter = processes()
    for _ in range(HOURLY.quota):
        await limiter.take(HOURLY, "a")
    refusals = [await limiter.take(HOURLY, "a") for _ in range(5)]
    for refused in refusals:
        assert refused.remaining == 0
        assert refused.retry_after == pytest.approx(360, abs=5)


async def test_a_call_after_retry_after_is_allowed(processes: AnotherProcess) -> None:
    limiter = processes()
    while (refused := await limiter.take(QUICK, "a")).retry_after is None:
        pass

    async def is_allowed() -> bool:
        return (await limiter.take(QUICK, "a")).retry_after is None

    await eventually(is_allowed, refused.retry_after + 1)


async def test_keys_and_limits_are_counted_separately(processes: AnotherProcess) -> None:
    limiter = processes()
    for _ in range(HOURLY.quota):
        await limiter.take(HOURLY, "a")
    assert (await limiter.take(HOURLY, "b")).remaining == 9
    assert (await limiter.take(Limit("other", 10, 3600), "a")).remaining == 9


# --------------------------------------------------------------------------------- Redis alone


async def test_a_full_bucket_is_removed_from_redis(
    redis_server: RedisServer,
) -> None:
    async with AsyncExitStack() as stack:
        redis = redis_client(redis_server.url, stack)
        await RedisRateLimiter(redis).take(HOURLY, "user")
        remaining = await redis.redis.pttl("limit:hourly:user")
        assert 350_000 < remaining <= 360_000


async def test_a_redis_clock_set_back_refuses_calls_for_one_window_at_most(
    redis_server: RedisServer,
) -> None:
    async with AsyncExitStack() as stack:
        redis = redis_client(redis_server.url, stack)
        far_ahead = (time.time() + 24 * 3600) * 1_000_000
        await redis.redis.set("limit:hourly:ahead", f"{far_ahead:.0f}")
        refused = await RedisRateLimiter(redis).take(HOURLY, "ahead")
        assert refused.retry_after == pytest.approx(360, abs=5)


async def test_during_a_redis_outage_each_process_uses_the_fallback_quota(
    own_redis: RedisServer,
) -> None:
    async with AsyncExitStack() as stack:
        limiter = RedisRateLimiter(redis_client(own_redis.url, stack))
        assert (await limiter.take(HOURLY, "a")).remaining == HOURLY.quota - 1
        own_redis.stop()
        alone = [await limiter.take(HOURLY, "a") for _ in range(4)]
        assert [one.retry_after is None for one in alone] == [True, True, True, False]
        own_redis.resume()

        async def counts_in_redis() -> bool:
            return (await limiter.take(HOURLY, "b")).limit == HOURLY

        await eventually(counts_in_redis, HEALS_WITHIN)


async def test_an_unresponsive_redis_delays_one_call_a_second() -> None:
    async with AsyncExitStack() as stack:
        limiter = RedisRateLimiter(redis_client(f"redis://127.0.0.1:{free_port()}", stack))
        await limiter.take(QUICK, "a")
        started = time.monotonic()
        for _ in range(1000):
            await limiter.take(QUICK, "a")
        assert time.monotonic() - started < CIRCUIT_OPEN_SECONDS

"""`JobClaims`: in one process, and shared over Redis."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial

import pytest

from sidepro.adapters.in_process.job_claims import InProcessJobClaims
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.job_claims import RedisJobClaims
from sidepro.domain.errors import Unavailable
from sidepro.jobs.claims import JobClaims
from tests.clients import eventually
from tests.factories import at_once
from tests.servers import RedisServer, free_port

pytestmark = pytest.mark.anyio

AnotherProcess = Callable[[], JobClaims]


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.servers)])
async def processes(request: pytest.FixtureRequest) -> AsyncIterator[AnotherProcess]:
    """Returns the claims of another process; in memory always the same."""
    if request.param == "memory":
        claims = InProcessJobClaims()
        yield lambda: claims
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    with server.client() as client:
        client.flushall()
    async with AsyncExitStack() as stack:

        def another() -> JobClaims:
            redis = RedisClient(server.url)
            stack.push_async_callback(redis.close)
            return RedisJobClaims(redis)

        yield another


async def test_of_concurrent_claims_exactly_one_succeeds(
    processes: AnotherProcess,
) -> None:
    everywhere = [processes() for _ in range(4)]
    calls = [partial(everywhere[n % 4].claim, "due", 60) for n in range(40)]
    assert sum(await at_once(calls)) == 1


async def test_a_released_name_can_be_claimed_again(processes: AnotherProcess) -> None:
    here, there = processes(), processes()
    await here.release("never there")
    assert await here.claim("asked", 60)
    assert not await there.claim("asked", 60)
    await there.release("asked")
    assert await here.claim("asked", 60)


async def test_names_are_claimed_separately(processes: AnotherProcess) -> None:
    claims = processes()
    assert await claims.claim("one", 60)
    assert await claims.claim("other", 60)
    await claims.release("one")
    assert not await claims.claim("other", 60)


async def test_a_claim_expires(processes: AnotherProcess) -> None:
    here, there = processes(), processes()
    assert await here.claim("brief", 1)
    assert await here.claim("long", 60)
    claimed_at = time.monotonic()
    await eventually(lambda: there.claim("brief", 60))
    assert time.monotonic() - claimed_at > 0.9
    assert not await there.claim("long", 60)


async def test_the_clock_is_shared_and_correct(processes: AnotherProcess) -> None:
    here, there = processes(), processes()
    one, other = await here.now(), await there.now()
    assert one <= other <= one + 10
    assert abs(one - time.time()) < 10


async def test_an_unreachable_redis_raises_unavailable() -> None:
    redis = RedisClient(f"redis://127.0.0.1:{free_port()}")
    claims = RedisJobClaims(redis)
    try:
        for ask in (partial(claims.claim, "x", 1), partial(claims.release, "x"), claims.now):
            with pytest.raises(Unavailable):
                await ask()
    finally:
        await redis.close()

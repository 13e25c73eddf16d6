"""`Notes` of the jobs: in one process, and in Redis for all of them."""

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
from tests.clients import until
from tests.factories import at_once
from tests.servers import RedisServer, free_port

pytestmark = pytest.mark.anyio

AnotherProcess = Callable[[], JobClaims]


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.servers)])
async def processes(request: pytest.FixtureRequest) -> AsyncIterator[AnotherProcess]:
    """Gives the notes of one more process; in memory there is but one."""
    if request.param == "memory":
        notes = InProcessJobClaims()
        yield lambda: notes
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    with server.client() as client:
        client.flushall()
    async with AsyncExitStack() as links:

        def another() -> JobClaims:
            link = RedisClient(server.url)
            links.push_async_callback(link.close)
            return RedisJobClaims(link)

        yield another


async def test_of_concurrent_claims_exactly_one_succeeds(
    processes: AnotherProcess,
) -> None:
    everywhere = [processes() for _ in range(4)]
    puts = [partial(everywhere[n % 4].claim, "due", 60) for n in range(40)]
    assert sum(await at_once(puts)) == 1


async def test_a_released_name_can_be_claimed_again(processes: AnotherProcess) -> None:
    here, there = processes(), processes()
    await here.release("never there")
    assert await here.claim("asked", 60)
    assert not await there.claim("asked", 60)
    await there.release("asked")
    assert await here.claim("asked", 60)


async def test_names_are_claimed_separately(processes: AnotherProcess) -> None:
    notes = processes()
    assert await notes.claim("one", 60)
    assert await notes.claim("other", 60)
    await notes.release("one")
    assert not await notes.claim("other", 60)


async def test_a_claim_expires(processes: AnotherProcess) -> None:
    here, there = processes(), processes()
    assert await here.claim("brief", 1)
    assert await here.claim("long", 60)
    put_at = time.monotonic()
    await until(lambda: there.claim("brief", 60))
    assert time.monotonic() - put_at > 0.9
    assert not await there.claim("long", 60)


async def test_the_clock_is_shared_and_correct(processes: AnotherProcess) -> None:
    here, there = processes(), processes()
    one, other = await here.now(), await there.now()
    assert one <= other <= one + 10
    assert abs(one - time.time()) < 10


async def test_an_unreachable_redis_raises_unavailable() -> None:
    link = RedisClient(f"redis://127.0.0.1:{free_port()}")
    notes = RedisJobClaims(link)
    try:
        for ask in (partial(notes.claim, "x", 1), partial(notes.release, "x"), notes.now):
            with pytest.raises(Unavailable):
                await ask()
    finally:
        await link.close()

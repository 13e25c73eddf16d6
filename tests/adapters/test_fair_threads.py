"""Threads that take turns between keys."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from sidepro.adapters.fair_threads import FairThreads

pytestmark = pytest.mark.anyio


@pytest.fixture
def threads() -> Iterator[FairThreads]:
    found = FairThreads(2, "test")
    yield found
    found.close()


async def test_a_key_occupies_one_thread(threads: FairThreads) -> None:
    release = threading.Event()
    waiting = [asyncio.create_task(threads.run("one", release.wait, 10)) for _ in range(5)]
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        assert await threads.run("other", lambda: 7) == 7
    release.set()
    assert await asyncio.gather(*waiting) == [True] * 5


async def test_calls_of_a_key_run_in_their_order(threads: FairThreads) -> None:
    ran: list[int] = []
    await asyncio.gather(*(threads.run("one", ran.append, number) for number in range(10)))
    assert ran == list(range(10))


async def test_an_error_reaches_its_caller_and_ends_the_turn(threads: FairThreads) -> None:
    with pytest.raises(ZeroDivisionError):
        await threads.run("one", lambda: 1 // 0)
    assert await threads.run("one", lambda: 7) == 7


async def test_a_cancelled_caller_keeps_its_turn_until_its_call_ends(threads: FairThreads) -> None:
    """Otherwise a client that goes away and comes back could occupy every thread."""
    started, release = threading.Event(), threading.Event()

    def call() -> None:
        started.set()
        release.wait(10)

    first = asyncio.create_task(threads.run("one", call))
    await asyncio.to_thread(started.wait, 10)
    first.cancel()
    second = asyncio.create_task(threads.run("one", lambda: 7))
    await asyncio.sleep(0.05)
    assert not second.done()
    release.set()
    assert await second == 7
    assert first.cancelled()


async def test_calls_without_a_key_run_side_by_side(threads: FairThreads) -> None:
    barrier = threading.Barrier(2)
    async with asyncio.timeout(5):
        await asyncio.gather(threads.run(None, barrier.wait), threads.run(None, barrier.wait))

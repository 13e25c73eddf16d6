"""Threads that take turns between keys."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from sidepro.adapters.fair_threads import FairThreads
from tests.clients import eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
def threads() -> Iterator[FairThreads]:
    found = FairThreads(2, "test")
    yield found
    found.close()


async def test_a_key_occupies_one_thread(threads: FairThreads) -> None:
    release = threading.Event()
    started: list[int] = []

    def call(number: int) -> None:
        started.append(number)
        release.wait(10)

    calls = [asyncio.create_task(threads.run("one", call, number)) for number in range(5)]
    await eventually(lambda: started == [0])
    async with asyncio.timeout(5):
        assert await threads.run("other", lambda: 7) == 7
    assert started == [0]
    release.set()
    await asyncio.gather(*calls)


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
    release = threading.Event()
    log: list[str] = []

    def call() -> None:
        log.append("first started")
        release.wait(10)
        log.append("first ended")

    first = asyncio.create_task(threads.run("one", call))
    await eventually(lambda: log == ["first started"])
    first.cancel()
    second = asyncio.create_task(threads.run("one", log.append, "second"))
    # The other thread is free, and it would run the second call before this one.
    await threads.run("other", lambda: None)
    release.set()
    await second
    assert log == ["first started", "first ended", "second"]
    assert first.cancelled()


async def test_calls_without_a_key_run_side_by_side(threads: FairThreads) -> None:
    barrier = threading.Barrier(2)
    async with asyncio.timeout(5):
        await asyncio.gather(threads.run(None, barrier.wait), threads.run(None, barrier.wait))

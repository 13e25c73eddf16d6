"""The queue of a socket."""

from __future__ import annotations

import asyncio

import pytest

from sidepro.api.chat.outbox import CompactQueue

pytestmark = pytest.mark.anyio


async def test_items_come_out_in_the_order_in_which_they_went_in() -> None:
    queue: CompactQueue[int] = CompactQueue()
    for item in range(3):
        queue.put_nowait(item)
    assert (len(queue), queue.empty()) == (3, False)
    assert [await queue.get(), queue.get_nowait(), await queue.get()] == [0, 1, 2]
    assert (len(queue), queue.empty()) == (0, True)


async def test_who_waits_gets_what_comes() -> None:
    queue: CompactQueue[int] = CompactQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put_nowait(1)
    queue.put_nowait(2)
    assert [await waiting, await queue.get()] == [1, 2]


async def test_who_gave_up_waiting_loses_nothing() -> None:
    queue: CompactQueue[int] = CompactQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    waiting.cancel()
    queue.put_nowait(1)  # before the cancellation has come to pass
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert await queue.get() == 1


async def test_who_gives_up_when_it_has_come_leaves_it_there() -> None:
    queue: CompactQueue[int] = CompactQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put_nowait(1)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert await queue.get() == 1


async def test_a_full_line_takes_no_more_until_something_is_taken() -> None:
    queue: CompactQueue[int] = CompactQueue(2)
    queue.put_nowait(1)
    queue.put_nowait(2)
    with pytest.raises(asyncio.QueueFull):
        queue.put_nowait(3)
    queue.get_nowait()
    queue.put_nowait(3)
    assert [queue.get_nowait(), queue.get_nowait()] == [2, 3]


async def test_an_empty_line_gives_nothing() -> None:
    with pytest.raises(asyncio.QueueEmpty):
        CompactQueue[int]().get_nowait()

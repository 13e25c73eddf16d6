"""The queue of a socket."""

from __future__ import annotations

import asyncio

import pytest

from sidepro.api.chat.outbox import CompactQueue

pytestmark = pytest.mark.anyio


async def test_items_are_returned_in_order() -> None:
    queue: CompactQueue[int] = CompactQueue()
    for item in range(3):
        queue.put_nowait(item)
    assert (len(queue), queue.empty()) == (3, False)
    assert [await queue.get(), queue.get_nowait(), await queue.get()] == [0, 1, 2]
    assert (len(queue), queue.empty()) == (0, True)


async def test_a_waiting_get_returns_the_next_item() -> None:
    queue: CompactQueue[int] = CompactQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put_nowait(1)
    queue.put_nowait(2)
    assert [await waiting, await queue.get()] == [1, 2]


async def test_a_cancelled_get_loses_no_item() -> None:
    queue: CompactQueue[int] = CompactQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    waiting.cancel()
    queue.put_nowait(1)  # before the cancellation takes effect
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert await queue.get() == 1


async def test_a_get_cancelled_after_the_put_leaves_the_item() -> None:
    queue: CompactQueue[int] = CompactQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put_nowait(1)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert await queue.get() == 1


async def test_a_full_queue_accepts_items_after_a_get() -> None:
    queue: CompactQueue[int] = CompactQueue(2)
    queue.put_nowait(1)
    queue.put_nowait(2)
    with pytest.raises(asyncio.QueueFull):
        queue.put_nowait(3)
    queue.get_nowait()
    queue.put_nowait(3)
    assert [queue.get_nowait(), queue.get_nowait()] == [2, 3]


async def test_an_empty_queue_raises() -> None:
    with pytest.raises(asyncio.QueueEmpty):
        CompactQueue[int]().get_nowait()

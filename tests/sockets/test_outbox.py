"""The queue of a socket."""

from __future__ import annotations

import asyncio

import pytest

from sidepro.api.chat.outbox import Outbox

pytestmark = pytest.mark.anyio


async def test_items_come_out_in_the_order_in_which_they_went_in() -> None:
    line: Outbox[int] = Outbox()
    for item in range(3):
        line.put_nowait(item)
    assert (len(line), line.empty()) == (3, False)
    assert [await line.get(), line.get_nowait(), await line.get()] == [0, 1, 2]
    assert (len(line), line.empty()) == (0, True)


async def test_who_waits_gets_what_comes() -> None:
    line: Outbox[int] = Outbox()
    waiting = asyncio.create_task(line.get())
    await asyncio.sleep(0)
    line.put_nowait(1)
    line.put_nowait(2)
    assert [await waiting, await line.get()] == [1, 2]


async def test_who_gave_up_waiting_loses_nothing() -> None:
    line: Outbox[int] = Outbox()
    waiting = asyncio.create_task(line.get())
    await asyncio.sleep(0)
    waiting.cancel()
    line.put_nowait(1)  # before the cancellation has come to pass
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert await line.get() == 1


async def test_who_gives_up_when_it_has_come_leaves_it_there() -> None:
    line: Outbox[int] = Outbox()
    waiting = asyncio.create_task(line.get())
    await asyncio.sleep(0)
    line.put_nowait(1)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert await line.get() == 1


async def test_a_full_line_takes_no_more_until_something_is_taken() -> None:
    line: Outbox[int] = Outbox(2)
    line.put_nowait(1)
    line.put_nowait(2)
    with pytest.raises(asyncio.QueueFull):
        line.put_nowait(3)
    line.get_nowait()
    line.put_nowait(3)
    assert [line.get_nowait(), line.get_nowait()] == [2, 3]


async def test_an_empty_line_gives_nothing() -> None:
    with pytest.raises(asyncio.QueueEmpty):
        Outbox[int]().get_nowait()

"""The waits of a request are counted together, by task."""

import asyncio
import gc
import time
import weakref

import pytest

from sidepro.domain import waiting
from sidepro.domain.errors import Unavailable
from sidepro.domain.waiting import (
    LAST_WAIT,
    LEAST_WAIT,
    REQUEST_WAITS,
    begin_waits,
    borrowed_waits,
    continue_waits,
    counted_wait,
    current_waits,
    end_waits,
    wait_at_most,
    wait_limit,
)
from tests.domain.services import awaited


def left() -> float:
    waits = current_waits()
    assert waits is not None
    return waits.left


@awaited
async def test_a_wait_may_take_what_is_left_and_then_all_others_a_second_together() -> None:
    assert wait_limit(60) == 60
    begin_waits()
    assert wait_limit(60) == REQUEST_WAITS
    assert wait_limit(5) == 5
    waits = current_waits()
    assert waits is not None
    waits.count(REQUEST_WAITS - 3)
    assert wait_limit(5) == 3
    waits.count(3)
    assert wait_limit(5) == LAST_WAIT
    assert wait_limit(0.05) == 0.05
    waits.count(LAST_WAIT / 2)
    assert wait_limit(5) == LAST_WAIT / 2
    waits.count(LAST_WAIT)
    assert wait_limit(5) == LEAST_WAIT
    end_waits()
    assert wait_limit(5) == 5


@awaited
async def test_a_wait_inside_of_another_counts_once() -> None:
    begin_waits()
    waits = current_waits()
    assert waits is not None
    with counted_wait():
        with counted_wait():
            await asyncio.sleep(0.01)
        waits.count(3)
    assert REQUEST_WAITS - 3 < left() < REQUEST_WAITS
    waits.count(3)
    assert left() < REQUEST_WAITS - 3


@awaited
async def test_a_task_goes_on_with_what_is_left_to_the_one_that_started_it_if_it_says_so() -> None:
    begin_waits()
    waits = current_waits()
    assert waits is not None
    waits.count(3)

    async def is_bounded() -> bool:
        return current_waits() is not None

    async def goes_on() -> float:
        continue_waits()
        found = left()
        end_waits()
        assert current_waits() is None
        return found

    assert not await asyncio.create_task(is_bounded())
    assert await asyncio.create_task(goes_on()) == REQUEST_WAITS - 3
    assert left() == REQUEST_WAITS - 3


@awaited
async def test_a_task_borrows_the_waits_of_the_one_that_waits_for_it() -> None:
    begin_waits()

    async def borrows() -> None:
        with borrowed_waits():
            waits = current_waits()
            assert waits is not None
            waits.count(3)
        assert current_waits() is None

    await asyncio.create_task(borrows())
    assert left() == REQUEST_WAITS - 3


@awaited
async def test_waiting_for_others_ends_with_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "REQUEST_WAITS", 0.2)
    monkeypatch.setattr(waiting, "LAST_WAIT", 0.1)
    begin_waits()
    never = asyncio.get_running_loop().create_future()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await wait_at_most(60, never)
    assert never.cancelled()
    with pytest.raises(Unavailable):
        await wait_at_most(60, asyncio.get_running_loop().create_future())
    assert 0.25 < time.monotonic() - began < 10
    assert await wait_at_most(60, asyncio.sleep(0, "in time")) == "in time"


@awaited
async def test_a_cancelled_task_leaves_nothing_for_the_garbage_collector() -> None:
    class Connection:
        """Open until it is deleted."""

    connections = weakref.WeakSet[Connection]()

    async def request() -> None:
        connection = Connection()
        connections.add(connection)
        begin_waits()
        waits = current_waits()
        assert waits
        await asyncio.sleep(60)

    gc.disable()
    try:
        task = asyncio.create_task(request())
        await asyncio.sleep(0)
        assert connections
        task.cancel()
        await asyncio.wait([task])
        del task
        assert not connections
    finally:
        gc.enable()

"""Many at once: start gates, and units of work that have to wait for one another."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from sidepro.domain.errors import SideProError
from tests.contracts.adapters import Adapters
from tests.factories import at_once
from tests.fakes.unit_of_work import FullUnitOfWork

Result = TypeVar("Result")

MANY = 40
"""More than the connections that any pool holds."""

A_WHILE = 0.15
"""Seconds in which whatever is not held back is done."""


async def race(
    adapters: Adapters, workers: int, attempt: Callable[[int], Awaitable[Result]]
) -> list[Result | SideProError]:
    """What each of the workers got, or the domain error that it met. All of them start at once.

    Any other error is raised, after all of them have ended.
    """
    # Connections are there before the start: making one takes longer than most attempts.
    await asyncio.gather(*(adapters.accounts.email_taken("") for _ in range(workers)))

    async def worker(index: int) -> Result | Exception:
        try:
            return await attempt(index)
        except Exception as error:
            return error

    results: list[Result | SideProError] = []
    for result in await at_once([partial(worker, index) for index in range(workers)]):
        if isinstance(result, Exception) and not isinstance(result, SideProError):
            raise result
        results.append(result)
    return results


async def in_turn(
    adapters: Adapters,
    get: Callable[[FullUnitOfWork], Awaitable[Result]],
    change: Callable[[FullUnitOfWork], Awaitable[object]],
) -> Result:
    """What a second unit of work gets that asked while a first one had got the same.

    Asserts that it waited. The first one makes its change, and commits, meanwhile.
    """

    async def second() -> Result:
        async with adapters.unit_of_work() as work:
            return await get(work)

    await race(adapters, 2, lambda _: adapters.accounts.email_taken(""))
    async with adapters.unit_of_work() as work:
        await get(work)
        waiting = asyncio.create_task(second())
        try:
            await asyncio.sleep(A_WHILE)
            assert not waiting.done(), "it was not held back"
            await change(work)
            await work.commit()
        except BaseException:
            waiting.cancel()
            raise
    return await asyncio.wait_for(waiting, 5)

"""Concurrent calls, and units of work that wait for one another."""

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
"""More than the connections of any pool."""

UNBLOCKED_WITHIN = 0.15
"""Seconds within which an unblocked call returns."""


async def race(
    adapters: Adapters, workers: int, attempt: Callable[[int], Awaitable[Result]]
) -> list[Result | SideProError]:
    """The results or domain errors of workers that start together.

    Any other error is raised after all have ended.
    """
    # Open the connections first: opening one takes longer than most attempts.
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


async def after_change(
    adapters: Adapters,
    get: Callable[[FullUnitOfWork], Awaitable[Result]],
    change: Callable[[FullUnitOfWork], Awaitable[object]],
) -> Result:
    """What a second unit of work gets while a first one has the same entity locked.

    Asserts that it waits until the first has changed the entity and committed.
    """

    async def second() -> Result:
        async with adapters.unit_of_work() as work:
            return await get(work)

    await race(adapters, 2, lambda _: adapters.accounts.email_taken(""))
    async with adapters.unit_of_work() as work:
        await get(work)
        waiting = asyncio.create_task(second())
        try:
            await asyncio.sleep(UNBLOCKED_WITHIN)
            assert not waiting.done(), "it did not wait"
            await change(work)
            await work.commit()
        except BaseException:
            waiting.cancel()
            raise
    return await asyncio.wait_for(waiting, 5)

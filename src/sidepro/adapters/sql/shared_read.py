"""Reads that all who ask meanwhile share."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from sidepro.domain.waiting import LONGEST_WAITS, begin_waits, wait_at_most

Result = TypeVar("Result")


class SharedRead(Generic[Result]):
    """One read at a time, whose result or error is that of all who ask meanwhile.

    With a lock in its place, each would wait for the failures of all that came before.
    """

    def __init__(self, read: Callable[[], Awaitable[Result]]) -> None:
        self._read = read
        self._reading: asyncio.Task[Result] | None = None

    async def result(self) -> Result:
        """Raises what the read raises, or `Unavailable`."""
        if self._reading is None:
            # A task of its own: a cancelled caller must not cancel the others' read.
            self._reading = asyncio.create_task(self._read_once())
        return await wait_at_most(LONGEST_WAITS, asyncio.shield(self._reading))

    async def _read_once(self) -> Result:
        begin_waits()
        try:
            return await self._read()
        finally:
            self._reading = None

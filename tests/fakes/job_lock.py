"""Runs of the similarity job take turns within this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class MemoryJobLock:
    """See `sidepro.domain.recommendations.ports.JobLock`."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._takers = 0

    @asynccontextmanager
    async def acquire(self, *, wait: bool) -> AsyncIterator[bool]:
        if self._takers and not wait:
            yield False
            return
        self._takers += 1
        try:
            async with self._lock:
                yield True
        finally:
            self._takers -= 1

"""Runs of the similarity job take turns within this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class MemoryJobLock:
    """See `sidepro.domain.recommendations.ports.JobLock`."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self.takers = 0

    @asynccontextmanager
    async def acquire(self, *, wait: bool) -> AsyncIterator[bool]:
        if self.takers and not wait:
            yield False
            return
        self.takers += 1
        try:
            async with self._lock:
                yield True
        finally:
            self.takers -= 1

"""Limits of chat sockets: how many somebody has open, and how fast each of them may speak."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sidepro.domain.errors import RateLimited
from sidepro.domain.identity import Caller
from sidepro.domain.ids import RoomId
from sidepro.domain.rate_limiting import (
    RENEW_INTERVAL,
    ConcurrencyLimiter,
    Limit,
    RateLimiter,
)
from sidepro.http.rate_limits import ALL_ELSE, MESSAGES

FRAMES = Limit("frames", 300, 10)
"""Of whatever kind, on one socket: 30 a second, with bursts of 300."""

TYPING = Limit("typing", 1, 1)
"""In a room. What is more than that is not told, and not refused either."""


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """What all sockets share. Where nothing is limited there is none of it."""

    limiter: RateLimiter
    concurrency: ConcurrencyLimiter
    per_user: int

    async def count_opening(self, caller: Caller) -> None:
        """Count an opening as what it is, one more call of the caller's.

        Raises:
            RateLimited: it is one too many.
        """
        await self._take(ALL_ELSE, str(caller.id))

    @asynccontextmanager
    async def reserve(self, caller: Caller, connection: str) -> AsyncIterator[None]:
        """Count an open socket of the caller's for as long as the block lasts.

        Raises:
            RateLimited: they have as many as they may.
        """
        key = f"sockets:{caller.id}"
        try:
            if not await self.concurrency.acquire(key, connection, self.per_user):
                raise RateLimited
            yield
        finally:
            await self.concurrency.release(key, connection)

    async def count_message(self, caller: Caller) -> None:
        """Count a message, together with those that the caller sends over HTTP.

        Raises:
            RateLimited: it is one too many.
        """
        await self._take(MESSAGES["limit"], str(caller.id))

    async def may_type(self, caller: Caller, room_id: RoomId) -> bool:
        """Whether it may be told again that the caller is typing."""
        allowance = await self.limiter.take(TYPING, f"{caller.id}:{room_id}")
        return allowance.retry_after is None

    async def renew_loop(self) -> None:
        """Say again and again that the sockets of this process are there."""
        while True:
            await asyncio.sleep(RENEW_INTERVAL)
            await self.concurrency.renew()

    async def _take(self, limit: Limit, key: str) -> None:
        allowance = await self.limiter.take(limit, key)
        if allowance.retry_after is not None:
            raise RateLimited(allowance)


class FrameCount:
    """Counts the frames of one socket, for which nobody else has to be asked."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._full_at = 0.0

    def is_too_many(self) -> bool:
        """Count one more; whether it is one too many."""
        now = self._now()
        self._full_at = max(self._full_at, now) + FRAMES.interval
        return FRAMES.allowance(self._full_at - now).retry_after is not None

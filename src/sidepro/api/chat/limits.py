"""Limits of chat sockets: open sockets of a user, and rates of frames, messages and typing."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sidepro.domain.channels import ROOM
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
"""Frames of any type on one socket: 30 a second, with bursts of 300."""

TYPING = Limit("typing", 1, 1)
"""`typing` frames of a user in a room: one a second. Further ones are ignored without an error."""

MAX_BAD_FRAMES = 10
"""Invalid frames in a row after which a socket is closed."""


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """The limits that sockets share. No instance exists if limits are turned off."""

    limiter: RateLimiter
    concurrency: ConcurrencyLimiter
    per_user: int

    async def count_opening(self, caller: Caller) -> None:
        """Count a connection attempt as one of the caller's API calls.

        Raises:
            RateLimited: the limit is exceeded.
        """
        await self._take(ALL_ELSE, str(caller.id))

    @asynccontextmanager
    async def reserve(
        self, caller: Caller, connection: str, channel_kind: str = ROOM
    ) -> AsyncIterator[None]:
        """Reserve one of the caller's sockets to this kind of channel during the block.

        Raises:
            RateLimited: the caller has `per_user` such sockets open.
        """
        key = (
            f"sockets:{caller.id}"
            if channel_kind == ROOM
            else f"{channel_kind}-sockets:{caller.id}"
        )
        try:
            if not await self.concurrency.acquire(key, connection, self.per_user):
                raise RateLimited
            yield
        finally:
            await self.concurrency.release(key, connection)

    async def count_message(self, caller: Caller) -> None:
        """Count a message, together with those that the caller sends over HTTP.

        Raises:
            RateLimited: the limit is exceeded.
        """
        await self._take(MESSAGES["limit"], str(caller.id))

    async def count_typing(self, caller: Caller, room_id: RoomId) -> bool:
        """Count a `typing` frame. Returns whether it is within the limit."""
        allowance = await self.limiter.take(TYPING, f"{caller.id}:{room_id}")
        return allowance.retry_after is None

    async def renew_loop(self) -> None:
        """Renew the reservations of this process until cancelled."""
        while True:
            await asyncio.sleep(RENEW_INTERVAL)
            await self.concurrency.renew()

    async def _take(self, limit: Limit, key: str) -> None:
        allowance = await self.limiter.take(limit, key)
        if allowance.retry_after is not None:
            raise RateLimited(allowance)


class FrameCounter:
    """The frame limit of one socket. It needs no shared state."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._full_at = 0.0

    def count(self) -> bool:
        """Count a frame. Returns whether it is within the limit."""
        now = self._now()
        self._full_at = max(self._full_at, now) + FRAMES.interval
        return FRAMES.allowance(self._full_at - now).retry_after is None

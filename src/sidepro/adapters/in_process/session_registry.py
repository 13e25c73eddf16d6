"""Which sessions are live, remembered for a second at the most."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Collection

from sidepro.domain.accounts.ports import AccountReader
from sidepro.domain.clock import Clock
from sidepro.domain.ids import SessionId

CACHE_TTL = 1.0
"""Seconds until a session is looked up again: another process may have ended it."""

MAX_CACHED = 100_000
"""Sessions that are remembered; those looked up longest ago go first."""


class InProcessSessionRegistry:
    """See `sidepro.domain.accounts.ports.SessionRegistry`."""

    def __init__(self, reader: AccountReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._seen_at: OrderedDict[SessionId, float] = OrderedDict()
        self._next_end = asyncio.Event()

    async def is_active(self, session_id: SessionId) -> bool:
        if self.is_fresh(session_id):
            return True
        asked_at, next_end = time.monotonic(), self._next_end
        live = await self.active_among([session_id])
        self._seen_at.pop(session_id, None)
        # What this process ended meanwhile is not remembered, whatever the answer was.
        if live and not next_end.is_set():
            self._seen_at[session_id] = asked_at
            if len(self._seen_at) > MAX_CACHED:
                self._seen_at.popitem(last=False)
        return bool(live)

    async def active_among(self, session_ids: Collection[SessionId]) -> frozenset[SessionId]:
        return await self._reader.live_sessions(session_ids, self._clock())

    def is_fresh(self, session_id: SessionId) -> bool:
        """Whether the session was seen to be live less than `CACHE_TTL` ago."""
        seen_at = self._seen_at.get(session_id)
        return seen_at is not None and time.monotonic() - seen_at < CACHE_TTL

    async def revoke(self, session_ids: Collection[SessionId]) -> None:
        for session_id in session_ids:
            self._seen_at.pop(session_id, None)
        self._next_end.set()
        self._next_end = asyncio.Event()

    async def wait_for_revocation(self) -> None:
        await self._next_end.wait()

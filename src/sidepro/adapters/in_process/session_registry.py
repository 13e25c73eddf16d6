"""Active sessions, cached by one process."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Collection

from sidepro.domain.accounts.ports import AccountReader
from sidepro.domain.clock import Clock
from sidepro.domain.ids import SessionId

CACHE_TTL = 1.0
"""Seconds until a session is read again: another process may have revoked it."""

MAX_CACHED = 100_000
"""Maximum number of cached sessions. The oldest entries are dropped."""


class InProcessSessionRegistry:
    """See `sidepro.domain.accounts.ports.SessionRegistry`."""

    def __init__(self, reader: AccountReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._read_at: OrderedDict[SessionId, float] = OrderedDict()
        self._next_revocation = asyncio.Event()

    async def is_active(self, session_id: SessionId) -> bool:
        if self.is_cached(session_id):
            return True
        started_at, next_revocation = time.monotonic(), self._next_revocation
        active = await self.active_among([session_id])
        self._read_at.pop(session_id, None)
        # A revocation during the read may concern this session: do not cache its answer.
        if active and not next_revocation.is_set():
            self._read_at[session_id] = started_at
            if len(self._read_at) > MAX_CACHED:
                self._read_at.popitem(last=False)
        return bool(active)

    async def active_among(self, session_ids: Collection[SessionId]) -> frozenset[SessionId]:
        active = await self._reader.live_sessions(session_ids, self._clock())
        for session_id in session_ids:
            if session_id not in active:
                self._read_at.pop(session_id, None)
        return active

    async def revoke(self, session_ids: Collection[SessionId]) -> None:
        for session_id in session_ids:
            self._read_at.pop(session_id, None)
        self._next_revocation.set()
        self._next_revocation = asyncio.Event()

    async def wait_for_revocation(self) -> None:
        await self._next_revocation.wait()

    def is_cached(self, session_id: SessionId) -> bool:
        """Whether the session was read as active less than `CACHE_TTL` ago."""
        read_at = self._read_at.get(session_id)
        return read_at is not None and time.monotonic() - read_at < CACHE_TTL

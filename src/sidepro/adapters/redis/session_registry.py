"""Active sessions, with revocations shared by all processes."""

from collections.abc import Collection
from contextlib import suppress

from redis.asyncio import Redis

from sidepro.adapters.in_process.session_registry import InProcessSessionRegistry
from sidepro.adapters.redis.client import RedisClient
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import SessionId

REVOCATION_TTL = 60
"""Seconds for which a revocation stays in Redis: longer than any process caches a session."""


class RedisSessionRegistry:
    """See `sidepro.domain.accounts.ports.SessionRegistry`.

    A session cached by this process is active unless Redis has its revocation. While Redis is
    down, other processes notice a revocation when their cache expires.
    """

    def __init__(self, redis: RedisClient, local: InProcessSessionRegistry) -> None:
        self._redis = redis
        self._local = local

    async def is_active(self, session_id: SessionId) -> bool:
        if self._local.is_cached(session_id):
            with suppress(Unavailable):
                if await self._redis.execute(lambda redis: redis.exists(self._key(session_id))):
                    return False
        return await self._local.is_active(session_id)

    async def active_among(self, session_ids: Collection[SessionId]) -> frozenset[SessionId]:
        return await self._local.active_among(session_ids)

    async def revoke(self, session_ids: Collection[SessionId]) -> None:
        await self._local.revoke(session_ids)

        async def publish(redis: Redis) -> None:
            async with redis.pipeline(transaction=False) as pipeline:
                for session_id in session_ids:
                    # a pipeline's commands are queued, not awaited
                    _ = pipeline.set(self._key(session_id), 1, ex=REVOCATION_TTL)
                await pipeline.execute()

        if session_ids:
            with suppress(Unavailable):
                await self._redis.execute(publish)

    async def wait_for_revocation(self) -> None:
        await self._local.wait_for_revocation()

    def _key(self, session_id: SessionId) -> str:
        return self._redis.key(f"ended-session:{session_id}")

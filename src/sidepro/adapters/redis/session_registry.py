"""Which sessions are live, when several processes may end them."""

from collections.abc import Collection
from contextlib import suppress

from redis.asyncio import Redis

from sidepro.adapters.in_process.session_registry import InProcessSessionRegistry
from sidepro.adapters.redis.client import RedisClient
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import SessionId

REVOCATION_TTL = 60
"""Seconds for which Redis says that a session has ended: longer than any process believes what it
saw in the database before.
"""


class RedisSessionRegistry:
    """See `sidepro.domain.accounts.ports.SessionRegistry`.

    What this process has just seen in the database holds unless Redis says that the session has
    ended since. While Redis is away it holds for as long as it is fresh.
    """

    def __init__(self, redis: RedisClient, own: InProcessSessionRegistry) -> None:
        self._redis = redis
        self._own = own

    async def is_active(self, session_id: SessionId) -> bool:
        if self._own.is_fresh(session_id):
            with suppress(Unavailable):
                if await self._redis.execute(lambda redis: redis.exists(_key(session_id))):
                    return False
        return await self._own.is_active(session_id)

    async def active_among(self, session_ids: Collection[SessionId]) -> frozenset[SessionId]:
        return await self._own.active_among(session_ids)

    async def revoke(self, session_ids: Collection[SessionId]) -> None:
        await self._own.revoke(session_ids)

        async def say(redis: Redis) -> None:
            async with redis.pipeline(transaction=False) as pipeline:
                for session_id in session_ids:
                    # a pipeline's commands are queued, not awaited
                    _ = pipeline.set(_key(session_id), 1, ex=REVOCATION_TTL)
                await pipeline.execute()

        if session_ids:
            # The others find out by themselves when what they have seen is no longer fresh.
            with suppress(Unavailable):
                await self._redis.execute(say)

    async def wait_for_revocation(self) -> None:
        await self._own.wait_for_revocation()


def _key(session_id: SessionId) -> str:
    return f"ended-session:{session_id}"

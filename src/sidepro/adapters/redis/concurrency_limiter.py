"""Concurrency limits shared by all processes."""

from contextlib import suppress

from redis.asyncio import Redis

from sidepro.adapters.in_process.concurrency_limiter import InProcessConcurrencyLimiter
from sidepro.adapters.redis.client import RedisClient
from sidepro.domain.errors import Unavailable
from sidepro.domain.rate_limiting import RENEW_INTERVAL

LEASE_TTL = 3 * RENEW_INTERVAL
"""Seconds until a slot that is not renewed is free again."""

# A sorted set of slots by the expiry of their lease, in seconds of Redis' clock. Entries beyond
# one lease from now are removed too: they were made before the clock went back.
_ACQUIRE = """
local now = tonumber(redis.call("TIME")[1])
local slot, maximum, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now)
redis.call("ZREMRANGEBYSCORE", KEYS[1], "(" .. now + lease, "+inf")
if redis.call("ZCARD", KEYS[1]) >= maximum and not redis.call("ZSCORE", KEYS[1], slot) then
    return 0
end
redis.call("ZADD", KEYS[1], now + lease, slot)
redis.call("EXPIRE", KEYS[1], lease)
return 1
"""


class RedisConcurrencyLimiter:
    """See `sidepro.domain.rate_limiting.ConcurrencyLimiter`. While Redis is down, each process
    counts its own slots.
    """

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._acquire = redis.script(_ACQUIRE)
        self._local = InProcessConcurrencyLimiter()

    async def acquire(self, key: str, slot: str, maximum: int) -> bool:
        if not await self._local.acquire(key, slot, maximum):
            return False
        try:
            acquired = await self._redis.execute(
                lambda redis: self._acquire(
                    [self._key(key)], [slot, maximum, LEASE_TTL], client=redis
                )
            )
        except Unavailable:
            return True
        if not acquired:
            await self._local.release(key, slot)
        return bool(acquired)

    async def release(self, key: str, slot: str) -> None:
        await self._local.release(key, slot)
        # If Redis is down, the lease expires.
        with suppress(Unavailable):
            await self._redis.execute(lambda redis: redis.zrem(self._key(key), slot))

    async def renew(self) -> None:
        with suppress(Unavailable):
            await self._redis.execute(self._renew)

    async def _renew(self, redis: Redis) -> None:
        now, _ = await redis.time()
        renewed = {key: tuple(slots) for key, slots in self._local.slots.items()}
        # A pipeline's commands are queued, not awaited.
        async with redis.pipeline(transaction=False) as pipeline:
            for key, slots in renewed.items():
                _ = pipeline.zadd(self._key(key), dict.fromkeys(slots, now + LEASE_TTL))
                _ = pipeline.expire(self._key(key), LEASE_TTL)
            await pipeline.execute()
            for key, slots in renewed.items():
                released_meanwhile = set(slots) - self._local.slots.get(key, set())
                if released_meanwhile:
                    _ = pipeline.zrem(self._key(key), *released_meanwhile)
            await pipeline.execute()

    def _key(self, key: str) -> str:
        return self._redis.key(f"slots:{key}")

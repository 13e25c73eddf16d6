"""What people have open at the same time, in all processes together."""

from contextlib import suppress

from redis.asyncio import Redis

from sidepro.adapters.in_process.concurrency_limiter import InProcessConcurrencyLimiter
from sidepro.adapters.redis.client import RedisClient
from sidepro.domain.errors import Unavailable
from sidepro.domain.rate_limiting import RENEW_INTERVAL

LEASE = 3 * RENEW_INTERVAL
"""Seconds after which a slot that nobody renews is free again."""

# A sorted set of slots by the second at which their lease is over, on Redis' own clock; should
# that go back, no slot is held for longer than its lease.
_TAKE = """
local now = tonumber(redis.call("TIME")[1])
local slot, most, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now)
redis.call("ZREMRANGEBYSCORE", KEYS[1], "(" .. now + lease, "+inf")
if redis.call("ZCARD", KEYS[1]) >= most and not redis.call("ZSCORE", KEYS[1], slot) then
    return 0
end
redis.call("ZADD", KEYS[1], now + lease, slot)
redis.call("EXPIRE", KEYS[1], lease)
return 1
"""


class RedisConcurrencyLimiter:
    """See `sidepro.domain.rate_limiting.ConcurrencyLimiter`.

    While Redis is away each process counts its own.
    """

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._take = redis.redis.register_script(_TAKE)
        self._own = InProcessConcurrencyLimiter()

    async def acquire(self, key: str, slot: str, most: int) -> bool:
        if not await self._own.acquire(key, slot, most):
            return False
        try:
            granted = await self._redis.execute(
                lambda redis: self._take([_key(key)], [slot, most, LEASE], client=redis)
            )
        except Unavailable:
            return True
        if not granted:
            await self._own.release(key, slot)
        return bool(granted)

    async def release(self, key: str, slot: str) -> None:
        await self._own.release(key, slot)
        # A lease that cannot be ended now ends by itself.
        with suppress(Unavailable):
            await self._redis.execute(lambda redis: redis.zrem(_key(key), slot))

    async def renew(self) -> None:
        with suppress(Unavailable):
            await self._redis.execute(self._renew)

    async def _renew(self, redis: Redis) -> None:
        now, _ = await redis.time()
        renewed = {key: tuple(slots) for key, slots in self._own.taken.items()}
        # A pipeline's commands are queued, not awaited.
        async with redis.pipeline(transaction=False) as pipeline:
            for key, slots in renewed.items():
                _ = pipeline.zadd(_key(key), dict.fromkeys(slots, now + LEASE))
                _ = pipeline.expire(_key(key), LEASE)
            await pipeline.execute()
            for key, slots in renewed.items():
                left = set(slots) - self._own.taken.get(key, set())
                if left:  # given back while they were renewed
                    _ = pipeline.zrem(_key(key), *left)
            await pipeline.execute()


def _key(key: str) -> str:
    return f"slots:{key}"

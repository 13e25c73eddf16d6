"""What people have open at the same time, in all processes together."""

from contextlib import suppress

from redis.asyncio import Redis

from sidepro.adapters.in_process.concurrency_limiter import MemorySlots
from sidepro.adapters.redis.client import Link
from sidepro.domain.errors import Unavailable
from sidepro.domain.rate_limiting import SLOTS_RENEWED_EVERY

LEASE = 3 * SLOTS_RENEWED_EVERY
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


class RedisSlots:
    """See `sidepro.domain.rate_limiting.Slots`. While Redis is away each process counts its own."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._take = link.redis.register_script(_TAKE)
        self._own = MemorySlots()

    async def take(self, key: str, slot: str, most: int) -> bool:
        if not await self._own.take(key, slot, most):
            return False
        try:
            granted = await self._link.ask(
                lambda redis: self._take([_key(key)], [slot, most, LEASE], client=redis)
            )
        except Unavailable:
            return True
        if not granted:
            await self._own.give_back(key, slot)
        return bool(granted)

    async def give_back(self, key: str, slot: str) -> None:
        await self._own.give_back(key, slot)
        # A lease that cannot be ended now ends by itself.
        with suppress(Unavailable):
            await self._link.ask(lambda redis: redis.zrem(_key(key), slot))

    async def renew(self) -> None:
        with suppress(Unavailable):
            await self._link.ask(self._renew)

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

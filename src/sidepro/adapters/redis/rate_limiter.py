"""Rate limits shared by all processes."""

from sidepro.adapters.in_process.rate_limiter import InProcessRateLimiter
from sidepro.adapters.redis.client import RedisClient
from sidepro.domain.errors import Unavailable
from sidepro.domain.rate_limiting import Allowance, Limit

# Times are whole microseconds of Redis' clock, so the clocks of the processes do not matter. If
# that clock goes back, no bucket takes longer than its window to refill.
_TAKE = """
local time = redis.call("TIME")
local now = time[1] * 1000000 + time[2]
local interval, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = tonumber(redis.call("GET", KEYS[1]) or now)
full_at = math.min(math.max(full_at, now), now + window) + interval
local reset_after = full_at - now
if reset_after <= window then
    redis.call("SET", KEYS[1], string.format("%.0f", full_at), "PX", math.ceil(reset_after / 1000))
end
return reset_after
"""


class RedisRateLimiter:
    """See `sidepro.domain.rate_limiting.RateLimiter`. While Redis is down, each process counts its
    own calls.
    """

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._take = redis.script(_TAKE)
        self._local = InProcessRateLimiter()

    async def take(self, limit: Limit, key: str) -> Allowance:
        interval = round(limit.interval * 1_000_000)
        arguments = [interval, interval * limit.quota]
        name = self._redis.key(f"limit:{limit.name}:{key}")
        try:
            reset_after = await self._redis.execute(
                lambda redis: self._take([name], arguments, client=redis)
            )
        except Unavailable:
            return await self._local.take(limit.with_fallback_quota(), key)
        return limit.allowance(reset_after / 1_000_000)

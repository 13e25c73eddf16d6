"""Job claims shared by all processes."""

from sidepro.adapters.redis.client import RedisClient


class RedisJobClaims:
    """See `sidepro.jobs.claims.JobClaims`. Fails while Redis is down."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def claim(self, name: str, seconds: int) -> bool:
        return bool(
            await self._redis.execute(
                lambda redis: redis.set(self._key(name), 1, nx=True, ex=seconds)
            )
        )

    async def release(self, name: str) -> None:
        await self._redis.execute(lambda redis: redis.delete(self._key(name)))

    async def now(self) -> float:
        seconds, microseconds = await self._redis.execute(lambda redis: redis.time())
        return float(seconds) + float(microseconds) / 1_000_000

    def _key(self, name: str) -> str:
        return self._redis.key(f"jobs:{name}")

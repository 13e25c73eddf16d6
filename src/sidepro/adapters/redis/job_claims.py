"""Notes of the jobs, in Redis for all processes."""

from sidepro.adapters.redis.client import RedisClient


class RedisJobClaims:
    """See `sidepro.jobs.claims.Notes`."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def claim(self, note: str, seconds: int) -> bool:
        return bool(
            await self._redis.execute(lambda redis: redis.set(_key(note), 1, nx=True, ex=seconds))
        )

    async def release(self, note: str) -> None:
        await self._redis.execute(lambda redis: redis.delete(_key(note)))

    async def now(self) -> float:
        seconds, microseconds = await self._redis.execute(lambda redis: redis.time())
        return float(seconds) + float(microseconds) / 1_000_000


def _key(note: str) -> str:
    return f"jobs:{note}"

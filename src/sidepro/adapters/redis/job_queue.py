"""How many jobs wait in the Redis stream, and for how long."""

from typing import Any, NamedTuple

from sidepro.adapters.redis.client import RedisClient


class JobBacklog(NamedTuple):
    """Jobs that no worker has taken yet. `oldest_seconds` is 0 without any."""

    length: int
    oldest_seconds: float


class RedisJobQueue:
    """Reads the stream of jobs and its group of workers."""

    def __init__(self, redis: RedisClient, stream: str) -> None:
        self._redis = redis
        self._stream = stream

    async def backlog(self) -> JobBacklog:
        """The jobs that wait now.

        Raises:
            Unavailable: Redis does not reply.
        """
        if not await self._redis.execute(lambda redis: redis.exists(self._stream)):
            return JobBacklog(0, 0.0)
        groups: Any = await self._redis.execute(lambda redis: redis.xinfo_groups(self._stream))
        delivered = _text(groups[0]["last-delivered-id"]) if groups else "0-0"
        waiting: Any = await self._redis.execute(
            lambda redis: redis.xrange(self._stream, min=f"({delivered}")
        )
        if not waiting:
            return JobBacklog(0, 0.0)
        seconds, _ = await self._redis.execute(lambda redis: redis.time())
        oldest = int(_text(waiting[0][0]).partition("-")[0]) / 1000
        return JobBacklog(len(waiting), max(0.0, seconds - oldest))


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value

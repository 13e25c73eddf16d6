"""The connection to Redis, which may go away and come back."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sidepro.domain.errors import Unavailable

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

RESPONSE_TIMEOUT = 1.0
"""Seconds until a question counts as unanswered."""

BROKEN = (RedisError, OSError, RuntimeError)
"""What is raised when the connection is broken. The last is uvloop's word for writing on one that
has been closed a moment ago.
"""

CIRCUIT_OPEN_SECONDS = 1.0
"""Seconds in which a Redis that did not answer is asked nothing: while it is away, one call a
second waits for it, and all others go on at once.
"""


class RedisClient:
    """A pool of connections to one Redis."""

    def __init__(self, url: str) -> None:
        """Nothing is connected yet."""
        self.redis: Redis = Redis.from_url(
            url,
            socket_timeout=RESPONSE_TIMEOUT,
            socket_connect_timeout=RESPONSE_TIMEOUT,
            # Once: for a connection that Redis closed when it was restarted.
            retry=Retry(NoBackoff(), 1),
        )
        self._ask_again_at: float | None = None

    async def execute(self, question: Callable[[Redis], Awaitable[Answer]]) -> Answer:
        """What Redis answers.

        Raises:
            Unavailable: it does not, or did not a moment ago.
        """
        was_away = self._ask_again_at is not None
        if self._ask_again_at is not None:
            now = time.monotonic()
            if now < self._ask_again_at:
                raise Unavailable
            self._ask_again_at = now + CIRCUIT_OPEN_SECONDS + RESPONSE_TIMEOUT
        try:
            answer = await question(self.redis)
        except BROKEN as error:
            if self._ask_again_at is None:
                log.warning("redis_away", reason=type(error).__name__)
            self._ask_again_at = time.monotonic() + CIRCUIT_OPEN_SECONDS
            raise Unavailable from error
        if was_away:
            log.info("redis_back")
        self._ask_again_at = None
        return answer

    @property
    def number(self) -> int:
        """The number of the database."""
        return int(self.redis.connection_pool.connection_kwargs.get("db") or 0)

    def connection(self) -> AbstractConnection:
        """A connection of one's own, not of the pool and not connected yet."""
        pool = self.redis.connection_pool
        return pool.connection_class(
            **{**pool.connection_kwargs, "protocol": 2, "retry": Retry(NoBackoff(), 0)}
        )

    async def ping(self) -> None:
        """Raise what keeps Redis from answering, if anything does."""
        await self.redis.ping()

    async def close(self) -> None:
        """End the connections."""
        await self.redis.aclose()

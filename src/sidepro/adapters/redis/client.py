"""The connection to Redis, which may be lost and come back."""

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

Reply = TypeVar("Reply")

RESPONSE_TIMEOUT = 1.0
"""Seconds for connecting, and for the reply to a command."""

CONNECTION_ERRORS = (RedisError, OSError, RuntimeError)
"""Raised when the connection is broken. uvloop raises `RuntimeError` for a write to a transport
that was closed a moment ago.
"""

CIRCUIT_OPEN_SECONDS = 1.0
"""Seconds without commands after a failure. So during an outage one call a second waits for the
timeout, and all others fail at once.
"""


class RedisClient:
    """A connection pool with a circuit breaker."""

    def __init__(self, url: str) -> None:
        """Connects on first use."""
        self.redis: Redis = Redis.from_url(
            url,
            socket_timeout=RESPONSE_TIMEOUT,
            socket_connect_timeout=RESPONSE_TIMEOUT,
            # One retry, for a pooled connection that a restart of Redis has closed.
            retry=Retry(NoBackoff(), 1),
        )
        self._retry_at: float | None = None

    async def execute(self, command: Callable[[Redis], Awaitable[Reply]]) -> Reply:
        """The reply to a command.

        Raises:
            Unavailable: Redis does not reply, or the circuit is open.
        """
        was_down = self._retry_at is not None
        if self._retry_at is not None:
            now = time.monotonic()
            if now < self._retry_at:
                raise Unavailable
            self._retry_at = now + CIRCUIT_OPEN_SECONDS + RESPONSE_TIMEOUT
        try:
            reply = await command(self.redis)
        except CONNECTION_ERRORS as error:
            if self._retry_at is None:
                log.warning("redis_down", reason=type(error).__name__)
            self._retry_at = time.monotonic() + CIRCUIT_OPEN_SECONDS
            raise Unavailable from error
        if was_down:
            log.info("redis_restored")
        self._retry_at = None
        return reply

    @property
    def connections_in_use(self) -> int:
        """Connections of the pool that execute a command."""
        return len(getattr(self.redis.connection_pool, "_in_use_connections", ()))

    @property
    def number(self) -> int:
        """The number of the database."""
        return int(self.redis.connection_pool.connection_kwargs.get("db") or 0)

    def connection(self) -> AbstractConnection:
        """A new connection outside the pool, not connected yet."""
        pool = self.redis.connection_pool
        return pool.connection_class(
            **{**pool.connection_kwargs, "protocol": 2, "retry": Retry(NoBackoff(), 0)}
        )

    async def ping(self) -> None:
        """Check that Redis replies, even if the circuit is open.

        Raises:
            RedisError, OSError: it does not reply.
        """
        await self.redis.ping()

    async def close(self) -> None:
        """Close all connections of the pool."""
        await self.redis.aclose()

"""The connection to Redis, which may be lost, refuse commands, fail over, and come back."""

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any, TypeVar

import structlog
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from sidepro.adapters.redis.sentinel import build_pool
from sidepro.domain.errors import Unavailable, reason_of
from sidepro.domain.waiting import Waits, counted_wait, current_waits

log = structlog.get_logger(__name__)

Reply = TypeVar("Reply")

StartSpan = Callable[[Callable[..., Any]], Callable[[BaseException | None], None]]
"""Begins the span of a command. Returns what ends it, with the error of the command."""

RESPONSE_TIMEOUT = 1.0
"""Seconds for connecting, and for the reply to a command."""

CONNECTION_ERRORS = (RedisError, OSError, RuntimeError)
"""Raised when the connection is broken. uvloop raises `RuntimeError` for a write to a transport
that was closed a moment ago.
"""

LONGEST_WAIT = 4 * RESPONSE_TIMEOUT
"""Seconds that a command may take: it connects and waits for its reply, twice."""

CIRCUIT_OPEN_SECONDS = 1.0
"""Seconds without commands after a failure. So during an outage one call a second waits for the
timeout, and all others fail at once.
"""

MIN_RECONNECT_INTERVAL, MAX_RECONNECT_INTERVAL = 1.0, 30.0
"""Seconds between two replacements of all connections to a replica, doubled after each. If it
stays one, subscribers must not start over all the time.
"""

WARNING_INTERVAL = 60.0
"""Seconds between two warnings about refused commands."""


_DENIALS = ("can't run this command", "permission", "DB index is out of range")
"""Besides `NOPERM` and refused log-ins. Redis 7 reports commands that a script may not run as
other errors. The number of the database may be one that Redis does not have.
"""


class InvalidRedisUrl(Exception):
    """An option of the URL is invalid or not supported, or a certificate is unreadable."""


class UnusableRedis(Exception):
    """The program cannot work with this Redis. The text says why."""


class AccessDenied(UnusableRedis):
    """Redis refuses this user, its database, or a permission that the program needs."""


class RedisClient:
    """A connection pool with a circuit breaker.

    A refused command (no memory, a disk that cannot be written, a missing permission) fails by
    itself: others, such as publishing, may work. A replica that refuses a write was the primary
    before: all connections are replaced, since new ones may reach the new primary.
    """

    def __init__(self, url: str, prefix: str = "") -> None:
        """Connects on first use. All keys and channels start with the prefix.

        Raises:
            InvalidRedisUrl: the URL is not usable.
        """
        try:
            self._pool = build_pool(
                url,
                socket_timeout=RESPONSE_TIMEOUT,
                socket_connect_timeout=RESPONSE_TIMEOUT,
                # One retry, for a pooled connection that a restart of Redis has closed.
                retry=Retry(NoBackoff(), 1),
            )
            self.redis: Redis = Redis.from_pool(self._pool)
            self._load_certificates()
        except (ValueError, TypeError, RedisError) as error:
            raise InvalidRedisUrl(str(error)) from error
        self._prefix = prefix
        self._replacements = 0
        self._retry_at: float | None = None
        self._last_error: BaseException | None = None
        self._reconnected_at = -inf
        self._reconnect_interval = MIN_RECONNECT_INTERVAL
        self._warned_at = -inf
        self._start_span: StartSpan | None = None

    def _load_certificates(self) -> None:
        connection = self.connection()  # raises TypeError for options of TLS without it
        if isinstance(connection, SSLConnection):
            try:
                connection.ssl_context.get()
            except OSError as error:
                raise ValueError(f"certificates cannot be loaded: {error}") from error

    async def execute(self, command: Callable[[Redis], Awaitable[Reply]]) -> Reply:
        """The reply to a command.

        Raises:
            Unavailable: Redis does not reply or refuses the command, or the circuit is open.
        """
        was_down = self._retry_at is not None
        if self._retry_at is not None:
            now = time.monotonic()
            if now < self._retry_at:
                raise Unavailable from self._last_error
            self._retry_at = now + CIRCUIT_OPEN_SECONDS + RESPONSE_TIMEOUT
        try:
            waits = current_waits()
            if waits is None:
                reply = await self._execute_traced(command)
            else:
                reply = await self._execute_counted(command, waits)
        except ResponseError as error:
            self._close_circuit(was_down)
            await self._handle_refusal(error)
            raise Unavailable from error
        except CONNECTION_ERRORS as error:
            if self._retry_at is None:
                log.warning("redis_down", reason=text_of(error))
            self._last_error = error
            self._retry_at = time.monotonic() + CIRCUIT_OPEN_SECONDS
            raise Unavailable from error
        self._close_circuit(was_down)
        return reply

    def trace(self, start: StartSpan) -> None:
        """Run each command of `execute` inside a span."""
        self._start_span = start

    async def _execute_counted(
        self, command: Callable[[Redis], Awaitable[Reply]], waits: Waits
    ) -> Reply:
        """Execute a command of a request, as one of its waits."""
        with counted_wait():
            if waits.left >= LONGEST_WAIT:
                return await self._execute_traced(command)  # without a timer
            timer = asyncio.timeout(waits.limit(LONGEST_WAIT))
            try:
                async with timer:
                    return await self._execute_traced(command)
            except TimeoutError as error:
                if timer.expired():
                    raise Unavailable from error  # Redis may be well: the circuit stays closed
                raise

    async def _execute_traced(self, command: Callable[[Redis], Awaitable[Reply]]) -> Reply:
        start = self._start_span
        if start is None:
            return await command(self.redis)
        end = start(command)
        try:
            reply = await command(self.redis)
        except BaseException as error:
            end(error)
            raise
        end(None)
        return reply

    def _close_circuit(self, was_down: bool) -> None:
        if was_down:
            log.info("redis_restored")
        self._retry_at = self._last_error = None

    async def _handle_refusal(self, error: ResponseError) -> None:
        now = time.monotonic()
        if now - self._warned_at >= WARNING_INTERVAL:
            self._warned_at = now
            log.warning("redis_refuses", reason=text_of(error))
        if isinstance(error, ReadOnlyError) or "MASTERDOWN" in str(error):
            await self.replace_connections(text_of(error))

    async def replace_connections(self, reason: str) -> None:
        """Replace all connections, unless that was done a moment ago. New ones may reach a new
        primary.
        """
        now = time.monotonic()
        since = now - self._reconnected_at
        if since < self._reconnect_interval:
            return
        is_first = since > 2 * MAX_RECONNECT_INTERVAL
        self._reconnect_interval = (
            MIN_RECONNECT_INTERVAL
            if is_first
            else min(2 * self._reconnect_interval, MAX_RECONNECT_INTERVAL)
        )
        self._reconnected_at = now
        self._replacements += 1
        log.warning("redis_reconnects", reason=reason)
        await self._pool.replace()

    @property
    def failovers(self) -> int:
        """How often all connections were replaced, or Sentinel named another primary."""
        return self._replacements + getattr(self.redis.connection_pool, "failovers", 0)

    @property
    def connections_in_use(self) -> int:
        """Connections of the pool that execute a command."""
        return len(getattr(self.redis.connection_pool, "_in_use_connections", ()))

    def key(self, name: str) -> str:
        """The name of a key in Redis."""
        return self._prefix + name

    def channel(self, name: str) -> str:
        """The name of a channel, which all databases of a Redis share."""
        return self.key(f"{self.number}:{name}")

    def script(self, text: str) -> AsyncScript:
        """A script whose literal keys of presence and similarity get the prefix."""
        own = re.sub(r'"(presence|similarity):', rf'"{self._prefix}\1:', text)
        return self.redis.register_script(own)

    @property
    def number(self) -> int:
        """The number of the database."""
        return int(self.redis.connection_pool.connection_kwargs.get("db") or 0)

    def connection(self) -> AbstractConnection:
        """A new connection outside the pool, not connected yet."""
        options = {**self._pool.connection_kwargs, "protocol": 2, "retry": Retry(NoBackoff(), 0)}
        connection: AbstractConnection = self._pool.connection_class(**options)
        self._pool.outside.add(connection)
        return connection

    async def check(self) -> str | None:
        """Write, and publish an event that comes back, even if the circuit is open.

        Returns what does not work although events arrive, or `None`.

        Raises:
            RedisError, OSError, TimeoutError: Redis does not reply, or no event came back.
        """
        name = self.channel(f"health:{secrets.token_hex(8)}")
        pubsub = self.redis.pubsub(ignore_subscribe_messages=True)
        try:
            async with asyncio.timeout(2 * RESPONSE_TIMEOUT):
                await pubsub.subscribe(name)
                await self.redis.publish(name, b"1")
                while await pubsub.get_message(timeout=RESPONSE_TIMEOUT) is None:
                    pass
            try:
                await self.redis.set(self.key("health"), 1, ex=60)
            except ResponseError as error:
                return f"cannot be written: {text_of(error)}"
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py's gap
        return None

    async def ensure_access(self) -> None:
        """Check the server, the user and its permissions before the process starts.

        Raises:
            AccessDenied: Redis refuses them.
            UnusableRedis: it is a node of a Redis Cluster.
            RedisError, OSError, TimeoutError: it does not reply.
        """
        try:
            if (await self.redis.info("cluster")).get("cluster_enabled"):  # Valkey says it too
                raise UnusableRedis(
                    "Redis Cluster is not supported, because scripts use several keys: use a "
                    "single server, or Redis Sentinel"
                )
            await self.check()
            # As presence does.
            await self.redis.eval('redis.call("INFO", "server") return 1', 0)
            await self.redis.exists(self.key("health"))
        except (NoPermissionError, AuthenticationError) as error:
            raise _denied(error) from error
        except ResponseError as error:
            if any(text in str(error) for text in _DENIALS):
                raise _denied(error) from error
            raise

    async def clock(self) -> datetime:
        """The time of the server's clock.

        Raises:
            Unavailable: see `execute`.
        """
        seconds, microseconds = await self.execute(lambda redis: redis.time())
        return datetime.fromtimestamp(int(seconds), UTC) + timedelta(
            microseconds=int(microseconds)
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


def _denied(error: RedisError) -> AccessDenied:
    return AccessDenied(f"Redis refuses this program: {text_of(error)}")


async def stop(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait for their end. A task that loses a cancellation is cancelled again:
    a command may turn one that comes with its own timeout into an error.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=RESPONSE_TIMEOUT)


def text_of(error: BaseException) -> str:
    """What Redis or the network said, with the code that redis-py removes."""
    code = getattr(error, "status_code", None)
    text = reason_of(error)
    return f"{code} {text}" if isinstance(code, str) and not text.startswith(code) else text

"""Connections to the primary that Redis Sentinel names."""

import time
from contextlib import suppress
from math import inf
from typing import Any
from weakref import WeakSet

import structlog
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sidepro.settings.redis_url import SentinelUrl, parse_sentinel_url

log = structlog.get_logger(__name__)

SENTINEL_TIMEOUT = 0.3
"""Seconds for connecting to a Sentinel, and for its answer. All are asked in turn within the time
of a connection to Redis, also if the first ones are away.
"""


CHECK_INTERVAL = 1.0
"""Seconds between two questions for the primary while connections are used."""


_OPTIONS = frozenset(
    [
        *("connection_class", "host", "port", "path", "db", "username", "password"),
        *("client_name", "health_check_interval", "max_connections", "protocol"),
        *("socket_connect_timeout", "socket_keepalive", "socket_timeout"),
    ]
)
"""Options of URLs, besides those of TLS. Others would change what replies look like, or whether
commands are repeated.
"""


class ReplaceablePool(ConnectionPool):
    """A pool whose connections are replaced while commands are under way.

    redis-py takes a connection away from its command, and leaves an idle one half closed for a
    moment, in which the next command takes it. Both commands fail with `AttributeError`.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.outside: WeakSet[AbstractConnection] = WeakSet()
        """Connections that are not in the pool, such as those of subscribers."""

    async def replace(self) -> None:
        """Close each connection: those in use after their command, the others at once."""
        await self.update_active_connections_for_reconnect()  # type: ignore[no-untyped-call]  # redis-py's gap
        await self.disconnect(inuse_connections=False)
        for connection in tuple(self.outside):
            await connection.disconnect(nowait=True)

    async def disconnect(self, inuse_connections: bool = True) -> None:
        if inuse_connections:
            await super().disconnect()
            return
        for connection in tuple(self._available_connections):
            await connection.disconnect(nowait=True)  # no other task runs meanwhile


class SentinelPool(ReplaceablePool, SentinelConnectionPool):
    """Asks the Sentinels for the primary before each connection, and each second.

    A primary that is replaced may serve on for ten seconds, and what it is told then is lost.
    """

    def __init__(self, url: SentinelUrl, **options: Any) -> None:
        """`options` are those of connections to the primary.

        Raises:
            ValueError: an option of the URL is invalid.
        """
        server: dict[str, Any] = {**parse_options(url.server_url), **options}
        for unused in ("host", "port", "connection_class"):
            server.pop(unused, None)
        tls = {"ssl": True} if url.uses_tls else {}
        certificates = {name: server[name] for name in server if name.startswith("ssl_")}
        sentinel = Sentinel(  # type: ignore[no-untyped-call]  # redis-py's gap
            url.sentinels,
            sentinel_kwargs={
                "username": url.username,
                "password": url.password,
                "socket_timeout": SENTINEL_TIMEOUT,
                "socket_connect_timeout": SENTINEL_TIMEOUT,
                "retry": Retry(NoBackoff(), 0),
                **tls,
                **(certificates if url.uses_tls else {}),
            },
        )
        super().__init__(url.service, sentinel, **server, **tls)
        self.failovers = 0
        """How often another server became the primary."""
        self._sentinels = url.sentinels
        self._checked_at = -inf

    async def get_connection(self, *arguments: Any, **options: Any) -> Any:
        now = time.monotonic()
        if now - self._checked_at > CHECK_INTERVAL:
            self._checked_at = now
            # Without a Sentinel that answers, the last primary is good.
            with suppress(RedisError, OSError, RuntimeError):
                await self.get_master_address()
        return await super().get_connection(*arguments, **options)  # type: ignore[no-untyped-call]  # as above

    async def get_master_address(self) -> Any:
        before = self.master_address
        try:
            address = await super().get_master_address()  # type: ignore[no-untyped-call]  # as above
        except MasterNotFoundError as error:  # its text has all options of the connections
            names = ", ".join(f"{host}:{port}" for host, port in self._sentinels)
            raise MasterNotFoundError(
                f"no Sentinel ({names}) names a primary of {self.service_name}"
            ) from error
        if before is not None and address != before:
            self.failovers += 1
            await self.replace()
            log.warning("redis_failover", primary=f"{address[0]}:{address[1]}")
        return address

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        if inuse_connections:
            await self.sentinel_manager.aclose()  # opens connections again when it is asked


def parse_options(url: str) -> dict[str, Any]:
    """The options of a server's URL.

    Raises:
        ValueError: one of them is invalid or not supported.
    """
    options: dict[str, Any] = dict(parse_url(url))
    for name, value in options.items():
        if name not in _OPTIONS and not name.startswith("ssl_"):
            raise ValueError(f"{name} is not supported")
        if name.endswith("_timeout") and not value > 0:
            raise ValueError(f"{name} must be positive")
    if options.get("protocol", 2) not in (2, 3):
        raise ValueError("protocol must be 2 or 3")
    return options


def build_pool(url: str, **options: Any) -> ReplaceablePool:
    """A pool of connections to a server, or to the primary of a service of Sentinels.

    Raises:
        ValueError: an option of the URL is invalid.
    """
    sentinel_url = parse_sentinel_url(url)
    if sentinel_url:
        return SentinelPool(sentinel_url, **options)
    parse_options(url)
    return ReplaceablePool.from_url(url, **options)

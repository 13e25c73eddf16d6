"""Adapters of several processes: the same one in memory, or one for each client of Redis."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import pytest

from sidepro.adapters.redis.client import RedisClient
from tests.servers import RedisServer

Adapter = TypeVar("Adapter")

MEMORY_AND_REDIS = ["memory", pytest.param("redis", marks=pytest.mark.servers)]
"""The parameters of a fixture that calls `adapter_of_another_process`."""


@asynccontextmanager
async def adapter_of_another_process(
    request: pytest.FixtureRequest,
    in_memory: Adapter,
    over_redis: Callable[[RedisClient], Adapter],
) -> AsyncIterator[Callable[[], Adapter]]:
    """Yields a function that returns the adapter of another process. The store is empty."""
    if request.param == "memory":
        yield lambda: in_memory
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    with server.client() as client:
        client.flushall()
    async with AsyncExitStack() as stack:
        yield lambda: over_redis(redis_client(server.url, stack))


def redis_client(url: str, stack: AsyncExitStack) -> RedisClient:
    """A client that is closed with the stack."""
    redis = RedisClient(url)
    stack.push_async_callback(redis.close)
    return redis

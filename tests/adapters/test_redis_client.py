"""The Redis connection, broken at the worst moment."""

import asyncio
from typing import Any

import pytest
import uvloop

from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.pubsub import RedisPubSub
from sidepro.domain.channels import Channel
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import RoomId
from tests import factories
from tests.clients import eventually
from tests.servers import RedisServer

pytestmark = pytest.mark.servers


def break_off(connection: Any) -> None:
    """Close the transport as the kernel does: only the next write notices."""
    connection._writer.transport.abort()


def test_a_command_on_a_just_broken_connection_is_unavailable(
    redis_server: RedisServer,
) -> None:
    async def ask() -> None:
        redis = RedisClient(redis_server.url)

        async def on_a_broken_one(_: object) -> object:
            pool: Any = redis.redis.connection_pool
            connection = await pool.get_connection()
            break_off(connection)
            return await connection.send_command("PING")

        with pytest.raises(Unavailable):
            await redis.execute(on_a_broken_one)
        await redis.close()

    uvloop.run(ask())


def test_subscribing_on_a_just_broken_connection_does_not_raise(
    redis_server: RedisServer,
) -> None:
    async def listen() -> None:
        redis = RedisClient(redis_server.url)
        pubsub = RedisPubSub(redis)
        first, second = (Channel.room(RoomId(factories.new_id())) for _ in range(2))
        await pubsub.subscribe(first, lambda _: None)
        await eventually(lambda: pubsub._connection is not None)
        break_off(pubsub._connection)
        async with asyncio.timeout(5):
            await pubsub.subscribe(second, lambda _: None)
        await pubsub.close()
        await redis.close()

    uvloop.run(listen())

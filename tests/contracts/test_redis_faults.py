"""A Redis that replies and does not do its work: refuses writes, becomes a replica, denies."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from sidepro.adapters.redis.client import AccessDenied, RedisClient
from sidepro.adapters.redis.presence import RedisPresence
from sidepro.adapters.redis.pubsub import RedisPubSub
from sidepro.adapters.redis.sentinel import ReplaceablePool
from sidepro.domain.channels import ResyncRequired
from sidepro.domain.errors import Unavailable
from sidepro.domain.rooms.events import ReadPositionChanged
from tests.browser.relay import Relay
from tests.clients import eventually
from tests.contracts.builders import nobody
from tests.contracts.pubsub_data import RECOVERY_SECONDS, Recorder, new_channel, two_processes
from tests.servers import HOST, RedisServer
from tests.servers.watched_server import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.anyio, pytest.mark.servers]

USER = nobody()


def refuse_for_memory(server: RedisServer) -> None:
    with server.client() as client:
        client.config_set("maxmemory", 1)


def refuse_for_the_disk(server: RedisServer) -> None:
    """Snapshots fail: their name is that of a folder."""
    (server.folder / "dump.rdb").mkdir()
    with server.client() as client:
        client.bgsave()


async def until_refused(redis: RedisClient) -> str:
    """The reason that a write is refused."""
    reasons: list[str] = []

    async def is_refused() -> bool:
        try:
            await redis.execute(lambda client: client.set("x", 1))
        except Unavailable as error:
            reasons.append(error.reason)
        return bool(reasons)

    await eventually(is_refused)
    return reasons[0]


@pytest.fixture
def stoppable_redis(own_redis: RedisServer) -> Iterator[RedisServer]:
    """A Redis server that may save again at the end: it does not stop before it has saved."""
    yield own_redis
    with suppress(FileNotFoundError):
        (own_redis.folder / "dump.rdb").rmdir()


@pytest.mark.parametrize("refuse", [refuse_for_memory, refuse_for_the_disk])
async def test_publishing_goes_on_while_redis_refuses_writes(
    stoppable_redis: RedisServer, refuse: Callable[[RedisServer], None]
) -> None:
    redis = RedisClient(stoppable_redis.url)
    async with asyncio.timeout(60), two_processes(stoppable_redis) as processes:
        channel, listener = new_channel(), Recorder()
        await processes.there.subscribe(channel, listener)
        refuse(stoppable_redis)
        assert "memory" in (reason := await until_refused(redis)) or "RDB" in reason
        pubsub = RedisPubSub(redis)
        presence = RedisPresence(redis, pubsub, lease_ttl=0.5)
        with capture_logs() as logs:
            # Its renewals are refused every tenth of a second.
            await presence.connect(channel, USER, "1")
            for seq in range(1, 30):  # longer than the time without data before a ping
                await pubsub.publish(ReadPositionChanged(channel, USER, seq))
                await asyncio.sleep(0.2)
            expected = [ReadPositionChanged(channel, USER, seq) for seq in range(1, 30)]
            await eventually(lambda: all(event in listener.received for event in expected))
        assert await redis.check() is not None
        assert ResyncRequired(channel) not in listener.received
        assert {line["event"] for line in logs} <= {"redis_refuses"}
        await presence.close()
        await pubsub.close()
    await redis.close()


@pytest.mark.parametrize("refuses", [True, False], ids=["a replica", "a primary still"])
async def test_a_failover_that_cuts_no_connection_is_noticed(
    own_redis: RedisServer, refuses: bool
) -> None:
    """A proxy, or the name of the primary, leads to another server for new connections."""
    with RedisServer.start() as successor:
        relay = Relay(free_port(), own_redis.port)
        await relay.restore()
        redis = RedisClient(relay.url.replace("http", "redis"))
        new = RedisClient(successor.url)
        here, there = RedisPubSub(redis), RedisPubSub(new)
        presence = RedisPresence(redis, here)
        channel, listeners = new_channel(), (Recorder(), Recorder())
        try:
            await here.subscribe(channel, listeners[0])
            await presence.connect(channel, USER, "1")
            await there.subscribe(channel, listeners[1])

            relay._server_port = successor.port
            if refuses:
                with own_redis.client() as client:
                    client.replicaof(HOST, str(successor.port))
            else:  # some connections lead to the successor, and no command is refused
                await redis.redis.connection_pool.disconnect(inuse_connections=False)

            async def hear_each_other() -> bool:
                await here.publish(ReadPositionChanged(channel, USER, 1))
                await there.publish(ReadPositionChanged(channel, USER, 2))
                return all(
                    ReadPositionChanged(channel, USER, seq) in listener.received
                    for listener in listeners
                    for seq in (1, 2)
                )

            began = asyncio.get_running_loop().time()
            await eventually(hear_each_other, RECOVERY_SECONDS)
            print(f"noticed in {asyncio.get_running_loop().time() - began:.1f} s")
            assert ResyncRequired(channel) in listeners[0].received
        finally:
            await presence.close()
            for pubsub in (here, there):
                await pubsub.close()
            for one in (redis, new):
                await one.close()
            await relay.cut()


async def test_a_command_succeeds_while_its_connection_is_replaced(
    own_redis: RedisServer,
) -> None:
    """At each turn of the event loop while it connects, sends, and waits for the reply."""
    for ticks in range(60):
        redis = RedisClient(own_redis.url)
        pool = redis.redis.connection_pool
        assert isinstance(pool, ReplaceablePool)
        command = asyncio.create_task(redis.execute(lambda client: client.incr("x")))
        for _ in range(ticks):
            await asyncio.sleep(0)
        await pool.replace()
        assert await command == ticks + 1, "and takes effect once"
        await redis.close()


@pytest.fixture
def acl_user(own_redis: RedisServer) -> Callable[[str], str]:
    """Makes a user with these permissions, and returns the URL."""

    def make(rules: str) -> str:
        with own_redis.client() as client:
            client.execute_command("ACL", "SETUSER", "app", "reset", "on", ">pw", *rules.split())
        return own_redis.url.replace("redis://", "redis://app:pw@")

    return make


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ("~* &* +@all -info", "can't run this command|'info' command"),  # Redis, Valkey
        ("~* +@all resetchannels", "channel"),
        ("~none &* +@all", "key"),
        ("~* &* +@all -@scripting", "'eval' command"),
    ],
)
async def test_a_missing_permission_is_told(
    acl_user: Callable[[str], str], rules: str, reason: str
) -> None:
    redis = RedisClient(acl_user(rules))
    with pytest.raises(AccessDenied, match=reason):
        await redis.ensure_access()
    await redis.close()


async def test_a_wrong_password_is_told(acl_user: Callable[[str], str]) -> None:
    redis = RedisClient(acl_user("~* &* +@all").replace(":pw@", ":other@"))
    with pytest.raises(AccessDenied) as raised:
        await redis.ensure_access()
    assert "other" not in str(raised.value)
    await redis.close()


async def test_a_user_with_the_documented_permissions_has_access(
    acl_user: Callable[[str], str],
) -> None:
    redis = RedisClient(acl_user("~* &* +@all -@dangerous +info"))
    await redis.ensure_access()
    await redis.close()

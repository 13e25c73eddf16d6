"""`Presence`: the users connected to a channel."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio import Redis

from sidepro.adapters.in_process.presence import InProcessPresence
from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.presence import RedisPresence
from sidepro.domain.channels import Channel, Event, Presence, StatusChanged
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import UserId
from tests.clients import eventually
from tests.contracts.builders import no_room, nobody
from tests.servers import RedisServer

pytestmark = pytest.mark.anyio

LEASE = 0.6
"""Seconds; short, because tests wait for its expiry."""


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.servers)])
async def presence(request: pytest.FixtureRequest) -> AsyncIterator[Presence]:
    if request.param == "memory":
        yield InProcessPresence()
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with a_process(server) as process:
        yield process.presence


class InterruptibleClient(RedisClient):
    """Can be cut off from Redis, as a suspended or crashed process is."""

    is_down = False

    async def execute(self, command: Callable[[Redis], Awaitable[Any]]) -> Any:
        if self.is_down:
            raise Unavailable
        return await super().execute(command)


@dataclass
class Process:
    """The presence of one process, and the events that it published."""

    redis: InterruptibleClient
    presence: RedisPresence
    pubsub: "RecordingPubSub"


@dataclass(eq=False)
class RecordingPubSub(InProcessPubSub):
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def publish(self, event: Event) -> None:
        self.events.append(event)


@asynccontextmanager
async def a_process(server: RedisServer, lease: float = 10) -> AsyncIterator[Process]:
    redis, pubsub = InterruptibleClient(server.url), RecordingPubSub()
    presence = RedisPresence(redis, pubsub, lease)
    try:
        yield Process(redis, presence, pubsub)
    finally:
        await presence.close()
        await redis.close()


def new_channel() -> Channel:
    return Channel.room(no_room())


async def online(presence: Presence, channel: Channel) -> tuple[UserId, ...]:
    return (await presence.online([channel])).get(channel, ())


async def test_connect_returns_whether_it_is_the_first_connection(presence: Presence) -> None:
    channel, user = new_channel(), nobody()
    assert await presence.connect(channel, user, "a")
    assert not await presence.connect(channel, user, "b")
    assert await presence.connect(channel, nobody(), "c")
    assert await presence.connect(new_channel(), user, "d")


async def test_connecting_twice_with_one_name_is_one_connection(presence: Presence) -> None:
    channel, user = new_channel(), nobody()
    assert await presence.connect(channel, user, "a")
    assert not await presence.connect(channel, user, "a")
    assert await presence.disconnect(channel, user, "a")
    assert await online(presence, channel) == ()


async def test_disconnect_returns_whether_it_was_the_last_connection(presence: Presence) -> None:
    channel, user, other = new_channel(), nobody(), nobody()
    for connection in ("a", "b"):
        await presence.connect(channel, user, connection)
    await presence.connect(channel, other, "c")
    assert not await presence.disconnect(channel, user, "a")
    assert await online(presence, channel) == tuple(sorted([user, other]))
    assert await presence.disconnect(channel, user, "b")
    assert await online(presence, channel) == (other,)
    assert await presence.disconnect(channel, other, "c")
    assert await online(presence, channel) == ()


async def test_disconnect_is_safe_to_repeat(presence: Presence) -> None:
    channel, user = new_channel(), nobody()
    assert not await presence.disconnect(channel, user, "a")
    await presence.connect(channel, user, "a")
    await presence.connect(channel, user, "b")
    assert not await presence.disconnect(channel, user, "a")
    assert not await presence.disconnect(channel, user, "a")
    assert await online(presence, channel) == (user,)
    assert await presence.disconnect(channel, user, "b")
    assert not await presence.disconnect(channel, user, "b")
    assert await online(presence, channel) == ()


async def test_disconnect_needs_the_own_connection(presence: Presence) -> None:
    channel, user, other = new_channel(), nobody(), nobody()
    await presence.connect(channel, user, "a")
    await presence.connect(channel, other, "b")
    assert not await presence.disconnect(channel, user, "b")
    assert not await presence.disconnect(new_channel(), user, "a")
    assert await online(presence, channel) == tuple(sorted([user, other]))


async def test_a_user_may_connect_again(presence: Presence) -> None:
    channel, user = new_channel(), nobody()
    for _ in range(3):
        assert await presence.connect(channel, user, "a")
        assert await presence.disconnect(channel, user, "a")


async def test_online_is_ordered_by_id_and_omits_empty_channels(presence: Presence) -> None:
    channels = [new_channel() for _ in range(4)]
    users = [nobody() for _ in range(6)]
    for number, user in enumerate(users):
        await presence.connect(channels[0], user, f"{number}")
    await presence.connect(channels[1], users[0], "again")
    await presence.connect(channels[2], users[0], "shortly")
    await presence.disconnect(channels[2], users[0], "shortly")
    assert await presence.online([channels[3], channels[2], channels[0]]) == {
        channels[0]: tuple(sorted(users))
    }
    assert await presence.online(channels) == {
        channels[0]: tuple(sorted(users)),
        channels[1]: (users[0],),
    }
    assert await presence.online([]) == {}


async def test_channels_of_any_kind_have_presence_and_kinds_do_not_share_ids(
    presence: Presence,
) -> None:
    user, room = nobody(), new_channel()
    same_id = Channel("user", room.id)
    assert await presence.connect(room, user, "a")
    assert await presence.connect(same_id, user, "b")
    assert await presence.online([room, same_id]) == {room: (user,), same_id: (user,)}
    assert await presence.disconnect(same_id, user, "b")
    assert await presence.online([room, same_id]) == {room: (user,)}


async def test_reading_presence_does_not_change_it(presence: Presence) -> None:
    channel, user = new_channel(), nobody()
    assert await presence.online([channel]) == {}
    assert await presence.connect(channel, user, "a")


async def test_of_concurrent_connections_one_is_first_and_one_is_last(
    presence: Presence,
) -> None:
    channel, user = new_channel(), nobody()
    connections = [f"{number}" for number in range(40)]
    entered = await asyncio.gather(*(presence.connect(channel, user, c) for c in connections))
    assert entered.count(True) == 1
    left = await asyncio.gather(*(presence.disconnect(channel, user, c) for c in connections))
    assert left.count(True) == 1
    assert await online(presence, channel) == ()


# --------------------------------------------------------------------------------- Redis alone


@pytest.fixture
async def processes(redis_server: RedisServer) -> AsyncIterator[list[Process]]:
    """Two, with short leases."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(a_process(redis_server, LEASE)) for _ in range(2)]


def was_published(process: Process, channel: Channel) -> bool:
    return StatusChanged(channel) in process.pubsub.events


async def shows(process: Process, channel: Channel, *users: UserId) -> None:
    """Wait until the process reports exactly these users as online."""

    async def does() -> bool:
        return await online(process.presence, channel) == tuple(sorted(users))

    await eventually(does)


async def test_connections_are_counted_across_processes(processes: list[Process]) -> None:
    here, there = (process.presence for process in processes)
    channel, user, other = new_channel(), nobody(), nobody()
    assert await here.connect(channel, user, "a")
    assert not await there.connect(channel, user, "b")
    assert await there.connect(channel, other, "c")
    assert not await there.disconnect(channel, user, "a"), "it is a socket of another process"
    for process in (here, there):
        assert await online(process, channel) == tuple(sorted([user, other]))
    assert not await here.disconnect(channel, user, "a")
    assert await online(here, channel) == tuple(sorted([user, other]))
    assert await there.disconnect(channel, user, "b")
    assert await online(here, channel) == (other,)


async def test_a_connection_outlives_many_leases(processes: list[Process]) -> None:
    here, there = processes
    channel, user = new_channel(), nobody()
    await here.presence.connect(channel, user, "a")
    await asyncio.sleep(3 * LEASE)  # longer than several leases
    assert await online(there.presence, channel) == (user,)
    assert not was_published(there, channel)


async def test_connections_of_a_crashed_process_are_removed_and_published(
    processes: list[Process], redis_server: RedisServer
) -> None:
    crashed, alive = processes
    channel, elsewhere, of_user = new_channel(), new_channel(), Channel("user", nobody())
    leaving, staying = nobody(), nobody()
    await crashed.presence.connect(channel, leaving, "a")
    await crashed.presence.connect(elsewhere, leaving, "b")
    await crashed.presence.connect(of_user, leaving, "d")
    await alive.presence.connect(channel, staying, "c")
    crashed.redis.is_down = True
    await shows(alive, channel, staying)
    assert await online(alive.presence, elsewhere) == ()
    await eventually(
        lambda: all(was_published(alive, each) for each in (channel, elsewhere, of_user))
    )

    def is_clean() -> bool:
        with redis_server.client() as client:
            return (
                client.scard(f"presence:{channel}") == 1
                and not client.exists(f"presence:{elsewhere}", f"presence:{of_user}")
                and client.zcard("presence:leases") == 1
                and len(client.keys("presence:of:*")) == 1
            )

    await eventually(is_clean)


async def test_the_redis_entries_of_rooms_keep_their_format(
    processes: list[Process], redis_server: RedisServer
) -> None:
    """Processes of two versions share them during a rolling restart."""
    here, _ = processes
    room, user = no_room(), nobody()
    await here.presence.connect(Channel.room(room), user, "a")
    token = here.presence._token
    member = f"{user} {token} a".encode()
    with redis_server.client() as client:
        assert client.smembers(f"presence:room:{room}") == {member}
        assert client.smembers(f"presence:of:{token}") == {f"{room} ".encode() + member}


async def test_a_process_with_an_expired_lease_registers_again(
    processes: list[Process],
) -> None:
    interrupted, other = processes
    channel, user, left, joined = new_channel(), nobody(), nobody(), nobody()
    await interrupted.presence.connect(channel, user, "a")
    await interrupted.presence.connect(channel, left, "b")
    await other.presence.connect(new_channel(), nobody(), "d")
    interrupted.redis.is_down = True
    # During the outage it reports its own connections.
    assert await interrupted.presence.disconnect(channel, left, "b")
    assert await interrupted.presence.connect(channel, joined, "c")
    assert not await interrupted.presence.connect(channel, joined, "e")
    assert await online(interrupted.presence, channel) == tuple(sorted([user, joined]))
    await shows(other, channel)

    interrupted.pubsub.events.clear()
    interrupted.redis.is_down = False
    await shows(other, channel, user, joined)
    await eventually(lambda: was_published(interrupted, channel))
    assert await interrupted.presence.disconnect(channel, user, "a")
    assert await online(other.presence, channel) == (joined,)


async def test_close_removes_all_entries(
    processes: list[Process], redis_server: RedisServer
) -> None:
    closing, other = processes
    channel = new_channel()
    with redis_server.client() as client:
        before = client.keys("presence:*")
    await closing.presence.connect(channel, nobody(), "a")
    await closing.presence.close()
    assert await online(other.presence, channel) == ()
    assert was_published(closing, channel)
    with redis_server.client() as client:
        assert set(client.keys("presence:*")) <= set(before)


async def test_presence_recovers_when_redis_restarts_with_older_data(
    own_redis: RedisServer,
) -> None:
    async with a_process(own_redis) as here, a_process(own_redis) as there:
        channel, other_channel, user, left, joined = (
            new_channel(),
            new_channel(),
            *(nobody() for _ in "abc"),
        )
        await here.presence.connect(channel, user, "a")
        await here.presence.connect(channel, left, "b")
        await there.presence.connect(other_channel, user, "c")
        with own_redis.client() as client:
            client.save()
            client.config_set("save", "")  # later changes are lost when it stops
        assert await here.presence.disconnect(channel, left, "b")
        assert await here.presence.connect(channel, joined, "d")
        own_redis.stop()
        assert await online(here.presence, channel) == tuple(sorted([user, joined]))
        assert await there.presence.disconnect(other_channel, user, "c")
        own_redis.resume()
        # Before the restored leases of ten seconds would expire.
        async with asyncio.timeout(5):
            await shows(there, channel, user, joined)
            await shows(here, other_channel)


async def test_many_channels_are_read_in_one_round_trip(redis_server: RedisServer) -> None:
    async with a_process(redis_server) as process:
        channels = [new_channel() for _ in range(20)]
        for channel in channels:
            await process.presence.connect(channel, nobody(), "a")
        calls = 0
        execute = process.redis.execute

        async def counted(command: Callable[[Redis], Awaitable[Any]]) -> Any:
            nonlocal calls
            calls += 1
            return await execute(command)

        await process.presence.online(channels)  # loads the script into Redis
        process.redis.execute = counted  # type: ignore[method-assign]  # to count
        assert len(await process.presence.online(channels)) == 20
        assert calls == 1

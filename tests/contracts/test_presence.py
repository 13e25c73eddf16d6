"""`Presence`: who has which room open."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio import Redis

from sidepro.adapters.in_process.presence import InProcessPresence
from sidepro.adapters.in_process.pubsub import InProcessRoomEvents
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.presence import RedisPresence
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.events import RoomEvent, StatusChanged
from sidepro.domain.rooms.ports import Presence
from tests.clients import until
from tests.contracts.builders import no_room, nobody
from tests.servers import RedisServer

pytestmark = pytest.mark.anyio

LEASE = 0.6
"""Seconds, short for the tests that wait for its end."""


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.servers)])
async def presence(request: pytest.FixtureRequest) -> AsyncIterator[Presence]:
    if request.param == "memory":
        yield InProcessPresence()
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with a_process(server) as process:
        yield process.presence


class CutLink(RedisClient):
    """A link that can be cut: the process goes on and reaches nobody, or is as good as dead."""

    is_cut = False

    async def execute(self, question: Callable[[Redis], Awaitable[Any]]) -> Any:
        if self.is_cut:
            raise Unavailable
        return await super().execute(question)


@dataclass
class Process:
    """The presence of a process, and what it had the chat feed tell."""

    link: CutLink
    presence: RedisPresence
    told: "ToldFeed"


@dataclass(eq=False)
class ToldFeed(InProcessRoomEvents):
    events: list[RoomEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def publish(self, event: RoomEvent) -> None:
        self.events.append(event)


@asynccontextmanager
async def a_process(server: RedisServer, lease: float = 10) -> AsyncIterator[Process]:
    link, feed = CutLink(server.url), ToldFeed()
    presence = RedisPresence(link, feed, lease)
    try:
        yield Process(link, presence, feed)
    finally:
        await presence.close()
        await link.close()


async def online(presence: Presence, room_id: RoomId) -> tuple[UserId, ...]:
    return (await presence.online([room_id])).get(room_id, ())


async def test_enter_says_whether_the_person_was_not_there_before(presence: Presence) -> None:
    room, user = no_room(), nobody()
    assert await presence.connect(room, user, "a")
    assert not await presence.connect(room, user, "b")
    assert await presence.connect(room, nobody(), "c")
    assert await presence.connect(no_room(), user, "d")


async def test_entering_again_with_the_same_socket_is_nothing_new(presence: Presence) -> None:
    room, user = no_room(), nobody()
    assert await presence.connect(room, user, "a")
    assert not await presence.connect(room, user, "a")
    assert await presence.disconnect(room, user, "a")
    assert await online(presence, room) == ()


async def test_leave_says_whether_it_was_the_persons_last_socket(presence: Presence) -> None:
    room, user, other = no_room(), nobody(), nobody()
    for connection in ("a", "b"):
        await presence.connect(room, user, connection)
    await presence.connect(room, other, "c")
    assert not await presence.disconnect(room, user, "a")
    assert await online(presence, room) == tuple(sorted([user, other]))
    assert await presence.disconnect(room, user, "b")
    assert await online(presence, room) == (other,)
    assert await presence.disconnect(room, other, "c")
    assert await online(presence, room) == ()


async def test_leaving_is_safe_to_repeat(presence: Presence) -> None:
    room, user = no_room(), nobody()
    assert not await presence.disconnect(room, user, "a")
    await presence.connect(room, user, "a")
    await presence.connect(room, user, "b")
    assert not await presence.disconnect(room, user, "a")
    assert not await presence.disconnect(room, user, "a")
    assert await online(presence, room) == (user,)
    assert await presence.disconnect(room, user, "b")
    assert not await presence.disconnect(room, user, "b")
    assert await online(presence, room) == ()


async def test_nobody_leaves_with_somebody_elses_socket(presence: Presence) -> None:
    room, user, other = no_room(), nobody(), nobody()
    await presence.connect(room, user, "a")
    await presence.connect(room, other, "b")
    assert not await presence.disconnect(room, user, "b")
    assert not await presence.disconnect(no_room(), user, "a")
    assert await online(presence, room) == tuple(sorted([user, other]))


async def test_who_left_may_come_again(presence: Presence) -> None:
    room, user = no_room(), nobody()
    for _ in range(3):
        assert await presence.connect(room, user, "a")
        assert await presence.disconnect(room, user, "a")


async def test_online_is_ordered_by_id_and_leaves_empty_rooms_out(presence: Presence) -> None:
    rooms = [no_room() for _ in range(4)]
    users = [nobody() for _ in range(6)]
    for number, user in enumerate(users):
        await presence.connect(rooms[0], user, f"{number}")
    await presence.connect(rooms[1], users[0], "again")
    await presence.connect(rooms[2], users[0], "shortly")
    await presence.disconnect(rooms[2], users[0], "shortly")
    assert await presence.online([rooms[3], rooms[2], rooms[0]]) == {
        rooms[0]: tuple(sorted(users))
    }
    assert await presence.online(rooms) == {
        rooms[0]: tuple(sorted(users)),
        rooms[1]: (users[0],),
    }
    assert await presence.online([]) == {}


async def test_looking_brings_nobody_in(presence: Presence) -> None:
    room, user = no_room(), nobody()
    assert await presence.online([room]) == {}
    assert await presence.connect(room, user, "a")


async def test_of_many_sockets_at_once_one_is_the_first_and_one_the_last(
    presence: Presence,
) -> None:
    room, user = no_room(), nobody()
    connections = [f"{number}" for number in range(40)]
    entered = await asyncio.gather(*(presence.connect(room, user, c) for c in connections))
    assert entered.count(True) == 1
    left = await asyncio.gather(*(presence.disconnect(room, user, c) for c in connections))
    assert left.count(True) == 1
    assert await online(presence, room) == ()


# --------------------------------------------------------------------------------- Redis alone


@pytest.fixture
async def processes(redis_server: RedisServer) -> AsyncIterator[list[Process]]:
    """Two, with short leases."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(a_process(redis_server, LEASE)) for _ in range(2)]


def told(process: Process, room: RoomId) -> bool:
    return StatusChanged(room) in process.told.events


async def shows(process: Process, room: RoomId, *users: UserId) -> None:
    """Waits until the process shows these people in the room."""

    async def does() -> bool:
        return await online(process.presence, room) == tuple(sorted(users))

    await until(does)


async def test_all_processes_count_a_persons_sockets_together(processes: list[Process]) -> None:
    here, there = (process.presence for process in processes)
    room, user, other = no_room(), nobody(), nobody()
    assert await here.connect(room, user, "a")
    assert not await there.connect(room, user, "b")
    assert await there.connect(room, other, "c")
    assert not await there.disconnect(room, user, "a"), "it is a socket of another process"
    for process in (here, there):
        assert await online(process, room) == tuple(sorted([user, other]))
    assert not await here.disconnect(room, user, "a")
    assert await online(here, room) == tuple(sorted([user, other]))
    assert await there.disconnect(room, user, "b")
    assert await online(here, room) == (other,)


async def test_who_stays_is_still_there_after_many_leases(processes: list[Process]) -> None:
    here, there = processes
    room, user = no_room(), nobody()
    await here.presence.connect(room, user, "a")
    await asyncio.sleep(3 * LEASE)  # nothing is to happen meanwhile
    assert await online(there.presence, room) == (user,)
    assert not told(there, room)


async def test_a_crashed_process_takes_its_people_with_it_and_the_rooms_hear(
    processes: list[Process], redis_server: RedisServer
) -> None:
    crashed, alive = processes
    room, elsewhere, gone, stays = no_room(), no_room(), nobody(), nobody()
    await crashed.presence.connect(room, gone, "a")
    await crashed.presence.connect(elsewhere, gone, "b")
    await alive.presence.connect(room, stays, "c")
    crashed.link.is_cut = True
    await shows(alive, room, stays)
    assert await online(alive.presence, elsewhere) == ()
    await until(lambda: told(alive, room) and told(alive, elsewhere))

    def is_clean() -> bool:
        with redis_server.client() as client:
            return (
                client.scard(f"presence:room:{room}") == 1
                and not client.exists(f"presence:room:{elsewhere}")
                and client.zcard("presence:leases") == 1
                and len(client.keys("presence:of:*")) == 1
            )

    await until(is_clean)


async def test_a_process_that_was_given_up_comes_back_with_its_people(
    processes: list[Process],
) -> None:
    cut, other = processes
    room, user, left, came = no_room(), nobody(), nobody(), nobody()
    await cut.presence.connect(room, user, "a")
    await cut.presence.connect(room, left, "b")
    await other.presence.connect(no_room(), nobody(), "d")
    cut.link.is_cut = True
    # it shows what it sees itself
    assert await cut.presence.disconnect(room, left, "b")
    assert await cut.presence.connect(room, came, "c")
    assert not await cut.presence.connect(room, came, "e")
    assert await online(cut.presence, room) == tuple(sorted([user, came]))
    await shows(other, room)

    cut.told.events.clear()
    cut.link.is_cut = False
    await shows(other, room, user, came)
    await until(lambda: told(cut, room))
    assert await cut.presence.disconnect(room, user, "a")
    assert await online(other.presence, room) == (came,)


async def test_a_process_that_closes_leaves_nothing_behind(
    processes: list[Process], redis_server: RedisServer
) -> None:
    closing, other = processes
    room = no_room()
    with redis_server.client() as client:
        before = client.keys("presence:*")
    await closing.presence.connect(room, nobody(), "a")
    await closing.presence.close()
    assert await online(other.presence, room) == ()
    assert told(closing, room)
    with redis_server.client() as client:
        assert set(client.keys("presence:*")) <= set(before)


async def test_presence_heals_when_redis_comes_back_with_older_data(
    own_redis: RedisServer,
) -> None:
    async with a_process(own_redis) as here, a_process(own_redis) as there:
        room, other_room, user, left, came = no_room(), no_room(), *(nobody() for _ in "abc")
        await here.presence.connect(room, user, "a")
        await here.presence.connect(room, left, "b")
        await there.presence.connect(other_room, user, "c")
        with own_redis.client() as client:
            client.save()
            client.config_set("save", "")  # what comes after is lost when it stops
        assert await here.presence.disconnect(room, left, "b")
        assert await here.presence.connect(room, came, "d")
        own_redis.stop()
        assert await online(here.presence, room) == tuple(sorted([user, came]))
        assert await there.presence.disconnect(other_room, user, "c")
        own_redis.resume()
        # sooner than the leases of ten seconds that came back with it would end
        async with asyncio.timeout(5):
            await shows(there, room, user, came)
            await shows(here, other_room)


async def test_many_rooms_are_looked_up_in_one_round_trip(redis_server: RedisServer) -> None:
    async with a_process(redis_server) as process:
        rooms = [no_room() for _ in range(20)]
        for room in rooms:
            await process.presence.connect(room, nobody(), "a")
        asked = 0
        ask = process.link.execute

        async def counted(question: Callable[[Redis], Awaitable[Any]]) -> Any:
            nonlocal asked
            asked += 1
            return await ask(question)

        await process.presence.online(rooms)  # Redis may have to learn the script
        process.link.execute = counted  # type: ignore[method-assign]  # to count
        assert len(await process.presence.online(rooms)) == 20
        assert asked == 1

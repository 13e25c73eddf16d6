"""`Presence`: who has which room open."""

import asyncio

import pytest

from sidepro.adapters.memory.chat import MemoryPresence
from sidepro.domain.rooms.ports import Presence
from sidepro.domain.shared import RoomId, UserId
from tests.contracts.builders import no_room, nobody

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory"])
def presence(request: pytest.FixtureRequest) -> Presence:
    return MemoryPresence()


async def online(presence: Presence, room_id: RoomId) -> tuple[UserId, ...]:
    return (await presence.online([room_id])).get(room_id, ())


async def test_enter_says_whether_the_person_was_not_there_before(presence: Presence) -> None:
    room, user = no_room(), nobody()
    assert await presence.enter(room, user, "a")
    assert not await presence.enter(room, user, "b")
    assert await presence.enter(room, nobody(), "c")
    assert await presence.enter(no_room(), user, "d")


async def test_entering_again_with_the_same_socket_is_nothing_new(presence: Presence) -> None:
    room, user = no_room(), nobody()
    assert await presence.enter(room, user, "a")
    assert not await presence.enter(room, user, "a")
    assert await presence.leave(room, user, "a")
    assert await online(presence, room) == ()


async def test_leave_says_whether_it_was_the_persons_last_socket(presence: Presence) -> None:
    room, user, other = no_room(), nobody(), nobody()
    for connection in ("a", "b"):
        await presence.enter(room, user, connection)
    await presence.enter(room, other, "c")
    assert not await presence.leave(room, user, "a")
    assert await online(presence, room) == tuple(sorted([user, other]))
    assert await presence.leave(room, user, "b")
    assert await online(presence, room) == (other,)
    assert await presence.leave(room, other, "c")
    assert await online(presence, room) == ()


async def test_leaving_is_safe_to_repeat(presence: Presence) -> None:
    room, user = no_room(), nobody()
    assert not await presence.leave(room, user, "a")
    await presence.enter(room, user, "a")
    await presence.enter(room, user, "b")
    assert not await presence.leave(room, user, "a")
    assert not await presence.leave(room, user, "a")
    assert await online(presence, room) == (user,)
    assert await presence.leave(room, user, "b")
    assert not await presence.leave(room, user, "b")
    assert await online(presence, room) == ()


async def test_nobody_leaves_with_somebody_elses_socket(presence: Presence) -> None:
    room, user, other = no_room(), nobody(), nobody()
    await presence.enter(room, user, "a")
    await presence.enter(room, other, "b")
    assert not await presence.leave(room, user, "b")
    assert not await presence.leave(no_room(), user, "a")
    assert await online(presence, room) == tuple(sorted([user, other]))


async def test_who_left_may_come_again(presence: Presence) -> None:
    room, user = no_room(), nobody()
    for _ in range(3):
        assert await presence.enter(room, user, "a")
        assert await presence.leave(room, user, "a")


async def test_online_is_ordered_by_id_and_leaves_empty_rooms_out(presence: Presence) -> None:
    rooms = [no_room() for _ in range(4)]
    users = [nobody() for _ in range(6)]
    for number, user in enumerate(users):
        await presence.enter(rooms[0], user, f"{number}")
    await presence.enter(rooms[1], users[0], "again")
    await presence.enter(rooms[2], users[0], "shortly")
    await presence.leave(rooms[2], users[0], "shortly")
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
    assert await presence.enter(room, user, "a")


async def test_of_many_sockets_at_once_one_is_the_first_and_one_the_last(
    presence: Presence,
) -> None:
    room, user = no_room(), nobody()
    connections = [f"{number}" for number in range(40)]
    entered = await asyncio.gather(*(presence.enter(room, user, c) for c in connections))
    assert entered.count(True) == 1
    left = await asyncio.gather(*(presence.leave(room, user, c) for c in connections))
    assert left.count(True) == 1
    assert await online(presence, room) == ()

"""`RoomReader`: rooms and messages as their participants see them."""

from dataclasses import replace
from functools import partial
from uuid import uuid4

import pytest

from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.pagination import PageRequest
from sidepro.domain.person_stream.views import Badges
from sidepro.domain.rooms.room import Message, Participant, Room, RoomStatus
from sidepro.domain.rooms.views import RoomView, Unread
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, no_room, nobody
from tests.contracts.paging import read_all_pages

pytestmark = pytest.mark.anyio


async def people(adapters: Adapters, number: int = 2) -> list[User]:
    found = [factories.user(id=UserId(uuid4())) for _ in range(number)]
    await adapters.add(*found)
    return found


async def save(adapters: Adapters, room: Room) -> None:
    async with adapters.unit_of_work() as work:
        await work.rooms.save(room)
        await work.commit()


def seen_by(room: Room, me: User, other: User | None) -> RoomView:
    """A room without messages as a participant sees it."""
    mine = next(participant for participant in room.participants if participant.user_id == me.id)
    theirs = next(participant for participant in room.participants if participant is not mine)
    writable = room.left_by is None and other is not None and not room.is_blocked
    return RoomView(
        id=room.id,
        participant=None if other is None else UserSummary(other.id, other.username, None),
        status=RoomStatus.STOP if writable else RoomStatus.PENDING,
        left_by=None if room.is_blocked else room.left_by,
        last_message=None,
        last_seq=room.last_seq,
        read_seq=mine.read_seq,
        participant_read_seq=theirs.seen_seq,
        unread_count=0,
        created_at=room.created_at,
        updated_at=room.updated_at,
        writable=writable,
    )


# ------------------------------------------------------------------------------------- one room


async def test_each_participant_sees_the_other(adapters: Adapters) -> None:
    one, other = await people(adapters)
    room = factories.room(one.id, other.id, created_at=after(1), updated_at=after(2))
    await adapters.add(room)
    assert await adapters.rooms.room(room.id, one.id) == seen_by(room, one, other)
    assert await adapters.rooms.room(room.id, other.id) == seen_by(room, other, one)


async def test_rooms_of_several_people_are_what_each_of_them_sees(adapters: Adapters) -> None:
    one, other, third = await people(adapters, 3)
    shared, theirs, left = (
        factories.room(a.id, b.id) for a, b in ((one, other), (other, third), (one, third))
    )
    await adapters.add(shared, theirs, left, factories.message(shared.id, 1, other.id))
    await save(adapters, replace(shared, last_seq=1))
    await save(adapters, replace(left, left_by=one.id))
    keys = [
        *((one.id, room.id) for room in (shared, theirs, left)),
        *((other.id, room.id) for room in (shared, theirs)),
        (third.id, left.id),
        (one.id, no_room()),
        (nobody(), shared.id),
    ]
    found = await adapters.rooms.views(keys)
    alone = {key: await adapters.rooms.room(key[1], key[0]) for key in keys}
    assert found == {key: view for key, view in alone.items() if view}
    assert set(found) == {keys[0], keys[3], keys[4], keys[5]}
    assert found[one.id, shared.id].unread_count == 1


async def test_read_positions_last_message_and_unread_count(adapters: Adapters) -> None:
    one, other = await people(adapters)
    room = factories.room(one.id, other.id)
    senders = [one, other, other, one, other]
    messages = [
        factories.message(room.id, seq, sender.id, client_id=f"c{seq}", sent_at=after(seq))
        for seq, sender in enumerate(senders, 1)
    ]
    participants = {one.id: Participant(one.id, 2), other.id: Participant(other.id, 1)}
    low, high = sorted(participants)
    marked = replace(
        room, participants=(participants[low], participants[high]), last_seq=5, updated_at=after(5)
    )
    await adapters.add(room, *messages)
    await save(adapters, marked)

    mine = await adapters.rooms.room(room.id, one.id)
    assert mine is not None
    assert mine == replace(seen_by(marked, one, other), last_message=messages[-1], unread_count=2)
    assert (mine.read_seq, mine.participant_read_seq, mine.last_seq) == (2, 1, 5)
    theirs = await adapters.rooms.room(room.id, other.id)
    assert theirs is not None
    assert (theirs.read_seq, theirs.participant_read_seq, theirs.unread_count) == (1, 2, 1)
    assert theirs.last_message == messages[-1]


async def test_a_room_does_not_exist_for_strangers(adapters: Adapters) -> None:
    one, other, stranger = await people(adapters, 3)
    room = factories.room(one.id, other.id)
    await adapters.add(room)
    assert await adapters.rooms.room(room.id, stranger.id) is None
    assert await adapters.rooms.room(room.id, nobody()) is None
    assert await adapters.rooms.room(no_room(), one.id) is None


async def test_a_room_does_not_exist_for_a_user_who_left(adapters: Adapters) -> None:
    one, other = await people(adapters)
    room = factories.room(one.id, other.id)
    left = replace(room, left_by=one.id)
    await adapters.add(room)
    await save(adapters, left)
    assert await adapters.rooms.room(room.id, one.id) is None
    assert (await adapters.rooms.rooms(one.id, PageRequest())).items == ()
    assert await adapters.rooms.room_count(one.id) == 0
    seen = seen_by(left, other, one)
    assert seen.status is RoomStatus.PENDING
    assert await adapters.rooms.room(room.id, other.id) == seen
    assert (await adapters.rooms.rooms(other.id, PageRequest())).items == (seen,)
    assert await adapters.rooms.room_count(other.id) == 1


@pytest.mark.parametrize("place", [0, 1], ids=["low", "high"])
async def test_a_withdrawn_participant_is_none_and_their_messages_count(
    adapters: Adapters, place: int
) -> None:
    both = sorted(await people(adapters), key=lambda user: user.id)
    left, stays = both[place], both[1 - place]
    room = factories.room(left.id, stays.id)
    orphan = replace(factories.message(room.id, 1, left.id), sender_id=None)
    low, high = room.participants
    deleted = Participant(None, 1)
    without = replace(
        room, participants=(deleted, high) if place == 0 else (low, deleted), last_seq=1
    )
    await adapters.add(room, orphan)
    await save(adapters, without)
    view = await adapters.rooms.room(room.id, stays.id)
    assert view == replace(seen_by(without, stays, None), last_message=orphan, unread_count=1)
    assert view.status is RoomStatus.PENDING
    assert await adapters.rooms.room_count(stays.id) == 1


async def test_state_is_the_room_itself(adapters: Adapters) -> None:
    one, other = await people(adapters)
    room = factories.room(one.id, other.id)
    changed = replace(room, left_by=other.id, last_seq=4, updated_at=after(4))
    await adapters.add(room)
    assert await adapters.rooms.state(room.id) == room
    await save(adapters, changed)
    assert await adapters.rooms.state(room.id) == changed
    assert await adapters.rooms.state(no_room()) is None


async def test_a_pair_has_a_room_even_if_one_left_it(adapters: Adapters) -> None:
    one, other, third = await people(adapters, 3)
    room = factories.room(one.id, other.id, left_by=one.id)
    await adapters.add(room, factories.room(third.id, other.id))
    for pair in ((one.id, other.id), (other.id, one.id)):
        assert await adapters.rooms.id_of_pair(*pair) == room.id
    assert await adapters.rooms.id_of_pair(one.id, third.id) is None


async def test_states_omits_unknown_rooms(adapters: Adapters) -> None:
    one, other, third = await people(adapters, 3)
    rooms = [factories.room(one.id, other.id), factories.room(one.id, third.id)]
    for room in rooms:
        await adapters.add(room)
    asked = [rooms[1].id, no_room(), rooms[0].id, no_room(), no_room()]
    assert await adapters.rooms.states(asked) == {room.id: room for room in rooms}
    assert await adapters.rooms.states([rooms[0].id]) == {rooms[0].id: rooms[0]}
    assert await adapters.rooms.states([no_room()]) == {}
    assert await adapters.rooms.states([]) == {}


# ---------------------------------------------------------------------------------------- lists


async def test_a_user_without_rooms(adapters: Adapters) -> None:
    [one] = await people(adapters, 1)
    page = await adapters.rooms.rooms(one.id, PageRequest())
    assert (page.items, page.next, page.previous) == ((), None, None)
    assert await adapters.rooms.room_count(one.id) == 0


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
async def test_rooms_come_by_latest_activity_with_ties_by_id(
    adapters: Adapters, limit: int
) -> None:
    me, *others = await people(adapters, 10)
    # Two at each time. The last two are not listed: one was left, one is of others.
    rooms = [
        factories.room(me.id, other.id, id=RoomId(uuid4()), updated_at=after(number // 2))
        for number, other in enumerate(others[:8])
    ]
    strangers = factories.room(others[7].id, others[8].id)
    await adapters.add(*rooms, strangers)
    await save(adapters, replace(rooms[3], left_by=me.id))
    await save(adapters, replace(rooms[4], left_by=others[4].id))
    mine = [room for room in rooms if room is not rooms[3]]
    expected = sorted(mine, key=lambda room: (room.updated_at, room.id), reverse=True)
    found = await read_all_pages(partial(adapters.rooms.rooms, me.id), limit)
    assert [view.id for view in found] == [room.id for room in expected]
    assert await adapters.rooms.room_count(me.id) == 7
    for view in found:
        assert view == await adapters.rooms.room(view.id, me.id)


async def test_a_message_moves_a_room_to_the_top(adapters: Adapters) -> None:
    me, one, other = await people(adapters, 3)
    first = factories.room(me.id, one.id, updated_at=after(1))
    second = factories.room(me.id, other.id, updated_at=after(2))
    await adapters.add(first, second)
    changed, message = first.with_message(one.id, "hello", None, after(3))
    await adapters.add(message)
    await save(adapters, changed)
    page = await adapters.rooms.rooms(me.id, PageRequest())
    assert [view.id for view in page.items] == [first.id, second.id]
    assert [view.last_message for view in page.items] == [message, None]
    assert [view.unread_count for view in page.items] == [1, 0]


async def test_unread_messages_are_summed_over_the_rooms_on_the_list(adapters: Adapters) -> None:
    me, *others = await people(adapters, 6)
    rooms = [factories.room(me.id, other.id, last_seq=3) for other in others]
    await adapters.add(*rooms)
    # Per room: who sent the three messages, my read position, the unread messages.
    senders = [(0, 0, 0), (0, 1, 0), (1, 1, 1), (0, 0, 0), (0, 0, 0)]
    read = [0, 1, 0, 3, 0]
    for room, other, sent, position in zip(rooms, others, senders, read, strict=True):
        await adapters.add(
            *(
                factories.message(room.id, seq, me.id if mine else other.id)
                for seq, mine in enumerate(sent, 1)
            )
        )
        participants = {me.id: Participant(me.id, position), other.id: Participant(other.id, 0)}
        low, high = sorted(participants)
        left_by = me.id if room is rooms[-1] else None
        seen = replace(room, participants=(participants[low], participants[high]), left_by=left_by)
        await save(adapters, seen)

    assert await adapters.rooms.unread(me.id) == Unread(rooms=2, messages=3 + 1)
    assert await adapters.rooms.unread(others[2].id) == Unread(rooms=1, messages=3)
    assert await adapters.rooms.unread(nobody()) == Unread(0, 0)
    people_asked = [me.id, others[0].id, others[2].id, nobody()]
    badges = await adapters.badges.badges(people_asked)
    for user_id in people_asked:
        found = badges.get(user_id, Badges())
        unread = await adapters.rooms.unread(user_id)
        assert found == Badges(unread.rooms, unread.messages)


# ------------------------------------------------------------------------------------- messages


async def messages_of(adapters: Adapters, number: int) -> tuple[RoomId, list[Message]]:
    one, other, third = await people(adapters, 3)
    room, another = factories.room(one.id, other.id), factories.room(one.id, third.id)
    messages = [
        factories.message(room.id, seq, (one.id, other.id)[seq % 2])
        for seq in range(1, number + 1)
    ]
    # Stored in random order.
    await adapters.add(room, another, factories.message(another.id, 1, third.id), *messages[::-1])
    return room.id, messages


@pytest.mark.parametrize(
    ("given_after", "given_before", "limit", "expected"),
    [
        pytest.param(None, None, 4, [9, 10, 11, 12], id="the-last-ones"),
        pytest.param(None, None, 100, list(range(1, 13)), id="all"),
        pytest.param(0, None, 3, [1, 2, 3], id="the-first-ones"),
        pytest.param(5, None, 3, [6, 7, 8], id="after"),
        pytest.param(10, None, 3, [11, 12], id="after-near-the-end"),
        pytest.param(12, None, 3, [], id="after-the-end"),
        pytest.param(None, 6, 3, [3, 4, 5], id="before"),
        pytest.param(None, 3, 3, [1, 2], id="before-near-the-start"),
        pytest.param(None, 1, 3, [], id="before-the-start"),
        pytest.param(None, 100, 2, [11, 12], id="before-what-is-not-there"),
        pytest.param(3, 6, 4, [4, 5, 6, 7], id="after-comes-first"),
        pytest.param(3, None, 0, [], id="none"),
    ],
)
async def test_messages_come_in_ascending_order(
    adapters: Adapters,
    given_after: int | None,
    given_before: int | None,
    limit: int,
    expected: list[int],
) -> None:
    room_id, messages = await messages_of(adapters, 12)
    found = await adapters.rooms.messages(
        room_id, after=given_after, before=given_before, limit=limit
    )
    assert found == tuple(messages[seq - 1] for seq in expected)


async def test_an_unknown_room_has_no_messages(adapters: Adapters) -> None:
    assert await adapters.rooms.messages(no_room(), after=None, before=None, limit=5) == ()

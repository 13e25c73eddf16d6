"""`RoomService` with in-memory stores: results, access and published events."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Self

import pytest

from sidepro.adapters.in_process.presence import InProcessPresence
from sidepro.domain.channels import Channel, Event, StatusChanged
from sidepro.domain.errors import (
    CannotChatWithYourself,
    InvalidInput,
    NotFound,
    RoomPending,
    SideProError,
    Unavailable,
)
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.pagination import Cursor, PageRequest
from sidepro.domain.rooms.events import MessageSent, ReadPositionChanged, RoomClosed, Typing
from sidepro.domain.rooms.message_writer import MessageWriter
from sidepro.domain.rooms.room import Room, RoomStatus
from sidepro.domain.rooms.views import RoomView
from tests.domain.services import Services, awaited
from tests.factories import NOW, at_once, new_id, refresh_token, session
from tests.fakes.rooms import MemoryRooms
from tests.fakes.store import MemoryStore, MemoryUnitOfWork

UNKNOWN_USER = UserId(new_id())
NOWHERE = RoomId(new_id())


# ------------------------------------------------------------------------------------- asking


@awaited
async def test_the_first_request_creates_the_room(services: Services) -> None:
    one, other = await services.people(2)
    room, created, _ = await services.rooms.open(one, other.id)
    assert created
    assert room.participant
    assert room.participant.id == other.id
    assert (room.status, room.last_seq, room.left_by) == (RoomStatus.STOP, 0, None)
    assert not services.feed.told


@awaited
async def test_opening_again_returns_the_existing_room(services: Services) -> None:
    one, other, room_id = await services.chat()
    services.clock.forward(60)
    assert await services.rooms.open(one, other.id) == (
        await services.rooms.room(one, room_id),
        False,
        False,
    )
    again, created, _ = await services.rooms.open(other, one.id)
    assert (again.id, created) == (room_id, False)
    assert again.updated_at == NOW
    assert not services.feed.told


@awaited
async def test_concurrent_opens_create_one_room(services: Services) -> None:
    one, other = await services.people(2)
    asking = [
        partial(services.rooms.open, one, other.id),
        partial(services.rooms.open, other, one.id),
    ]
    answers = await at_once(asking * 5)
    assert len({opened.room.id for opened in answers}) == 1
    assert [opened.created for opened in answers].count(True) == 1
    assert len(services.store.state.rooms) == 1


class ComingAndGoing(MemoryRooms):
    """Another unit of work creates and deletes the room between two reads."""

    looks = 0

    async def add_if_absent(self, room: Room) -> bool:
        return self.looks > 1 and await super().add_if_absent(room)

    async def get_of_pair(self, one: UserId, other: UserId) -> Room | None:
        self.looks += 1
        return await super().get_of_pair(one, other)


class UnitOfWorkAmongOthers(MemoryUnitOfWork):
    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.rooms = ComingAndGoing(self._state)
        return self


@awaited
async def test_a_room_created_and_deleted_concurrently_is_opened(
    services: Services,
) -> None:
    one, other = await services.people(2)
    rooms = replace(services.rooms, unit_of_work=lambda: UnitOfWorkAmongOthers(services.store))
    room, created, _ = await rooms.open(one, other.id)
    assert created
    assert set(services.store.state.rooms) == {room.id}


class PresenceOutsideTransactions(InProcessPresence):
    """Fails if it is read while a transaction is open."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__()
        self._store = store

    async def online(self, channels: Sequence[Channel]) -> Mapping[Channel, tuple[UserId, ...]]:
        assert not self._store.lock.locked(), "a transaction is open"
        return await super().online(channels)


@awaited
async def test_open_reads_presence_outside_the_transaction(
    services: Services,
) -> None:
    one, other, room_id = await services.chat()
    rooms = replace(services.rooms, presence=PresenceOutsideTransactions(services.store))
    await rooms.leave(one, room_id)
    await rooms.connect(other, room_id, "a socket")
    room, created, reopened = await rooms.open(one, other.id)
    assert (room.status, created, reopened) == (RoomStatus.RUNNING, False, True)
    third = await services.person()
    room, created, reopened = await rooms.open(one, third.id)
    assert (room.status, created, reopened) == (RoomStatus.STOP, True, False)


@awaited
async def test_a_room_with_oneself_is_rejected(services: Services) -> None:
    one = await services.person()
    with pytest.raises(CannotChatWithYourself):
        await services.rooms.open(one, one.id)
    assert not services.store.state.rooms


@awaited
async def test_an_unknown_user_cannot_be_invited(services: Services) -> None:
    with pytest.raises(NotFound):
        await services.rooms.open(await services.person(), UNKNOWN_USER)


# ------------------------------------------------------------------------------------- leaving


@awaited
async def test_a_pending_room_can_be_read_and_not_written(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.send(one, room_id, "Bye", None)
    await services.rooms.leave(one, room_id)
    room = await services.rooms.room(other, room_id)
    assert (room.status, room.left_by) == (RoomStatus.PENDING, one.id)
    assert len((await services.rooms.history(other, room_id, limit=10)).items) == 1
    with pytest.raises(RoomPending):
        await services.rooms.send(other, room_id, "Wait!", None)


@awaited
async def test_a_room_does_not_exist_for_a_user_who_left(services: Services) -> None:
    one, _, room_id = await services.chat()
    await services.rooms.leave(one, room_id)
    for attempt in (
        services.rooms.room(one, room_id),
        services.rooms.authorize(one, room_id),
        services.rooms.history(one, room_id, limit=10),
        services.rooms.send(one, room_id, "Hello?", None),
        services.rooms.mark_read(one, room_id, 0),
        services.rooms.leave(one, room_id),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert (await services.rooms.rooms(one, PageRequest())).items == ()
    assert await services.rooms.room_count(one) == 0


@awaited
async def test_a_room_does_not_exist_for_a_stranger(services: Services) -> None:
    _, _, room_id = await services.chat()
    stranger = await services.person(is_admin=True)
    for attempt in (
        services.rooms.room(stranger, room_id),
        services.rooms.authorize(stranger, room_id),
        services.rooms.history(stranger, room_id, limit=10),
        services.rooms.send(stranger, room_id, "Hello?", None),
        services.rooms.mark_read(stranger, room_id, 0),
        services.rooms.leave(stranger, room_id),
    ):
        with pytest.raises(NotFound):
            await attempt


@awaited
async def test_an_unknown_room_is_not_found(services: Services) -> None:
    one = await services.person()
    for attempt in (
        services.rooms.room(one, NOWHERE),
        services.rooms.authorize(one, NOWHERE),
        services.rooms.send(one, NOWHERE, "Hello?", None),
        services.rooms.leave(one, NOWHERE),
        services.rooms.presence_snapshot(NOWHERE),
    ):
        with pytest.raises(NotFound):
            await attempt


@awaited
async def test_a_room_is_deleted_when_both_have_left(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.send(one, room_id, "Bye", None)
    await services.rooms.leave(one, room_id)
    await services.rooms.leave(other, room_id)
    assert not services.store.state.rooms
    assert not services.store.state.messages
    fresh, created, _ = await services.rooms.open(other, one.id)
    assert (created, fresh.last_seq) == (True, 0)


@awaited
async def test_a_user_who_left_reopens_the_room_with_its_history(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.send(one, room_id, "Bye", None)
    await services.rooms.leave(one, room_id)
    now = services.clock.forward(60)
    room, created, _ = await services.rooms.open(one, other.id)
    assert (room.id, created, room.status) == (room_id, False, RoomStatus.STOP)
    assert (room.last_seq, room.left_by, room.updated_at) == (1, None, now)


@awaited
async def test_opening_does_not_bring_the_other_participant_back(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.leave(one, room_id)
    services.feed.told.clear()
    room, created, _ = await services.rooms.open(other, one.id)
    assert (room.id, created, room.status) == (room_id, False, RoomStatus.PENDING)
    assert not services.feed.told


@awaited
async def test_leaving_and_reopening_are_published(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.leave(one, room_id)
    assert services.feed.told == [
        RoomClosed(Channel.room(room_id), one.id),
        StatusChanged(Channel.room(room_id)),
    ]
    services.feed.told.clear()
    await services.rooms.open(one, other.id)
    assert services.feed.told == [StatusChanged(Channel.room(room_id))]


@awaited
async def test_the_deletion_of_a_room_is_published(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.leave(one, room_id)
    services.feed.told.clear()
    await services.rooms.leave(other, room_id)
    assert services.feed.told == [RoomClosed(Channel.room(room_id), None)]


# ------------------------------------------------------------------------------------ messages


@awaited
async def test_messages_are_numbered_from_one(services: Services) -> None:
    one, other, room_id = await services.chat()
    sent = [await services.rooms.send(who, room_id, "Hi", None) for who in (one, other, other)]
    assert [(m.seq, m.sender_id, again) for m, again in sent] == [
        (1, one.id, False),
        (2, other.id, False),
        (3, other.id, False),
    ]


@awaited
async def test_concurrent_messages_are_numbered_without_gaps(services: Services) -> None:
    one, other, room_id = await services.chat()
    sends = [
        partial(services.rooms.send, who, room_id, f"{number}", f"{number}")
        for number in range(10)
        for who in (one, other)
    ]
    await at_once(sends)
    history = await services.rooms.history(one, room_id, limit=100)
    assert [message.seq for message in history.items] == list(range(1, 21))
    assert history.last_seq == 20


@awaited
async def test_a_repeated_client_id_is_one_message(services: Services) -> None:
    one, _, room_id = await services.chat()
    first = await services.rooms.send(one, room_id, "Hello", "mine")
    await services.rooms.send(one, room_id, "Between", None)
    again = await services.rooms.send(one, room_id, "Another body", "mine")
    assert again == (first[0], True)
    assert (await services.rooms.room(one, room_id)).last_seq == 2


@awaited
async def test_a_repeated_client_id_is_published_again(services: Services) -> None:
    one, _, room_id = await services.chat()
    await services.rooms.send(one, room_id, "Hello", "mine")
    await services.rooms.send(one, room_id, "Hello", "mine")
    assert services.feed.messages() == [1, 1]


@awaited
async def test_a_duplicate_is_answered_in_a_pending_room(services: Services) -> None:
    one, other, room_id = await services.chat()
    first, _ = await services.rooms.send(one, room_id, "Hello", "mine")
    await services.rooms.leave(other, room_id)
    assert await services.rooms.send(one, room_id, "", "mine") == (first, True)


@awaited
async def test_a_duplicate_is_not_answered_in_a_left_room(services: Services) -> None:
    one, _, room_id = await services.chat()
    await services.rooms.send(one, room_id, "Hello", "mine")
    await services.rooms.leave(one, room_id)
    services.feed.told.clear()
    with pytest.raises(NotFound):
        await services.rooms.send(one, room_id, "Hello", "mine")
    assert not services.feed.told


@awaited
async def test_concurrent_sends_of_a_client_id_are_one_message(services: Services) -> None:
    one, _, room_id = await services.chat()
    answers = await at_once([partial(services.rooms.send, one, room_id, "Hello", "mine")] * 5)
    assert {message.seq for message, _ in answers} == {1}
    assert [again for _, again in answers].count(False) == 1


@awaited
async def test_two_senders_may_use_the_same_client_id(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.send(one, room_id, "Hello", "1")
    message, again = await services.rooms.send(other, room_id, "Hi", "1")
    assert (message.seq, message.body, again) == (2, "Hi", False)


@awaited
async def test_a_client_id_is_unique_within_its_room(services: Services) -> None:
    one, _, room_id = await services.chat()
    third = await services.person()
    elsewhere, *_ = await services.rooms.open(one, third.id)
    await services.rooms.send(one, room_id, "Hello", "1")
    message, again = await services.rooms.send(one, elsewhere.id, "Hi", "1")
    assert (message.room_id, message.seq, again) == (elsewhere.id, 1, False)


@awaited
async def test_a_message_is_stored_before_it_is_published(services: Services) -> None:
    one, _, room_id = await services.chat()
    message, _ = await services.rooms.send(one, room_id, "Hello", None)
    assert services.feed.told == [MessageSent(Channel.room(room_id), message)]
    assert services.feed.stored_when_told == [{message}]


@awaited
async def test_a_subscriber_gets_a_message(services: Services) -> None:
    one, _, room_id = await services.chat()
    heard: list[Event] = []
    await services.feed.subscribe(Channel.room(room_id), heard.append)
    message, _ = await services.rooms.send(one, room_id, "Hello", None)
    assert heard == [MessageSent(Channel.room(room_id), message)]


@pytest.mark.parametrize(
    ("body", "client_id", "error"),
    [
        ("", None, InvalidInput),
        ("x" * 4_001, None, InvalidInput),
        ("Hello", "", InvalidInput),
        ("Hello", "x" * 65, InvalidInput),
    ],
)
@awaited
async def test_a_rejected_message_is_neither_stored_nor_published(
    services: Services, body: str, client_id: str | None, error: type[SideProError]
) -> None:
    one, _, room_id = await services.chat()
    with pytest.raises(error):
        await services.rooms.send(one, room_id, body, client_id)
    assert not services.feed.told
    assert not services.store.state.messages
    assert (await services.rooms.room(one, room_id)).last_seq == 0


@awaited
async def test_an_uncommitted_message_is_not_published(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.send(other, room_id, "Hello", None)
    services.feed.told.clear()
    lost = services.broken_unit_of_work
    sending = MessageWriter(lost, services.feed, services.clock)
    broken = replace(services.rooms, unit_of_work=lost, message_writer=sending)
    for attempt in (
        broken.send(one, room_id, "Hello", "mine"),
        broken.mark_read(one, room_id, 1),
        broken.leave(one, room_id),
    ):
        with pytest.raises(Unavailable):
            await attempt
    assert not services.feed.told
    room = await services.rooms.room(one, room_id)
    assert (room.last_seq, room.read_seq, room.left_by) == (1, 0, None)


# ------------------------------------------------------------------------------------- history


@awaited
async def test_history_pages_in_both_directions_from_the_end(services: Services) -> None:
    one, _, room_id = await services.chat()
    for _ in range(7):
        await services.rooms.send(one, room_id, "Hello", None)

    async def read(after: int | None, before: int | None, limit: int) -> list[int]:
        history = await services.rooms.history(
            one, room_id, after=after, before=before, limit=limit
        )
        assert history.last_seq == 7
        return [message.seq for message in history.items]

    assert await read(None, None, 3) == [5, 6, 7]
    assert await read(None, 5, 3) == [2, 3, 4]
    assert await read(None, 2, 3) == [1]
    assert await read(None, 1, 3) == []
    assert await read(2, None, 3) == [3, 4, 5]
    assert await read(0, None, 100) == [1, 2, 3, 4, 5, 6, 7]
    assert await read(7, None, 3) == []


@awaited
async def test_messages_in_range(services: Services) -> None:
    one, _, room_id = await services.chat()
    for _ in range(5):
        await services.rooms.send(one, room_id, "Hello", None)
    for after, upto, missed in ((1, 3, [2, 3]), (3, 9, [4, 5]), (3, 3, []), (4, 2, [])):
        found = await services.rooms.messages_in_range(room_id, after, upto)
        assert [message.seq for message in found] == missed


# ---------------------------------------------------------------------------------- read marks


@awaited
async def test_only_messages_of_the_other_participant_are_unread(services: Services) -> None:
    one, other, room_id = await services.chat()
    for who in (one, other, other, one):
        await services.rooms.send(who, room_id, "Hello", None)
    seen = await services.rooms.room(one, room_id)
    assert (seen.unread_count, seen.read_seq, seen.participant_read_seq) == (2, 0, 0)
    await services.rooms.mark_read(one, room_id, 2)
    seen = await services.rooms.room(one, room_id)
    assert (seen.unread_count, seen.read_seq, seen.participant_read_seq) == (1, 2, 0)
    seen = await services.rooms.room(other, room_id)
    assert (seen.unread_count, seen.read_seq, seen.participant_read_seq) == (2, 0, 2)


@awaited
async def test_a_read_position_advances_at_most_to_the_last_message(services: Services) -> None:
    one, other, room_id = await services.chat()
    for _ in range(3):
        await services.rooms.send(other, room_id, "Hello", None)
    for seq, mark in ((2, 2), (1, 2), (99, 3), (0, 3)):
        await services.rooms.mark_read(one, room_id, seq)
        assert (await services.rooms.room(one, room_id)).read_seq == mark


@awaited
async def test_a_changed_read_position_is_published(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.send(other, room_id, "Hello", None)
    services.feed.told.clear()
    for seq in (0, 99, 1, 99):
        await services.rooms.mark_read(one, room_id, seq)
    assert services.feed.told == [ReadPositionChanged(Channel.room(room_id), one.id, 1)]


# ------------------------------------------------------------------------------- presence


@awaited
async def test_changed_presence_is_published(services: Services) -> None:
    one, other, room_id = await services.chat()
    steps = [
        (services.rooms.connect(one, room_id, "phone"), True),
        (services.rooms.connect(one, room_id, "laptop"), False),
        (services.rooms.connect(other, room_id, "desk"), True),
        (services.rooms.disconnect(one, room_id, "phone"), False),
        (services.rooms.disconnect(one, room_id, "laptop"), True),
        (services.rooms.disconnect(one, room_id, "laptop"), False),
        (services.rooms.disconnect(other, room_id, "desk"), True),
    ]
    for step, told in steps:
        await step
        assert services.feed.told == [StatusChanged(Channel.room(room_id))] * told
        services.feed.told.clear()


@awaited
async def test_a_room_is_running_while_a_participant_is_connected(services: Services) -> None:
    one, other, room_id = await services.chat()

    async def status() -> set[RoomStatus]:
        (listed,) = (await services.rooms.rooms(one, PageRequest())).items
        shown = await services.rooms.room(one, room_id)
        presences = await services.rooms.presence_snapshot(room_id)
        return {listed.status, shown.status, presences.status}

    assert await status() == {RoomStatus.STOP}
    await services.rooms.connect(other, room_id, "phone")
    assert await status() == {RoomStatus.RUNNING}
    assert (await services.rooms.presence_snapshot(room_id)).online == (other.id,)
    await services.rooms.disconnect(other, room_id, "phone")
    assert await status() == {RoomStatus.STOP}
    await services.rooms.leave(other, room_id)
    await services.rooms.connect(one, room_id, "phone")
    assert await status() == {RoomStatus.PENDING}
    assert (await services.rooms.presence_snapshot(room_id)).left_by == other.id


@awaited
async def test_a_user_who_left_is_not_online(services: Services) -> None:
    one, other, room_id = await services.chat()
    for person in (one, other):
        await services.rooms.connect(person, room_id, f"of {person.id}")
    await services.rooms.leave(other, room_id)
    assert (await services.rooms.presence_snapshot(room_id)).online == (one.id,)


@awaited
async def test_typing_is_published_and_not_stored(services: Services) -> None:
    one, _, room_id = await services.chat()
    before = services.store.state
    await services.rooms.typing(one, room_id)
    assert services.feed.told == [Typing(Channel.room(room_id), one.id)]
    assert services.store.state is before


# ---------------------------------------------------------------------------------- the list


@awaited
async def test_rooms_are_listed_by_latest_activity(services: Services) -> None:
    one, *others = await services.people(4)
    rooms: list[RoomView] = []
    for other in others:
        services.clock.forward(1)
        rooms.append((await services.rooms.open(one, other.id))[0])
    first, second, third = (room.id for room in rooms)
    services.clock.forward(1)
    await services.rooms.send(one, first, "Hello", None)

    page = await services.rooms.rooms(one, PageRequest(2))
    assert [room.id for room in page.items] == [first, third]
    assert page.items[0].last_message
    assert page.items[0].last_message.body == "Hello"
    assert page.previous is None
    rest = await services.rooms.rooms(one, PageRequest(2, page.next or Cursor()))
    assert [room.id for room in rest.items] == [second]
    assert await services.rooms.room_count(one) == 3


@awaited
async def test_reading_does_not_change_the_order_of_rooms(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.send(other, room_id, "Hello", None)
    services.clock.forward(60)
    await services.rooms.mark_read(one, room_id, 1)
    assert (await services.rooms.room(one, room_id)).updated_at == NOW


# ---------------------------------------------------------------------------- the store itself


@awaited
async def test_a_unit_of_work_left_without_commit_changes_nothing(services: Services) -> None:
    one, _, room_id = await services.chat()
    before = services.store.state.copied()
    async with services.store.unit_of_work() as work:
        room = await work.rooms.get(room_id)
        assert room
        changed, message = room.with_message(one.id, "Hello", None, NOW)
        await work.rooms.save(changed)
        await work.rooms.add_messages(message)
        begun = session(one.id)
        await work.sessions.add(begun, refresh_token(begun))
    assert services.store.state == before


@awaited
async def test_changes_after_the_commit_are_not_stored(services: Services) -> None:
    one, _, room_id = await services.chat()
    async with services.store.unit_of_work() as work:
        begun = session(one.id)
        await work.sessions.add(begun, refresh_token(begun))
        await work.commit()
        await work.rooms.delete(room_id)
    assert room_id in services.store.state.rooms
    assert len(services.store.state.sessions) == 1


@awaited
async def test_a_changed_entity_is_not_stored_until_it_is_saved(services: Services) -> None:
    one, _, room_id = await services.chat()
    async with services.store.unit_of_work() as work:
        room = await work.rooms.get(room_id)
        assert room
        room.leave(one.id)
        await work.commit()
    assert (await services.rooms.room(one, room_id)).left_by is None

"""Rooms: opening, leaving and listing them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Self

import pytest

from sidepro.adapters.in_process.presence import InProcessPresence
from sidepro.domain.channels import Channel, ItemChanged, StatusChanged
from sidepro.domain.errors import (
    CannotChatWithYourself,
    NotFound,
    RoomPending,
)
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.pagination import Cursor, PageRequest
from sidepro.domain.rooms.events import RoomClosed
from sidepro.domain.rooms.room import Room, RoomStatus
from sidepro.domain.rooms.views import RoomView
from tests.domain.services import Services, awaited
from tests.factories import NOW, at_once, new_id
from tests.fakes.rooms import MemoryRooms
from tests.fakes.store import MemoryStore, MemoryUnitOfWork

UNKNOWN_USER = UserId(new_id())


NOWHERE = RoomId(new_id())


@awaited
async def test_the_first_request_creates_the_room(services: Services) -> None:
    one, other = await services.people(2)
    room, created, _ = await services.consent.open_room(one, other.id)
    assert created
    assert room.participant
    assert room.participant.id == other.id
    assert (room.status, room.last_seq, room.left_by) == (RoomStatus.STOP, 0, None)
    assert not services.pubsub.published


@awaited
async def test_opening_again_returns_the_existing_room(services: Services) -> None:
    one, other, room_id = await services.chat()
    services.clock.forward(60)
    assert await services.consent.open_room(one, other.id) == (
        await services.rooms.room(one, room_id),
        False,
        False,
    )
    again, created, _ = await services.consent.open_room(other, one.id)
    assert (again.id, created) == (room_id, False)
    assert again.updated_at == NOW
    assert not services.pubsub.published


@awaited
async def test_concurrent_opens_create_one_room(services: Services) -> None:
    one, other = await services.people(2)
    asking = [
        partial(services.consent.open_room, one, other.id),
        partial(services.consent.open_room, other, one.id),
    ]
    answers = await at_once(asking * 5)
    assert len({opened.room.id for opened in answers}) == 1
    assert [opened.created for opened in answers].count(True) == 1
    assert len(services.store.state.rooms) == 1


class FlickeringRooms(MemoryRooms):
    """Another unit of work creates and deletes the room between two reads."""

    looks = 0

    async def add_if_absent(self, room: Room) -> bool:
        return self.looks > 3 and await super().add_if_absent(room)

    async def get_of_pair(self, one: UserId, other: UserId) -> Room | None:
        self.looks += 1
        return await super().get_of_pair(one, other)


class UnitOfWorkWithFlickeringRoom(MemoryUnitOfWork):
    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.rooms = FlickeringRooms(self._state)
        return self


@awaited
async def test_a_room_created_and_deleted_concurrently_is_opened(
    services: Services,
) -> None:
    one, other = await services.people(2)
    consent = replace(
        services.consent, unit_of_work=lambda: UnitOfWorkWithFlickeringRoom(services.store)
    )
    room, created, _ = await consent.open_room(one, other.id)
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
    presence = PresenceOutsideTransactions(services.store)
    rooms = replace(services.rooms, presence=presence)
    opener = replace(services.consent.rooms, presence=presence)
    consent = replace(services.consent, rooms=opener)
    await rooms.leave(one, room_id)
    await rooms.connect(other, room_id, "a socket")
    room, created, reopened = await consent.open_room(one, other.id)
    assert (room.status, created, reopened) == (RoomStatus.RUNNING, False, True)
    third = await services.person()
    room, created, reopened = await consent.open_room(one, third.id)
    assert (room.status, created, reopened) == (RoomStatus.STOP, True, False)


@awaited
async def test_a_room_with_oneself_is_rejected(services: Services) -> None:
    one = await services.person()
    with pytest.raises(CannotChatWithYourself):
        await services.consent.open_room(one, one.id)
    assert not services.store.state.rooms


@awaited
async def test_an_unknown_user_cannot_be_invited(services: Services) -> None:
    with pytest.raises(NotFound):
        await services.consent.open_room(await services.person(), UNKNOWN_USER)


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
        services.rooms.room_snapshot(NOWHERE),
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
    fresh, created, _ = await services.consent.open_room(other, one.id)
    assert (created, fresh.last_seq) == (True, 0)


@awaited
async def test_a_user_who_left_reopens_the_room_with_its_history(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.send(one, room_id, "Bye", None)
    await services.rooms.leave(one, room_id)
    now = services.clock.forward(60)
    room, created, _ = await services.consent.open_room(one, other.id)
    assert (room.id, created, room.status) == (room_id, False, RoomStatus.STOP)
    assert (room.last_seq, room.left_by, room.updated_at) == (1, None, now)


@awaited
async def test_opening_does_not_bring_the_other_participant_back(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.leave(one, room_id)
    services.pubsub.published.clear()
    room, created, _ = await services.consent.open_room(other, one.id)
    assert (room.id, created, room.status) == (room_id, False, RoomStatus.PENDING)
    assert not services.pubsub.published


@awaited
async def test_leaving_and_reopening_are_published(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.leave(one, room_id)
    assert services.pubsub.published == [
        RoomClosed(Channel.room(room_id), one.id),
        StatusChanged(Channel.room(room_id)),
    ]
    services.pubsub.published.clear()
    await services.consent.open_room(one, other.id)
    assert services.pubsub.published == [StatusChanged(Channel.room(room_id))]


@awaited
async def test_the_deletion_of_a_room_is_published(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.leave(one, room_id)
    services.pubsub.published.clear()
    await services.rooms.leave(other, room_id)
    assert services.pubsub.published == [RoomClosed(Channel.room(room_id), None)]


@awaited
async def test_changes_of_a_room_are_published_to_its_participants(services: Services) -> None:
    one, other = await services.people(2)
    changes = services.pubsub.changes
    room, *_ = await services.consent.open_room(one, other.id)
    both = [ItemChanged.room(caller.id, room.id) for caller in (one, other)]

    def published() -> list[ItemChanged]:
        found = sorted(changes, key=lambda event: event.channel.id != one.id)
        changes.clear()
        return found

    assert published() == both, "opened"
    await services.consent.open_room(other, one.id)
    assert published() == [], "opened again"
    await services.rooms.send(one, room.id, "커피?", None)
    assert published() == both, "a message"
    await services.rooms.mark_read(other, room.id, 1)
    assert published() == both, "read"
    await services.rooms.mark_read(other, room.id, 1)
    assert published() == [], "read before"
    await services.rooms.leave(one, room.id)
    assert published() == both, "left"
    await services.consent.open_room(one, other.id)
    assert published() == both, "reopened"
    await services.rooms.leave(one, room.id)
    changes.clear()
    await services.rooms.leave(other, room.id)
    assert published() == both[1:], "gone; the first one had no room any more"


@awaited
async def test_the_other_person_of_a_blocked_room_learns_of_no_reading_and_no_leaving(
    services: Services,
) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.send(one, room_id, "안녕하세요", None)
    await services.blocks.block(one, other.id)
    services.pubsub.changes.clear()
    services.pubsub.published.clear()
    # The own tabs move their badges and lists.
    await services.rooms.mark_read(other, room_id, 1)
    assert services.pubsub.changes == [ItemChanged.room(other.id, room_id)]
    assert services.pubsub.published == []
    await services.rooms.leave(other, room_id)
    assert services.pubsub.changes == [ItemChanged.room(other.id, room_id)] * 2
    await services.rooms.leave(one, room_id)
    assert services.pubsub.changes[2:] == [ItemChanged.room(one.id, room_id)]


@awaited
async def test_rooms_are_listed_by_latest_activity(services: Services) -> None:
    one, *others = await services.people(4)
    rooms: list[RoomView] = []
    for other in others:
        services.clock.forward(1)
        rooms.append((await services.consent.open_room(one, other.id))[0])
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

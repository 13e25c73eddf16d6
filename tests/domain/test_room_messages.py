"""Messages, history and read marks of a room."""

from dataclasses import replace
from functools import partial

import pytest

from sidepro.domain.channels import Channel, Event
from sidepro.domain.errors import (
    InvalidInput,
    NotFound,
    SideProError,
    Unavailable,
)
from sidepro.domain.rooms.events import MessageSent, ReadPositionChanged
from sidepro.domain.rooms.message_writer import MessageWriter
from tests.domain.services import Services, awaited
from tests.factories import NOW, at_once, refresh_token, session


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
    assert services.pubsub.messages() == [1, 1]


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
    services.pubsub.published.clear()
    with pytest.raises(NotFound):
        await services.rooms.send(one, room_id, "Hello", "mine")
    assert not services.pubsub.published


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
    elsewhere, *_ = await services.consent.open_room(one, third.id)
    await services.rooms.send(one, room_id, "Hello", "1")
    message, again = await services.rooms.send(one, elsewhere.id, "Hi", "1")
    assert (message.room_id, message.seq, again) == (elsewhere.id, 1, False)


@awaited
async def test_a_message_is_stored_before_it_is_published(services: Services) -> None:
    one, _, room_id = await services.chat()
    message, _ = await services.rooms.send(one, room_id, "Hello", None)
    assert services.pubsub.published == [MessageSent(Channel.room(room_id), message)]
    assert services.pubsub.stored_at_publish == [{message}]


@awaited
async def test_a_subscriber_gets_a_message(services: Services) -> None:
    one, _, room_id = await services.chat()
    heard: list[Event] = []
    await services.pubsub.subscribe(Channel.room(room_id), heard.append)
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
    assert not services.pubsub.published
    assert not services.store.state.messages
    assert (await services.rooms.room(one, room_id)).last_seq == 0


@awaited
async def test_an_uncommitted_message_is_not_published(services: Services) -> None:
    one, other, room_id = await services.chat()
    await services.rooms.send(other, room_id, "Hello", None)
    services.pubsub.published.clear()
    lost = services.broken_unit_of_work
    sending = MessageWriter(lost, services.pubsub, services.clock)
    broken = replace(services.rooms, unit_of_work=lost, message_writer=sending)
    for attempt in (
        broken.send(one, room_id, "Hello", "mine"),
        broken.mark_read(one, room_id, 1),
        broken.leave(one, room_id),
    ):
        with pytest.raises(Unavailable):
            await attempt
    assert not services.pubsub.published
    room = await services.rooms.room(one, room_id)
    assert (room.last_seq, room.read_seq, room.left_by) == (1, 0, None)


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
        found = await services.rooms.messages_in_range(one, room_id, after, upto)
        assert [message.seq for message in found] == missed


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
    services.pubsub.published.clear()
    for seq in (0, 99, 1, 99):
        await services.rooms.mark_read(one, room_id, seq)
    assert services.pubsub.published == [ReadPositionChanged(Channel.room(room_id), one.id, 1)]


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

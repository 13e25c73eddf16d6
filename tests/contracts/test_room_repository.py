"""`RoomRepository`: one room a pair, locks, and messages numbered without gaps."""

from dataclasses import replace

import pytest

from sidepro.domain.errors import NotFound
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.room import Message, Participant, Room
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, no_room, nobody
from tests.contracts.concurrency import MANY, after_change, race
from tests.fakes.unit_of_work import FullUnitOfWork

pytestmark = pytest.mark.anyio


async def two_people(adapters: Adapters) -> tuple[UserId, UserId]:
    """Two users, the lower id first."""
    one, other = factories.user(), factories.user()
    await adapters.add(one, other)
    return min(one.id, other.id), max(one.id, other.id)


async def stored_messages(adapters: Adapters, room_id: RoomId) -> tuple[Message, ...]:
    return await adapters.rooms.messages(room_id, after=None, before=None, limit=1_000)


async def named(
    work: FullUnitOfWork, room_id: RoomId, sender: UserId, client_id: str
) -> Message | None:
    """The message with this client id."""
    name = (room_id, sender, client_id)
    return (await work.rooms.find_messages([name])).get(name)


# ---------------------------------------------------------------------------------------- rooms


async def test_a_room_comes_back_as_stored(adapters: Adapters) -> None:
    low, high = await two_people(adapters)
    room = factories.room(high, low, created_at=after(1), updated_at=after(2))
    await adapters.add(room)
    async with adapters.unit_of_work() as work:
        assert await work.rooms.get(room.id) == room
        assert await work.rooms.get(no_room()) is None


async def test_get_of_pair_accepts_either_order(adapters: Adapters) -> None:
    low, high = await two_people(adapters)
    third = factories.user()
    room = factories.room(low, high)
    await adapters.add(third, room, factories.room(low, third.id))
    async with adapters.unit_of_work() as work:
        assert await work.rooms.get_of_pair(low, high) == room
        assert await work.rooms.get_of_pair(high, low) == room
        assert await work.rooms.get_of_pair(high, third.id) is None


async def test_a_saved_room_comes_back_changed(adapters: Adapters) -> None:
    low, high = await two_people(adapters)
    room = factories.room(low, high)
    changed = replace(
        room,
        participants=(Participant(low, 3), Participant(high, 7)),
        left_by=high,
        last_seq=9,
        updated_at=after(1),
    )
    await adapters.add(room)
    async with adapters.unit_of_work() as work:
        await work.rooms.save(changed)
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert await work.rooms.get(room.id) == changed
        assert await work.rooms.get_of_pair(high, low) == changed


@pytest.mark.parametrize("place", [0, 1], ids=["low", "high"])
async def test_a_room_comes_back_without_a_withdrawn_participant(
    adapters: Adapters, place: int
) -> None:
    room = factories.room(*await two_people(adapters))
    low, high = room.participants
    deleted = replace(room.participants[place], user_id=None, read_seq=2)
    without = replace(room, participants=(deleted, high) if place == 0 else (low, deleted))
    await adapters.add(room)
    async with adapters.unit_of_work() as work:
        await work.rooms.save(without)
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert await work.rooms.get(room.id) == without


async def test_add_if_absent_returns_whether_the_room_was_stored(adapters: Adapters) -> None:
    low, high = await two_people(adapters)
    first, second = factories.room(low, high), factories.room(high, low)
    async with adapters.unit_of_work() as work:
        assert await work.rooms.add_if_absent(first)
        assert not await work.rooms.add_if_absent(second)
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert not await work.rooms.add_if_absent(second)
        assert await work.rooms.get_of_pair(low, high) == first
        assert await work.rooms.get(second.id) is None


@pytest.mark.parametrize("place", [0, 1])
async def test_add_if_absent_raises_not_found_for_an_unknown_user(
    adapters: Adapters, place: int
) -> None:
    user = factories.user()
    await adapters.add(user)
    room = factories.room(*[(user.id, nobody()), (nobody(), user.id)][place])
    with pytest.raises(NotFound):
        await adapters.add(room)
    async with adapters.unit_of_work() as work:
        assert await work.rooms.get(room.id) is None


async def test_concurrent_rooms_of_a_pair_are_stored_once(adapters: Adapters) -> None:
    low, high = await two_people(adapters)
    rooms = [
        factories.room(low, high) if index % 2 else factories.room(high, low)
        for index in range(MANY)
    ]

    async def ask(index: int) -> bool:
        async with adapters.unit_of_work() as work:
            stored = await work.rooms.add_if_absent(rooms[index])
            there = await work.rooms.get_of_pair(low, high)
            assert there is not None, "a call that stored nothing finds the other room"
            await work.commit()
        return stored

    results = await race(adapters, MANY, ask)
    assert results.count(True) == 1
    assert results.count(False) == MANY - 1
    async with adapters.unit_of_work() as work:
        assert await work.rooms.get_of_pair(low, high) == rooms[results.index(True)]
    assert await adapters.rooms.room_count(low) == await adapters.rooms.room_count(high) == 1


async def test_concurrent_rooms_of_different_pairs_are_all_stored(adapters: Adapters) -> None:
    host = factories.user()
    guests = [factories.user() for _ in range(MANY)]
    await adapters.add(host, *guests)

    async def ask(index: int) -> bool:
        async with adapters.unit_of_work() as work:
            stored = await work.rooms.add_if_absent(factories.room(host.id, guests[index].id))
            await work.commit()
        return stored

    assert await race(adapters, MANY, ask) == [True] * MANY
    assert await adapters.rooms.room_count(host.id) == MANY


async def test_get_locks_the_room(adapters: Adapters) -> None:
    room = factories.room(*await two_people(adapters))
    changed = replace(room, last_seq=1, updated_at=after(1))
    await adapters.add(room)
    got = await after_change(
        adapters, lambda work: work.rooms.get(room.id), lambda work: work.rooms.save(changed)
    )
    assert got == changed


async def test_get_of_pair_locks_the_room(adapters: Adapters) -> None:
    low, high = await two_people(adapters)
    room = factories.room(low, high)
    changed = replace(room, left_by=low)
    await adapters.add(room)
    got = await after_change(
        adapters,
        lambda work: work.rooms.get_of_pair(high, low),
        lambda work: work.rooms.save(changed),
    )
    assert got == changed


async def test_get_and_get_of_pair_share_a_lock(adapters: Adapters) -> None:
    low, high = await two_people(adapters)
    room = factories.room(low, high)
    await adapters.add(room)
    methods = iter(["get", "get_of_pair"])

    async def get(work: FullUnitOfWork) -> Room | None:
        if next(methods) == "get":
            return await work.rooms.get(room.id)
        return await work.rooms.get_of_pair(low, high)

    assert await after_change(adapters, get, lambda work: work.rooms.delete(room.id)) is None


async def test_a_locked_room_blocks_no_reader_of_another_room(adapters: Adapters) -> None:
    room = factories.room(*await two_people(adapters))
    await adapters.add(room)
    async with adapters.unit_of_work() as work:
        await work.rooms.get(room.id)
        assert await adapters.rooms.state(room.id) == room


async def test_delete_removes_the_room_with_its_messages(adapters: Adapters) -> None:
    low, high = await two_people(adapters)
    third = factories.user()
    deleted, stays = factories.room(low, high), factories.room(low, third.id)
    await adapters.add(
        third,
        deleted,
        stays,
        factories.message(deleted.id, 1, low, client_id="a"),
        factories.message(deleted.id, 2, high),
        factories.message(stays.id, 1, low, client_id="a"),
    )
    async with adapters.unit_of_work() as work:
        await work.rooms.delete(deleted.id)
        await work.commit()
    assert await stored_messages(adapters, deleted.id) == ()
    assert len(await stored_messages(adapters, stays.id)) == 1
    again = factories.room(low, high)
    async with adapters.unit_of_work() as work:
        assert await work.rooms.get(deleted.id) is None
        assert await work.rooms.get_of_pair(low, high) is None
        assert await named(work, deleted.id, low, "a") is None
        assert await work.rooms.add_if_absent(again)
        await work.commit()
    assert await adapters.rooms.state(again.id) == again


async def test_deleting_an_unknown_room_does_nothing(adapters: Adapters) -> None:
    async with adapters.unit_of_work() as work:
        await work.rooms.delete(no_room())
        await work.commit()


# ------------------------------------------------------------------------------------- messages


async def test_a_message_comes_back_as_stored(adapters: Adapters) -> None:
    low, high = await two_people(adapters)
    room = factories.room(low, high)
    named = factories.message(
        room.id, 1, high, body="커피 ☕\n" + "가" * 3_990, client_id="아이디 '1'", sent_at=after(1)
    )
    unnamed = factories.message(room.id, 2, low)
    await adapters.add(room, named, unnamed)
    assert await stored_messages(adapters, room.id) == (named, unnamed)


async def test_a_message_of_a_withdrawn_sender_has_no_sender(adapters: Adapters) -> None:
    room = factories.room(*await two_people(adapters))
    orphan = replace(factories.message(room.id, 1, nobody()), sender_id=None)
    await adapters.add(room, orphan)
    assert await stored_messages(adapters, room.id) == (orphan,)


async def test_find_messages_matches_client_ids_exactly(adapters: Adapters) -> None:
    low, high = await two_people(adapters)
    third = factories.user()
    room, other_room = factories.room(low, high), factories.room(low, third.id)
    message = factories.message(room.id, 1, low, client_id="Ａa-é")
    others = factories.message(room.id, 2, high, client_id="theirs")
    unnamed = factories.message(room.id, 3, low)
    await adapters.add(third, room, other_room, message, others, unnamed)
    async with adapters.unit_of_work() as work:
        assert await named(work, room.id, low, "Ａa-é") == message
        assert await named(work, room.id, high, "theirs") == others
        for stranger in ("Ａa-e\u0301", "ａa-é", "Aa-é", "Ａa-", "theirs", ""):
            assert await named(work, room.id, low, stranger) is None
        assert await named(work, room.id, high, "Ａa-é") is None
        assert await named(work, other_room.id, low, "Ａa-é") is None


async def test_two_senders_may_use_one_client_id(adapters: Adapters) -> None:
    low, high = await two_people(adapters)
    room = factories.room(low, high)
    messages = [
        factories.message(room.id, 1, low, client_id="1"),
        factories.message(room.id, 2, high, client_id="1"),
    ]
    await adapters.add(room, *messages)
    async with adapters.unit_of_work() as work:
        assert await named(work, room.id, low, "1") == messages[0]
        assert await named(work, room.id, high, "1") == messages[1]


async def test_concurrent_messages_are_numbered_without_gaps(adapters: Adapters) -> None:
    people = await two_people(adapters)
    room = factories.room(*people)
    await adapters.add(room)

    async def send(index: int) -> Message:
        async with adapters.unit_of_work() as work:
            current = await work.rooms.get(room.id)
            assert current is not None
            changed, message = current.with_message(
                people[index % 2], f"{index}", None, after(index)
            )
            await work.rooms.save(changed)
            await work.rooms.add_messages(message)
            await work.commit()
        return message

    sent = await race(adapters, MANY, send)
    stored = await stored_messages(adapters, room.id)
    assert [message.seq for message in stored] == list(range(1, MANY + 1))
    assert set(stored) == set(sent)
    state = await adapters.rooms.state(room.id)
    assert state is not None
    assert state.last_seq == MANY
    assert state.updated_at == after(MANY - 1)


async def test_concurrent_messages_with_one_client_id_are_stored_once(adapters: Adapters) -> None:
    low, high = await two_people(adapters)
    room = factories.room(low, high)
    await adapters.add(room)

    async def send(index: int) -> int:
        async with adapters.unit_of_work() as work:
            current = await work.rooms.get(room.id)
            assert current is not None
            message = await named(work, room.id, low, "once")
            if message is None:
                changed, message = current.with_message(low, f"{index}", "once", after(index))
                await work.rooms.save(changed)
                await work.rooms.add_messages(message)
                await work.commit()
        return message.seq

    assert await race(adapters, MANY, send) == [1] * MANY
    assert len(await stored_messages(adapters, room.id)) == 1


async def test_two_processes_share_the_numbers_of_a_room(adapters: Adapters) -> None:
    low, high = await two_people(adapters)
    room = factories.room(low, high)
    await adapters.add(room)
    both = (adapters, await adapters.another())

    async def send(index: int) -> None:
        async with both[index % 2].unit_of_work() as work:
            current = await work.rooms.get(room.id)
            assert current is not None
            changed, message = current.with_message(low, f"{index}", None, after(index))
            await work.rooms.save(changed)
            await work.rooms.add_messages(message)
            await work.commit()

    assert await race(adapters, 20, send) == [None] * 20
    stored = await stored_messages(adapters, room.id)
    assert [message.seq for message in stored] == list(range(1, 21))

"""`RoomRepository.get_unlocked` and `MessageWriter`: a locked room delays no other."""

import asyncio
import time

import pytest
from sqlalchemy import text

from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.domain.errors import NotFound, Unavailable
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms import message_writer
from sidepro.domain.rooms.message_writer import MessageWriter
from sidepro.domain.rooms.ports import RoomUnitOfWork
from sidepro.domain.rooms.room import Room
from tests import factories
from tests.clients import eventually
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, no_room

pytestmark = pytest.mark.anyio


async def rooms_of(adapters: Adapters, number: int) -> list[Room]:
    found = []
    for _ in range(number):
        one, other = factories.user(), factories.user()
        room = factories.room(one.id, other.id)
        await adapters.add(one, other, room)
        found.append(room)
    return found


def low_of(room: Room) -> UserId:
    low = room.participants[0].user_id
    assert low
    return low


def writer_of(adapters: Adapters) -> MessageWriter:
    return MessageWriter(adapters.unit_of_work, InProcessPubSub(), lambda: after(9))


async def bodies(adapters: Adapters, room_id: RoomId) -> list[tuple[int, str]]:
    found = await adapters.rooms.messages(room_id, after=0, before=None, limit=1_000)
    return [(message.seq, message.body) for message in found]


async def test_free_rooms_are_those_that_exist(adapters: Adapters) -> None:
    one, other = await rooms_of(adapters, 2)
    async with adapters.unit_of_work() as work:
        unlocked = await work.rooms.get_unlocked({one.id, other.id, no_room()})
    assert (unlocked.rooms, unlocked.locked) == ({one.id: one, other.id: other}, frozenset())


@pytest.mark.servers
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_held_room_is_told_from_an_absent_one_without_waiting(adapters: Adapters) -> None:
    one, other = await rooms_of(adapters, 2)
    async with adapters.unit_of_work() as holder:
        await holder.rooms.get(one.id)
        async with asyncio.timeout(3), adapters.unit_of_work() as work:
            unlocked = await work.rooms.get_unlocked({one.id, other.id, no_room()})
    assert (unlocked.rooms, unlocked.locked) == ({other.id: other}, frozenset({one.id}))


@pytest.mark.servers
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_held_room_is_tried_less_and_less_often(adapters: Adapters) -> None:
    """Else the attempts would use a sixth of a processor."""
    [locked] = await rooms_of(adapters, 1)
    began = time.monotonic()
    attempts: list[float] = []

    def counted() -> RoomUnitOfWork:
        attempts.append(time.monotonic() - began)
        return adapters.unit_of_work()

    writer = MessageWriter(counted, InProcessPubSub(), lambda: after(9))
    async with adapters.unit_of_work() as holder:
        await holder.rooms.get(locked.id)
        waiting = asyncio.ensure_future(writer.write(low_of(locked), locked.id, "1", None))
        await eventually(lambda: len(attempts) == 10)
    await waiting
    assert attempts[9] - attempts[0] >= 0.01 + 0.02 + 0.04 + 5 * 0.05


@pytest.mark.servers
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_held_room_does_not_stop_the_messages_of_others(adapters: Adapters) -> None:
    locked, other = await rooms_of(adapters, 2)
    writer = writer_of(adapters)
    async with adapters.unit_of_work() as holder:
        await holder.rooms.get(locked.id)
        waiting = [
            asyncio.ensure_future(writer.write(low_of(locked), locked.id, str(n), None))
            for n in range(3)
        ]
        for n in range(5):
            began = time.monotonic()
            await writer.write(low_of(other), other.id, str(n), None)
            assert time.monotonic() - began < 3
            waiting.append(
                asyncio.ensure_future(writer.write(low_of(locked), locked.id, str(n + 3), None))
            )
        assert not any(one.done() for one in waiting)
    results = await asyncio.gather(*waiting)
    assert [result.message.seq for result in results] == list(range(1, 9))
    assert await bodies(adapters, locked.id) == [(n + 1, str(n)) for n in range(8)]
    assert await bodies(adapters, other.id) == [(n + 1, str(n)) for n in range(5)]


@pytest.mark.servers
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_room_that_stays_held_is_unavailable(
    adapters: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_writer, "LOCKED_TIMEOUT", 0.2)
    (locked,) = await rooms_of(adapters, 1)
    writer = writer_of(adapters)
    async with adapters.unit_of_work() as holder:
        await holder.rooms.get(locked.id)
        with pytest.raises(Unavailable):
            async with asyncio.timeout(2):
                await writer.write(low_of(locked), locked.id, "hello", "mine")
    assert (await writer.write(low_of(locked), locked.id, "hello", "mine")).message.seq == 1


@pytest.mark.servers
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_many_messages_wait_for_a_locked_table_no_longer_than_one(
    adapters: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_writer, "LOCKED_TIMEOUT", 0.5)
    monkeypatch.setattr(message_writer, "MAX_ALONE", 0.2)
    found = await rooms_of(adapters, 30)
    writer = writer_of(adapters)
    assert adapters.database
    async with adapters.database.writing() as holder:
        await holder.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
        async with asyncio.timeout(5):  # one by one, each attempt takes six seconds
            results = await asyncio.gather(
                *(writer.write(low_of(room), room.id, "hello", "mine") for room in found),
                return_exceptions=True,
            )
    assert {type(result) for result in results} == {Unavailable}
    for room in found:
        assert (await writer.write(low_of(room), room.id, "hello", "mine")).message.seq == 1


@pytest.mark.servers
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_sender_who_is_being_deleted_delays_the_batch_for_a_moment(
    adapters: Adapters,
) -> None:
    leaving, other = await rooms_of(adapters, 2)
    writer = writer_of(adapters)
    async with adapters.unit_of_work() as withdrawal:
        await withdrawal.users.delete(low_of(leaving))
        results = [
            asyncio.ensure_future(writer.write(low_of(room), room.id, "hello", None))
            for room in (leaving, other)
        ]
        async with asyncio.timeout(4):
            assert (await results[1]).message.seq == 1
        assert not results[0].done()
        await withdrawal.commit()
    with pytest.raises(NotFound):
        await results[0]


@pytest.mark.servers
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_two_processes_in_one_room_store_all_messages_in_order(adapters: Adapters) -> None:
    (room,) = await rooms_of(adapters, 1)
    writers = [writer_of(adapters), writer_of(await adapters.another())]
    results = await asyncio.gather(
        *(writers[n % 2].write(low_of(room), room.id, f"{n:03}", None) for n in range(300))
    )
    assert sorted(result.message.seq for result in results) == list(range(1, 301))
    stored = [body for _, body in await bodies(adapters, room.id)]
    for process in (0, 1):
        own = [body for body in stored if int(body) % 2 == process]
        assert own == sorted(own)

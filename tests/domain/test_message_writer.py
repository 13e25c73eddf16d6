"""`MessageWriter`: batches, isolation of failures, and publishing after the commit."""

import asyncio
import gc
from collections.abc import Sequence

import pytest

from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.domain.channels import Channel, Event
from sidepro.domain.errors import InvalidInput, NotFound, RoomPending, Unavailable
from sidepro.domain.idempotency import IdempotencyKey, IdempotentRequest
from sidepro.domain.identity import Caller
from sidepro.domain.ids import RoomId
from sidepro.domain.rooms import message_writer
from sidepro.domain.rooms.events import MessageSent
from sidepro.domain.rooms.message_writer import (
    MAX_BATCH,
    MessageWriter,
    PendingMessage,
    WriteResult,
)
from sidepro.domain.rooms.room import Message
from sidepro.domain.waiting import REQUEST_WAITS, current_waits
from tests.domain.services import Services, awaited
from tests.factories import new_id


class CountedUnits:
    """Counts the units of work that it opens; the next ones can fail."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.opened = 0
        self.failing = 0

    def __call__(self):  # type: ignore[no-untyped-def]  # one of two kinds of unit of work
        self.opened += 1
        if self.failing:
            self.failing -= 1
            return self._services.broken_unit_of_work()
        return self._services.store.unit_of_work()


def line(services: Services) -> tuple[MessageWriter, CountedUnits]:
    units = CountedUnits(services)
    return MessageWriter(units, services.pubsub, services.clock), units


async def said(services: Services, room_id: RoomId) -> list[tuple[int, str]]:
    found = await services.reader.messages(room_id, after=0, before=None, limit=10_000)
    return [(message.seq, message.body) for message in found]


def all_sent(results: Sequence[object]) -> list[Message]:
    messages = []
    for result in results:
        assert isinstance(result, WriteResult), result
        messages.append(result.message)
    return messages


@awaited
async def test_messages_during_a_commit_form_one_batch_in_order(
    services: Services,
) -> None:
    one, other, room_id = await services.chat()
    sending, units = line(services)
    people = [one, other]
    results = await asyncio.gather(
        *(sending.write(people[n % 2].id, room_id, str(n), None) for n in range(21))
    )
    assert [message.seq for message in all_sent(results)] == list(range(1, 22))
    assert await said(services, room_id) == [(n + 1, str(n)) for n in range(21)]
    assert units.opened == 1


@awaited
async def test_messages_wait_until_they_are_stored(services: Services) -> None:
    one, _, room_id = await services.chat()
    sending, _ = line(services)
    begun, may_end = asyncio.Event(), asyncio.Event()

    class Slow:
        async def __aenter__(self) -> object:
            begun.set()
            await may_end.wait()
            raise Unavailable

        async def __aexit__(self, *_: object) -> None:
            raise AssertionError

    sending._unit_of_work = Slow  # type: ignore[assignment] # never entered
    writes = [asyncio.create_task(sending.write(one.id, room_id, str(n), None)) for n in range(3)]
    await begun.wait()
    assert sending.waiting == 3
    assert 0 < sending.oldest_age() < 10
    may_end.set()
    await asyncio.gather(*writes, return_exceptions=True)
    assert (sending.waiting, sending.oldest_age()) == (0, 0)


@awaited
async def test_a_message_that_waited_for_a_batch_in_vain_waits_for_no_other(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_writer, "LONG_WAIT", 0.05)
    one, _, room_id = await services.chat()
    sending, units = line(services)
    begun, may_end = asyncio.Event(), asyncio.Event()

    class Slow:
        async def __aenter__(self) -> object:
            begun.set()
            await may_end.wait()
            raise Unavailable

        async def __aexit__(self, *_: object) -> None:
            raise AssertionError

    async def write(body: str) -> WriteResult:
        return await sending.write(one.id, room_id, body, None)

    sending._unit_of_work = Slow  # type: ignore[assignment] # never entered
    stored = asyncio.create_task(write("in the batch"))
    await begun.wait()
    long = asyncio.create_task(write("waits long"))
    await asyncio.sleep(0.1)
    short = asyncio.create_task(write("waits shortly"))
    await asyncio.sleep(0)
    sending._unit_of_work = units
    may_end.set()
    results = await asyncio.gather(stored, long, short, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable, Unavailable, WriteResult]


@awaited
async def test_a_batch_that_was_contended_for_long_fails_as_a_whole(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited for a table: one by one, its messages would wait as long again."""
    monkeypatch.setattr(message_writer, "MAX_TOGETHER", 0.05)
    one, _, room_id = await services.chat()
    sending, _ = line(services)
    attempts = 0

    class Contended:
        async def __aenter__(self) -> object:
            nonlocal attempts
            attempts += 1
            await asyncio.sleep(0.1)
            error = Unavailable()
            error.is_contended = True
            raise error

        async def __aexit__(self, *_: object) -> None:
            raise AssertionError

    sending._unit_of_work = Contended  # type: ignore[assignment] # never entered
    results = await asyncio.gather(
        *(sending.write(one.id, room_id, str(n), None) for n in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [Unavailable] * 3
    assert attempts == 1


@awaited
async def test_each_batch_may_wait_for_the_database_as_long_as_a_request(
    services: Services,
) -> None:
    one, _, room_id = await services.chat()
    sending, units = line(services)
    left: list[float] = []

    def waits() -> object:
        found = current_waits()
        assert found
        left.append(found.left)
        found.count(5.0)
        return units()

    sending._unit_of_work = waits  # type: ignore[assignment] # as `units`
    for _ in range(2):
        await sending.write(one.id, room_id, "hello", None)
    assert left == [REQUEST_WAITS] * 2


@awaited
async def test_a_batch_has_a_maximum_size(services: Services) -> None:
    one, _, room_id = await services.chat()
    sending, units = line(services)
    await asyncio.gather(
        *(sending.write(one.id, room_id, str(n), None) for n in range(MAX_BATCH + 1))
    )
    assert await said(services, room_id) == [(n + 1, str(n)) for n in range(MAX_BATCH + 1)]
    assert units.opened == 2


@awaited
async def test_a_failed_publish_fails_its_sender_only(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _, room_id = await services.chat()
    sending, _ = line(services)
    publish = services.pubsub.publish

    async def breaks(event: Event) -> None:
        if isinstance(event, MessageSent) and event.message.body == "1":
            raise ZeroDivisionError
        await publish(event)

    monkeypatch.setattr(services.pubsub, "publish", breaks)
    results = await asyncio.wait_for(
        asyncio.gather(
            *(sending.write(one.id, room_id, str(n), None) for n in range(4)),
            return_exceptions=True,
        ),
        10,
    )
    assert isinstance(results.pop(1), ZeroDivisionError)
    assert [message.body for message in all_sent(results)] == ["0", "2", "3"]


@awaited
async def test_each_room_has_its_own_numbers(services: Services) -> None:
    chats = [await services.chat() for _ in range(3)]
    sending, units = line(services)
    await asyncio.gather(
        *(
            sending.write(one.id, room_id, str(n), None)
            for n in range(4)
            for one, _, room_id in chats
        )
    )
    for _, _, room_id in chats:
        assert await said(services, room_id) == [(1, "0"), (2, "1"), (3, "2"), (4, "3")]
    assert units.opened == 1


@awaited
async def test_a_rejected_message_does_not_affect_its_batch(services: Services) -> None:
    one, other, room_id = await services.chat()
    left, leaver, pending = await services.chat()
    await services.rooms.leave(leaver, pending)
    stranger = await services.person()
    sending, units = line(services)
    writes: list[tuple[Caller, RoomId, str, str | None, type[Exception] | None]] = [
        (one, room_id, "first", None, None),
        (one, room_id, " ", None, InvalidInput),
        (stranger, room_id, "let me in", None, NotFound),
        (left, pending, "are you there?", None, RoomPending),
        (one, RoomId(new_id()), "nowhere", None, NotFound),
        (one, room_id, "badly named", "x\n", InvalidInput),
        (other, room_id, "second", "mine", None),
    ]
    results = await asyncio.gather(
        *(sending.write(who.id, room, body, name) for who, room, body, name, _ in writes),
        return_exceptions=True,
    )
    for result, (*_, expected) in zip(results, writes, strict=True):
        assert type(result) is (expected or WriteResult)
    assert await said(services, room_id) == [(1, "first"), (2, "second")]
    assert await said(services, pending) == []
    assert units.opened == 1


@awaited
async def test_a_client_id_twice_in_a_batch_is_one_message(services: Services) -> None:
    one, other, room_id = await services.chat()
    sending, _ = line(services)
    first, again, others = await asyncio.gather(
        sending.write(one.id, room_id, "hello", "same"),
        sending.write(one.id, room_id, "another body", "same"),
        sending.write(other.id, room_id, "hi", "same"),
    )
    assert (first.duplicate, again.duplicate, others.duplicate) == (False, True, False)
    assert first.message == again.message
    assert await said(services, room_id) == [(1, "hello"), (2, "hi")]


@awaited
async def test_an_unavailable_store_fails_the_batch_and_not_the_next(
    services: Services,
) -> None:
    one, _, room_id = await services.chat()
    sending, units = line(services)
    units.failing = 1
    results = await asyncio.gather(
        *(sending.write(one.id, room_id, str(n), None) for n in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [Unavailable] * 3
    sent = await sending.write(one.id, room_id, "again", None)
    assert sent.message.seq == 1
    assert await said(services, room_id) == [(1, "again")]


@awaited
async def test_a_withdrawing_sender_does_not_fail_the_batch(services: Services) -> None:
    one, other, room_id = await services.chat()
    going, _, elsewhere = await services.chat()
    async with services.store.unit_of_work() as work:
        await work.users.delete(going.id)  # the room still has the sender as a participant
        await work.commit()
    sending, _ = line(services)
    results = await asyncio.gather(
        sending.write(one.id, room_id, "first", None),
        sending.write(going.id, elsewhere, "farewell", None),
        sending.write(other.id, room_id, "second", None),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [WriteResult, NotFound, WriteResult]
    assert await said(services, room_id) == [(1, "first"), (2, "second")]


@awaited
async def test_a_message_of_a_cancelled_caller_is_stored_and_published(
    services: Services,
) -> None:
    one, _, room_id = await services.chat()
    sending, _ = line(services)
    services.pubsub.published.clear()
    asking = asyncio.create_task(sending.write(one.id, room_id, "hello", None))
    await asyncio.sleep(0)
    asking.cancel()
    await sending.write(one.id, room_id, "still here", None)
    assert await said(services, room_id) == [(1, "hello"), (2, "still here")]
    numbers = [
        event.message.seq for event in services.pubsub.published if isinstance(event, MessageSent)
    ]
    assert numbers == [1, 2]


@awaited
async def test_close_waits_for_pending_messages(services: Services) -> None:
    one, _, room_id = await services.chat()
    sending, _ = line(services)
    asking = asyncio.create_task(sending.write(one.id, room_id, "hello", None))
    await asyncio.sleep(0)
    await sending.close()
    assert await said(services, room_id) == [(1, "hello")]
    await asking


@awaited
async def test_a_duplicate_is_published_again(services: Services) -> None:
    one, _, room_id = await services.chat()
    first, _ = await services.rooms.send(one, room_id, "hello", "same")
    services.pubsub.published.clear()
    again, repeated = await services.rooms.send(one, room_id, "hello", "same")
    assert (again, repeated) == (first, True)
    assert services.pubsub.published == [MessageSent(Channel.room(room_id), first)]


@pytest.mark.parametrize("is_idempotent", [False, True])
@awaited
async def test_a_refused_message_is_freed_without_a_garbage_collection(
    services: Services, is_idempotent: bool
) -> None:
    one, _, room_id = await services.chat()
    key = IdempotencyKey(one.id, "POST /x", "key")
    request: IdempotentRequest[WriteResult] = IdempotentRequest(key, b"", lambda _: b"")
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(InvalidInput):
            await services.rooms.send(
                one, room_id, "a", "x" * 65, request if is_idempotent else None
            )
        await asyncio.sleep(0)  # the loop lets go of the future
        left = [each for each in gc.get_objects() if isinstance(each, PendingMessage)]
    finally:
        gc.enable()
    assert left == []


def test_an_unused_writer_closes() -> None:
    async def close() -> None:
        def none():  # type: ignore[no-untyped-def]  # never called
            pytest.fail("nothing is to be stored")

        await MessageWriter(none, InProcessPubSub(), none).close()

    asyncio.run(close())

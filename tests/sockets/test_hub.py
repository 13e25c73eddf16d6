"""The hub's delivery over a feed that repeats, reorders or drops events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sidepro.api.chat import room_events
from sidepro.api.chat.session import REPLAY_BATCH
from sidepro.domain import errors
from sidepro.domain.channels import Event, ResyncRequired
from sidepro.domain.rooms.events import ReadPositionChanged, Typing
from tests.clients import TIMEOUT, eventually

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sidepro.domain.ids import RoomId
    from sidepro.domain.rooms.room import Room
from tests.sockets.hub_chat import Chat, outbox_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "delivered",
    [
        [1, 2, 3, 4],
        [1, 1, 2, 2, 2, 3, 4, 4],
        [4],
        [2, 4],
        [4, 3, 2, 1],
        [2, 1, 4, 3],
        [3, 1, 3, 2, 4, 1],
    ],
    ids=str,
)
async def test_any_order_of_events_gives_one_order_of_messages(
    chat: Chat, delivered: list[int]
) -> None:
    async with chat.socket() as client:
        events = await chat.store_unpublished(4)
        await chat.pubsub.deliver(*(events[number - 1] for number in delivered))
        assert await client.numbers(4) == [1, 2, 3, 4]
        # nothing more
        await chat.rooms.typing(chat.other, chat.room.id)
        await client.expect("typing")


async def test_a_gap_longer_than_a_batch_is_filled(chat: Chat) -> None:
    count = REPLAY_BATCH * 2 + 7
    async with chat.socket() as client:
        events = await chat.store_unpublished(count)
        await chat.pubsub.deliver(events[-1])
        assert await client.numbers(count) == list(range(1, count + 1))


@pytest.mark.parametrize("after", [None, 0, 1, 3, 9])
async def test_events_of_earlier_messages_are_dropped(chat: Chat, after: int | None) -> None:
    events = await chat.store_unpublished(3)
    async with chat.socket(after=after, started=False) as client:
        hello = await client.expect("hello")
        assert hello["last_seq"] == 3
        missed = [] if after is None else list(range(after + 1, 4))
        assert await client.numbers(len(missed)) == missed
        await client.expect("status")
        await chat.pubsub.deliver(*events)
        await chat.rooms.send(chat.one, chat.room.id, "four", None)
        assert await client.numbers(1) == [4]


async def test_messages_sent_during_the_replay_follow_it(chat: Chat) -> None:
    await chat.store_unpublished(3)
    chat.reader.unblocked.clear()
    async with chat.socket(after=0, started=False) as client:
        await client.expect("hello")
        await chat.reader.is_reading.wait()
        for _ in range(3):
            await chat.rooms.send(chat.other, chat.room.id, "meanwhile", None)
        chat.reader.unblocked.set()
        assert await client.numbers(3) == [1, 2, 3]
        await client.expect("status")
        assert await client.numbers(3) == [4, 5, 6]


async def test_a_duplicate_is_answered_at_once_and_fills_no_gap(chat: Chat) -> None:
    async with chat.socket() as client:
        client.send_frame("send", client_id="a", body="first")
        assert await client.numbers(1) == [1]
        await chat.store_unpublished(2)  # not delivered to this socket
        client.send_frame("send", client_id="a", body="again")
        assert await client.numbers(1) == [1]
        await chat.rooms.send(chat.other, chat.room.id, "four", None)
        assert await client.numbers(3) == [2, 3, 4]


async def test_an_unpublished_message_is_published_when_it_is_repeated(
    chat: Chat,
) -> None:
    """Its first process died after the commit and before publishing."""
    async with chat.socket() as client, chat.socket(chat.other) as theirs:
        await client.expect("status")
        chat.pubsub.buffer = buffer = list[Event]()
        client.send_frame("send", client_id="a", body="stored")
        client.send_frame("typing")
        await eventually(lambda: any(isinstance(event, Typing) for event in buffer))
        chat.pubsub.buffer = None
        client.send_frame("send", client_id="a", body="stored")
        assert await theirs.numbers(1) == [1]
        assert (await client.expect("message"))["message"]["client_id"] == "a"


async def test_a_resync_reads_messages_positions_and_status(chat: Chat) -> None:
    async with chat.socket() as client:
        await chat.store_unpublished(3)
        chat.pubsub.buffer = []
        await chat.rooms.mark_read(chat.other, chat.room.id, 2)
        await chat.presence.connect(chat.channel, chat.other.id, "elsewhere")
        chat.pubsub.buffer = None
        await chat.pubsub.deliver(ResyncRequired(chat.channel))
        assert await client.numbers(3) == [1, 2, 3]
        read = await client.expect("read")
        assert (read["user_id"], read["seq"]) == (str(chat.other.id), 2)
        both = sorted([str(chat.one.id), str(chat.other.id)])
        assert (await client.expect("status"))["online"] == both
        await chat.rooms.send(chat.other, chat.room.id, "four", None)
        assert await client.numbers(1) == [4]


@pytest.mark.parametrize("failure", [errors.Unavailable(), RuntimeError("a defect")])
async def test_a_failed_resync_is_retried(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr(room_events, "RETRY_DELAY", 0.01)
    async with chat.socket() as client, chat.socket(chat.other) as theirs:
        await client.expect("status")
        await chat.store_unpublished(3)
        chat.pubsub.buffer = []
        await chat.rooms.mark_read(chat.other, chat.room.id, 2)
        await chat.rooms.leave(chat.other, chat.room.id)
        chat.pubsub.buffer = None
        chat.reader.failures, chat.reader.failure = 3, failure
        await chat.pubsub.deliver(ResyncRequired(chat.channel))
        assert await client.numbers(3) == [1, 2, 3]
        assert (await client.expect("read"))["seq"] == 2
        assert (await client.expect("status"))["status"] == "pending"
        assert await theirs.closed() == 4404
        assert chat.reader.failures == 0


async def test_messages_are_delivered_while_a_resync_is_retried(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_events, "RETRY_DELAY", 2 * TIMEOUT)
    async with chat.socket() as client:
        chat.reader.failures = 1
        await chat.pubsub.deliver(ResyncRequired(chat.channel))
        await eventually(lambda: chat.reader.failures == 0)
        await chat.rooms.send(chat.other, chat.room.id, "one", None)
        assert await client.numbers(1) == [1]


async def test_a_read_position_never_goes_back(chat: Chat) -> None:
    await chat.store_unpublished(3)
    async with chat.socket() as client:
        for seq in (2, 1, 2, 3):
            await chat.pubsub.deliver(ReadPositionChanged(chat.channel, chat.other.id, seq))
        await chat.pubsub.deliver(ReadPositionChanged(chat.channel, chat.one.id, 1))
        frames = [await client.expect("read") for _ in range(3)]
        assert [(read["user_id"], read["seq"]) for read in frames] == [
            (str(chat.other.id), 2),
            (str(chat.other.id), 3),
            (str(chat.one.id), 1),
        ]


async def test_read_positions_from_before_the_hello_are_not_sent_again(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    await chat.store_unpublished(3)
    unblocked, read_room = asyncio.Event(), chat.reader.room

    async def delayed(*arguments: Any) -> Any:
        await unblocked.wait()
        return await read_room(*arguments)

    monkeypatch.setattr(chat.reader, "room", delayed)
    async with chat.socket(started=False) as client:
        await eventually(lambda: chat.hub.sockets == 1)
        for reader, seq in ((chat.one, 1), (chat.other, 1), (chat.other, 2)):
            await chat.rooms.mark_read(reader, chat.room.id, seq)
        unblocked.set()
        room = (await client.expect("hello"))["room"]
        assert (room["read_seq"], room["participant_read_seq"]) == (1, 2)
        await client.expect("status")
        await chat.rooms.mark_read(chat.other, chat.room.id, 3)
        assert (await client.expect("read"))["seq"] == 3


async def test_a_resync_without_changes_sends_nothing(chat: Chat) -> None:
    async with chat.socket() as client:
        await chat.rooms.send(chat.other, chat.room.id, "one", None)
        assert await client.numbers(1) == [1]
        await chat.rooms.mark_read(chat.one, chat.room.id, 1)
        await client.expect("read")
        await chat.pubsub.deliver(ResyncRequired(chat.channel))
        for _ in range(10):
            await asyncio.sleep(0)
        await chat.rooms.typing(chat.other, chat.room.id)
        await client.expect("typing")


async def test_a_resync_closes_the_sockets_of_a_user_who_left(chat: Chat) -> None:
    async with chat.socket() as client, chat.socket(chat.other) as theirs:
        chat.pubsub.buffer = []
        await chat.rooms.leave(chat.one, chat.room.id)
        chat.pubsub.buffer = None
        await chat.pubsub.deliver(ResyncRequired(chat.channel))
        assert await client.closed() == 4404
        while (await theirs.expect("status"))["status"] != "pending":
            pass


async def test_a_user_who_reopens_the_room_during_a_resync_stays_connected(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_states, unblocked = chat.rooms.reader.states, asyncio.Event()

    async def slowly(room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        found = await read_states(room_ids)
        await unblocked.wait()
        return found

    before, after = outbox_of(chat.one), outbox_of(chat.one)
    await chat.hub.join(chat.channel, before)
    chat.pubsub.buffer = []
    await chat.rooms.leave(chat.one, chat.room.id)
    monkeypatch.setattr(chat.reader, "states", slowly)
    await chat.pubsub.deliver(ResyncRequired(chat.channel))
    await asyncio.sleep(0)
    await chat.save(chat.room)
    await chat.hub.join(chat.channel, after)
    unblocked.set()
    async with asyncio.timeout(TIMEOUT):
        assert await before.closed == 4404
    assert not after.closed.done()


async def test_a_resync_closes_all_sockets_of_a_deleted_room(chat: Chat) -> None:
    async with chat.socket() as client, chat.socket(chat.other) as theirs:
        async with chat.store.unit_of_work() as work:
            await work.rooms.delete(chat.room.id)
            await work.commit()
        await chat.pubsub.deliver(ResyncRequired(chat.channel))
        assert await client.closed() == await theirs.closed() == 4404

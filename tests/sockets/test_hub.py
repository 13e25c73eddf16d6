"""The hub and the chat session over an unreliable pub/sub, without a server.

Events may arrive twice, late, in any order, or not at all; every socket gets 1, 2, 3 … all the
same.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from sidepro.adapters.in_process.presence import InProcessPresence
from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.api.chat import room_events
from sidepro.api.chat.close_codes import CloseCode, close_code
from sidepro.api.chat.hub import Hub
from sidepro.api.chat.limits import MAX_BAD_FRAMES
from sidepro.api.chat.outbox import OUTBOX_SIZE, Outbox
from sidepro.api.chat.room_events import RoomEventHandler
from sidepro.api.chat.session import REPLAY_BATCH, ChatSession
from sidepro.domain import errors
from sidepro.domain.channels import ROOM, Channel, Event, Listener, ResyncRequired, StatusChanged
from sidepro.domain.rooms.events import MessageSent, ReadPositionChanged, RoomClosed
from sidepro.domain.rooms.message_writer import MessageWriter
from sidepro.domain.rooms.room_service import RoomService
from tests import factories
from tests.clients import TIMEOUT, eventually
from tests.fakes.readers import MemoryReader
from tests.fakes.store import MemoryStore
from tests.fakes.unit_of_work import FullUnitOfWork

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence, Set

    from sidepro.domain.identity import Caller
    from sidepro.domain.ids import RoomId, SessionId
    from sidepro.domain.rooms.room import Message, Room

pytestmark = pytest.mark.anyio


class UnreliablePubSub(InProcessPubSub):
    """Holds events back while `buffer` is a list, and subscription changes until `unblocked`."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer: list[Event] | None = None
        self.unblocked = asyncio.Event()
        self.unblocked.set()
        self.is_waiting = asyncio.Event()

    async def publish(self, event: Event) -> None:
        if self.buffer is None:
            await super().publish(event)
        else:
            self.buffer.append(event)

    async def deliver(self, *events: Event) -> None:
        """Deliver events now, in this order."""
        for event in events:
            await super().publish(event)

    async def subscribe(self, channel: Channel, listener: Listener) -> None:
        await self._wait()
        await super().subscribe(channel, listener)

    async def unsubscribe(self, channel: Channel, listener: Listener) -> None:
        await self._wait()
        await super().unsubscribe(channel, listener)

    async def _wait(self) -> None:
        if not self.unblocked.is_set():
            self.is_waiting.set()
        await self.unblocked.wait()


class UnreliableReader(MemoryReader):
    """Fails `failures` times, and reads messages only while `unblocked` is set."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.failures = 0
        self.failure: Exception = errors.Unavailable()
        self.unblocked = asyncio.Event()
        self.unblocked.set()
        self.is_reading = asyncio.Event()

    async def states(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        if self.failures:
            self.failures -= 1
            raise self.failure
        return await super().states(room_ids)

    async def messages(
        self, room_id: RoomId, *, after: int | None, before: int | None, limit: int
    ) -> tuple[Message, ...]:
        self.is_reading.set()
        await self.unblocked.wait()
        return await super().messages(room_id, after=after, before=before, limit=limit)


class Client:
    """The client side of a socket."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.can_read = asyncio.Event()
        self.can_read.set()
        self.session: asyncio.Task[CloseCode | None] | None = None

    # called by the session

    async def send(self, event: dict[str, Any]) -> None:
        await self.can_read.wait()
        self.frames.put_nowait(json.loads(event["text"]))

    async def receive(self) -> dict[str, Any]:
        return await self.events.get()

    # called by the tests

    def send_frame(self, kind: str, **members: object) -> None:
        text = json.dumps({"type": kind, **members})
        self.events.put_nowait({"type": "websocket.receive", "text": text})

    def disconnect(self) -> None:
        self.events.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def expect(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT):
            frame = await self.frames.get()
        assert frame["type"] == kind, f"expected {kind}, got {frame}"
        return frame

    async def numbers(self, count: int) -> list[int]:
        return [(await self.expect("message"))["message"]["seq"] for _ in range(count)]

    async def closed(self) -> CloseCode | None:
        assert self.session is not None
        async with asyncio.timeout(TIMEOUT):
            return await self.session


@dataclass
class Chat:
    """A room of two people with in-memory stores, and the hub."""

    one: Caller
    other: Caller
    room: Room
    store: MemoryStore
    reader: UnreliableReader
    pubsub: UnreliablePubSub = field(default_factory=UnreliablePubSub)
    presence: InProcessPresence = field(default_factory=InProcessPresence)
    is_down: bool = False

    def __post_init__(self) -> None:
        self.rooms = RoomService(
            unit_of_work=self.unit_of_work,
            reader=self.reader,
            events=self.pubsub,
            presence=self.presence,
            message_writer=MessageWriter(self.unit_of_work, self.pubsub, factories.SetClock()),
            clock=factories.SetClock(),
            new_id=factories.new_id,
        )
        self.hub = Hub(self.pubsub, {ROOM: RoomEventHandler(self.rooms)})
        self.channel = Channel.room(self.room.id)

    @classmethod
    async def create(cls) -> Chat:
        store = MemoryStore(factories.CATALOGUE)
        users = [factories.user(), factories.user()]
        room = factories.room(users[0].id, users[1].id)
        async with store.unit_of_work() as work:
            for user in users:
                await work.users.add(user)
            await work.rooms.add_if_absent(room)
            await work.commit()
        one, other = map(factories.caller, users)
        return cls(one, other, room, store, UnreliableReader(store))

    def unit_of_work(self) -> FullUnitOfWork:
        if self.is_down:
            raise errors.Unavailable
        return self.store.unit_of_work()

    async def store_unpublished(self, count: int) -> Sequence[MessageSent]:
        """Store messages; return their events, which are not published."""
        self.pubsub.buffer = buffer = list[Event]()
        for _ in range(count):
            await self.rooms.send(self.other, self.room.id, "안녕하세요", None)
        self.pubsub.buffer = None
        return cast("list[MessageSent]", buffer)

    @asynccontextmanager
    async def socket(
        self, caller: Caller | None = None, after: int | None = None, *, started: bool = True
    ) -> AsyncIterator[Client]:
        """A socket; with `started`, its first frames have been read."""
        client = Client()
        session = ChatSession(
            cast("Any", client),
            caller or self.one,
            self.room.id,
            self.hub,
            self.rooms,
            factories.new_id().hex,
        )
        client.session = asyncio.create_task(session.run(after))
        if started:
            hello = await client.expect("hello")
            await client.numbers(hello["last_seq"] - after if after is not None else 0)
            await client.expect("status")
        try:
            yield client
        finally:
            client.can_read.set()
            client.disconnect()
            await asyncio.gather(client.session, return_exceptions=True)


@pytest.fixture
async def chat() -> Chat:
    return await Chat.create()


# -------------------------------------------------------------------------- unreliable delivery


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
        await eventually(lambda: len(buffer) == 2)
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
    await chat.rooms.open(chat.one, chat.other.id)
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


# --------------------------------------------------------------------------- joining and leaving


def outbox_of(person: Caller) -> Outbox:
    return Outbox(person.id, person.session_id)


async def test_a_socket_that_joins_while_the_last_one_leaves_gets_events(chat: Chat) -> None:
    leaving, joining = outbox_of(chat.one), outbox_of(chat.other)
    await chat.hub.join(chat.channel, leaving)
    chat.pubsub.unblocked.clear()
    leave = asyncio.create_task(chat.hub.leave(chat.channel, leaving))
    await chat.pubsub.is_waiting.wait()
    join = asyncio.create_task(chat.hub.join(chat.channel, joining))
    for _ in range(10):
        await asyncio.sleep(0)
    chat.pubsub.unblocked.set()
    await asyncio.gather(leave, join)

    await chat.pubsub.deliver(ReadPositionChanged(chat.channel, chat.one.id, 1))
    assert len(joining.frames) == 1
    assert leaving.frames.empty()
    await chat.hub.leave(chat.channel, joining)
    await chat.pubsub.deliver(ReadPositionChanged(chat.channel, chat.one.id, 2))
    assert len(joining.frames) == 1


async def test_sockets_may_join_and_leave_in_any_order(chat: Chat) -> None:
    outboxes = [outbox_of(chat.one) for _ in range(20)]

    async def visit(outbox: Outbox, times: int) -> None:
        for _ in range(times):
            await chat.hub.join(chat.channel, outbox)
            await asyncio.sleep(0)
            await chat.hub.leave(chat.channel, outbox)
        await chat.hub.join(chat.channel, outbox)

    await asyncio.gather(*(visit(outbox, times) for times, outbox in enumerate(outboxes)))
    assert all(outbox.frames.empty() for outbox in outboxes)
    await chat.pubsub.deliver(ReadPositionChanged(chat.channel, chat.one.id, 1))
    assert [len(outbox.frames) for outbox in outboxes] == [1] * 20


async def test_a_failed_subscription_is_retried_by_the_next_socket(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise errors.Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(chat.pubsub, "subscribe", fail)
        with pytest.raises(errors.Unavailable):
            await chat.hub.join(chat.channel, outbox_of(chat.one))
    outbox = outbox_of(chat.one)
    await chat.hub.join(chat.channel, outbox)
    await chat.pubsub.deliver(ReadPositionChanged(chat.channel, chat.one.id, 1))
    assert len(outbox.frames) == 1


class Recorder:
    """A handler of a kind of channel that the program does not have."""

    def __init__(self) -> None:
        self.handled: list[tuple[Event, int]] = []

    def handle(self, event: Event, outboxes: Set[Outbox]) -> None:
        self.handled.append((event, len(outboxes)))


async def test_the_hub_serves_channels_of_any_kind() -> None:
    pubsub, handler = InProcessPubSub(), Recorder()
    hub = Hub(pubsub, {"user": handler})
    user = factories.caller(factories.user())
    channel, other = Channel("user", user.id), Channel("user", factories.new_id())
    outbox = outbox_of(user)
    await hub.join(channel, outbox)
    assert hub.sockets == 1
    await pubsub.publish(StatusChanged(other))
    await pubsub.publish(StatusChanged(channel))
    assert handler.handled == [(StatusChanged(channel), 1)]
    await hub.leave(channel, outbox)
    await pubsub.publish(StatusChanged(channel))
    assert len(handler.handled) == 1


async def test_leaving_without_joining_does_nothing(chat: Chat) -> None:
    await chat.hub.leave(chat.channel, outbox_of(chat.one))


async def test_a_user_who_leaves_the_room_during_the_handshake_gets_no_hello(chat: Chat) -> None:
    chat.pubsub.unblocked.clear()
    async with chat.socket(started=False) as client:
        await chat.pubsub.is_waiting.wait()  # authorized, and not subscribed yet
        await chat.rooms.leave(chat.one, chat.room.id)
        chat.pubsub.unblocked.set()
        with pytest.raises(errors.NotFound):
            await client.closed()
        assert client.frames.empty()
    assert await chat.presence.online([chat.channel]) == {}


# --------------------------------------------------------------------------------------- status


async def test_a_failed_status_read_is_retried(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_events, "RETRY_DELAY", 0.01)
    async with chat.socket() as client:
        chat.reader.failures = 3
        await chat.presence.connect(chat.channel, chat.other.id, "elsewhere")
        await chat.pubsub.deliver(StatusChanged(chat.channel))
        status = await client.expect("status")
        assert status["online"] == sorted([str(chat.one.id), str(chat.other.id)])
        assert chat.reader.failures == 0


async def test_an_unchanged_status_is_not_sent(chat: Chat) -> None:
    async with chat.socket() as client:
        await chat.pubsub.deliver(*[StatusChanged(chat.channel)] * 3)
        for _ in range(10):
            await asyncio.sleep(0)
        await chat.rooms.typing(chat.other, chat.room.id)
        await client.expect("typing")


async def test_a_queued_status_is_not_sent_after_a_newer_one(chat: Chat) -> None:
    await chat.store_unpublished(1)
    chat.reader.unblocked.clear()
    async with chat.socket(after=0, started=False) as client:
        await client.expect("hello")
        await chat.reader.is_reading.wait()
        async with chat.socket(chat.other):
            chat.reader.unblocked.set()
            await client.numbers(1)
            both = sorted([str(chat.one.id), str(chat.other.id)])
            assert (await client.expect("status"))["online"] == both
            await chat.rooms.typing(chat.other, chat.room.id)
            await client.expect("typing")


async def test_a_room_deleted_during_a_status_read_sends_nothing(chat: Chat) -> None:
    async with chat.socket() as client:
        async with chat.store.unit_of_work() as work:
            await work.rooms.delete(chat.room.id)
            await work.commit()
        await chat.pubsub.deliver(StatusChanged(chat.channel))
        await chat.rooms.typing(chat.other, chat.room.id)
        await client.expect("typing")


# --------------------------------------------------------------------------------- slow readers


class FailingRegistry:
    """A session registry whose first read fails with a defect; then no session is active."""

    reads = 0

    async def is_active(self, session_id: SessionId) -> bool:
        raise NotImplementedError

    async def active_among(self, session_ids: Collection[SessionId]) -> frozenset[SessionId]:
        self.reads += 1
        if self.reads == 1:
            raise RuntimeError("a defect")
        return frozenset()

    async def revoke(self, session_ids: Collection[SessionId]) -> None:
        raise NotImplementedError

    async def wait_for_revocation(self) -> None:
        """Returns at once."""
        await asyncio.sleep(0)


async def test_the_session_check_goes_on_after_a_failure(chat: Chat) -> None:
    outbox = outbox_of(chat.one)
    await chat.hub.join(chat.channel, outbox)
    watch = asyncio.create_task(chat.hub.watch_sessions(FailingRegistry()))
    async with asyncio.timeout(5):
        assert await outbox.closed == 4401
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    await chat.hub.leave(chat.channel, outbox)


async def test_a_full_outbox_closes_its_socket(chat: Chat) -> None:
    slow, quick = outbox_of(chat.one), outbox_of(chat.one)
    for outbox in (slow, quick):
        await chat.hub.join(chat.channel, outbox)
    for seq in range(OUTBOX_SIZE + 5):
        assert slow.closed.done() == (seq > OUTBOX_SIZE)
        await chat.pubsub.deliver(ReadPositionChanged(chat.channel, chat.other.id, seq))
        assert json.loads((await quick.frames.get()).text)["seq"] == seq
    assert slow.closed.result() == 4408
    assert len(slow.frames) == OUTBOX_SIZE
    assert not quick.closed.done()
    slow.close(CloseCode.NOT_FOUND)
    assert slow.closed.result() == 4408, "the first code is kept"


async def test_a_client_that_does_not_read_is_closed_with_4408(chat: Chat) -> None:
    async with chat.socket() as client, chat.socket(chat.other) as theirs:
        client.can_read.clear()
        for _ in range(OUTBOX_SIZE + 2):
            await chat.rooms.typing(chat.other, chat.room.id)
            await asyncio.sleep(0)
        assert await client.closed() == 4408
        assert (await theirs.expect("status"))["online"] == [str(chat.other.id)]


async def test_a_client_that_does_not_read_its_replay_is_closed_with_4408(chat: Chat) -> None:
    await chat.store_unpublished(5)
    async with chat.socket(after=0, started=False) as client:
        await client.expect("hello")
        client.can_read.clear()
        for _ in range(OUTBOX_SIZE + 2):
            await chat.rooms.typing(chat.other, chat.room.id)
        assert await client.closed() == 4408


# -------------------------------------------------------------------------------- database away


async def test_a_message_that_cannot_be_stored_gets_an_error_and_may_be_repeated(
    chat: Chat,
) -> None:
    async with chat.socket() as client:
        chat.is_down = True
        for _ in range(MAX_BAD_FRAMES + 2):  # these do not count as invalid frames
            client.send_frame("send", client_id="a", body="stored in the end")
            error = await client.expect("error")
            assert (error["code"], error["client_id"]) == ("unavailable", "a")
        client.send_frame("read", seq=1)
        error = await client.expect("error")
        assert (error["code"], error["client_id"]) == ("unavailable", None)
        chat.is_down = False
        client.send_frame("send", client_id="a", body="stored in the end")
        assert (await client.expect("message"))["message"]["client_id"] == "a"


async def test_a_gap_that_cannot_be_filled_closes_the_socket_with_1013(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chat.socket() as client:
        events = await chat.store_unpublished(2)

        async def fail(*_: object, **__: object) -> tuple[Message, ...]:
            raise errors.Unavailable

        monkeypatch.setattr(chat.reader, "messages", fail)
        await chat.pubsub.deliver(events[1])
        with pytest.raises(errors.Unavailable) as failure:
            await client.closed()
        assert client.frames.empty()
    assert close_code(failure.value) == 1013
    assert await chat.presence.online([chat.channel]) == {}


async def test_storing_completes_when_the_socket_closes(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chat.socket() as client:
        is_committing, unblocked = asyncio.Event(), asyncio.Event()
        work = type(chat.store.unit_of_work())
        commit = work.commit

        async def slowly(self: Any) -> None:
            is_committing.set()
            await unblocked.wait()
            await commit(self)

        monkeypatch.setattr(work, "commit", slowly)
        client.send_frame("send", client_id="a", body="to the end")
        await is_committing.wait()
        await chat.pubsub.deliver(RoomClosed(chat.channel, chat.one.id))
        for _ in range(10):
            await asyncio.sleep(0)
        unblocked.set()
        assert await client.closed() == 4404
    history = await chat.rooms.history(chat.one, chat.room.id, limit=5)
    assert [message.body for message in history.items] == ["to the end"]


# ---------------------------------------------------------------------------------- close codes


def leaves(kind: type[errors.SideProError]) -> list[type[errors.SideProError]]:
    below = [leaf for child in kind.__subclasses__() for leaf in leaves(child)]
    return [kind, *below]


def test_every_domain_error_has_a_close_code() -> None:
    codes = {kind.__name__: close_code(kind()) for kind in leaves(errors.SideProError)}
    assert codes.pop("SideProError") == 1011
    assert codes["NotAuthenticated"] == codes["WrongCredentials"] == 4401
    assert codes["NotFound"] == 4404
    assert codes["InvalidInput"] == codes["WeakPassword"] == 4400
    assert codes["Unavailable"] == 1013
    assert codes["RateLimited"] == 4429
    assert set(codes.values()) <= {1011, 1013, 4400, 4401, 4404, 4429}
    assert close_code(RuntimeError()) == 1011

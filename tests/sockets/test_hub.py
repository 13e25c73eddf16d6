"""The hub and a socket's conversation over a feed that misbehaves, without a server.

A feed may tell an event twice, late, in another order, or not at all; what every socket sees is
1, 2, 3 … all the same.
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


class WaywardFeed(InProcessPubSub):
    """Holds events back while `held` is a list, and waits at `gate` before listening changes."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[Event] | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_gate = asyncio.Event()

    async def publish(self, event: Event) -> None:
        if self.held is None:
            await super().publish(event)
        else:
            self.held.append(event)

    async def tell(self, *events: Event) -> None:
        """Tell events now, in this order."""
        for event in events:
            await super().publish(event)

    async def subscribe(self, channel: Channel, listener: Listener) -> None:
        await self._wait()
        await super().subscribe(channel, listener)

    async def unsubscribe(self, channel: Channel, listener: Listener) -> None:
        await self._wait()
        await super().unsubscribe(channel, listener)

    async def _wait(self) -> None:
        if not self.gate.is_set():
            self.at_gate.set()
        await self.gate.wait()


class Away(MemoryReader):
    """A reader whose store can be away, and can be slow to give messages."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.failures = 0
        self.failure: Exception = errors.Unavailable()
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()

    async def states(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        if self.failures:
            self.failures -= 1
            raise self.failure
        return await super().states(room_ids)

    async def messages(
        self, room_id: RoomId, *, after: int | None, before: int | None, limit: int
    ) -> tuple[Message, ...]:
        self.asked.set()
        await self.gate.wait()
        return await super().messages(room_id, after=after, before=before, limit=limit)


class Client:
    """The other end of a socket: what it gets, and what it sends."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.conversation: asyncio.Task[CloseCode | None] | None = None

    # what the conversation calls

    async def send(self, event: dict[str, Any]) -> None:
        await self.reads.wait()
        self.frames.put_nowait(json.loads(event["text"]))

    async def receive(self) -> dict[str, Any]:
        return await self.events.get()

    # what the tests call

    def tell(self, kind: str, **members: object) -> None:
        text = json.dumps({"type": kind, **members})
        self.events.put_nowait({"type": "websocket.receive", "text": text})

    def go(self) -> None:
        self.events.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def expect(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT):
            frame = await self.frames.get()
        assert frame["type"] == kind, f"expected {kind}, got {frame}"
        return frame

    async def numbers(self, count: int) -> list[int]:
        return [(await self.expect("message"))["message"]["seq"] for _ in range(count)]

    async def ended(self) -> CloseCode | None:
        assert self.conversation is not None
        async with asyncio.timeout(TIMEOUT):
            return await self.conversation


@dataclass
class House:
    """Two people and their room, over stores in memory."""

    one: Caller
    other: Caller
    room: Room
    store: MemoryStore
    reader: Away
    feed: WaywardFeed = field(default_factory=WaywardFeed)
    presence: InProcessPresence = field(default_factory=InProcessPresence)
    away: bool = False

    def __post_init__(self) -> None:
        self.rooms = RoomService(
            unit_of_work=self.unit_of_work,
            reader=self.reader,
            events=self.feed,
            presence=self.presence,
            message_writer=MessageWriter(self.unit_of_work, self.feed, factories.SetClock()),
            clock=factories.SetClock(),
            new_id=factories.new_id,
        )
        self.hub = Hub(self.feed, {ROOM: RoomEventHandler(self.rooms)})
        self.channel = Channel.room(self.room.id)

    @classmethod
    async def built(cls) -> House:
        store = MemoryStore(factories.CATALOGUE)
        users = [factories.user(), factories.user()]
        room = factories.room(users[0].id, users[1].id)
        async with store.unit_of_work() as work:
            for user in users:
                await work.users.add(user)
            await work.rooms.add_if_absent(room)
            await work.commit()
        one, other = map(factories.caller, users)
        return cls(one, other, room, store, Away(store))

    def unit_of_work(self) -> FullUnitOfWork:
        if self.away:
            raise errors.Unavailable
        return self.store.unit_of_work()

    async def written(self, count: int) -> Sequence[MessageSent]:
        """Store messages, and give the events that nobody heard of."""
        self.feed.held = held = list[Event]()
        for _ in range(count):
            await self.rooms.send(self.other, self.room.id, "안녕하세요", None)
        self.feed.held = None
        return cast("list[MessageSent]", held)

    @asynccontextmanager
    async def chat(
        self, caller: Caller | None = None, after: int | None = None, *, begun: bool = True
    ) -> AsyncIterator[Client]:
        """A socket; with `begun`, its first frames are read."""
        client = Client()
        conversation = ChatSession(
            cast("Any", client),
            caller or self.one,
            self.room.id,
            self.hub,
            self.rooms,
            factories.new_id().hex,
        )
        client.conversation = asyncio.create_task(conversation.run(after))
        if begun:
            hello = await client.expect("hello")
            await client.numbers(hello["last_seq"] - after if after is not None else 0)
            await client.expect("status")
        try:
            yield client
        finally:
            client.reads.set()
            client.go()
            await asyncio.gather(client.conversation, return_exceptions=True)


@pytest.fixture
async def house() -> House:
    return await House.built()


# ------------------------------------------------------------------------------ a feed that errs


@pytest.mark.parametrize(
    "told",
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
    house: House, told: list[int]
) -> None:
    async with house.chat() as client:
        events = await house.written(4)
        await house.feed.tell(*(events[number - 1] for number in told))
        assert await client.numbers(4) == [1, 2, 3, 4]
        # and nothing after it
        await house.rooms.typing(house.other, house.room.id)
        await client.expect("typing")


async def test_a_gap_longer_than_a_batch_is_filled(house: House) -> None:
    count = REPLAY_BATCH * 2 + 7
    async with house.chat() as client:
        events = await house.written(count)
        await house.feed.tell(events[-1])
        assert await client.numbers(count) == list(range(1, count + 1))


@pytest.mark.parametrize("after", [None, 0, 1, 3, 9])
async def test_events_of_earlier_messages_are_dropped(house: House, after: int | None) -> None:
    events = await house.written(3)
    async with house.chat(after=after, begun=False) as client:
        hello = await client.expect("hello")
        assert hello["last_seq"] == 3
        missed = [] if after is None else list(range(after + 1, 4))
        assert await client.numbers(len(missed)) == missed
        await client.expect("status")
        await house.feed.tell(*events)
        await house.rooms.send(house.one, house.room.id, "four", None)
        assert await client.numbers(1) == [4]


async def test_messages_sent_during_the_replay_follow_it(house: House) -> None:
    await house.written(3)
    house.reader.gate.clear()
    async with house.chat(after=0, begun=False) as client:
        await client.expect("hello")
        await house.reader.asked.wait()
        for _ in range(3):
            await house.rooms.send(house.other, house.room.id, "meanwhile", None)
        house.reader.gate.set()
        assert await client.numbers(3) == [1, 2, 3]
        await client.expect("status")
        assert await client.numbers(3) == [4, 5, 6]


async def test_a_duplicate_is_answered_at_once_and_fills_no_gap(house: House) -> None:
    async with house.chat() as client:
        client.tell("send", client_id="a", body="first")
        assert await client.numbers(1) == [1]
        await house.written(2)  # which this socket has not heard of
        client.tell("send", client_id="a", body="again")
        assert await client.numbers(1) == [1]
        await house.rooms.send(house.other, house.room.id, "four", None)
        assert await client.numbers(3) == [2, 3, 4]


async def test_an_unpublished_message_is_published_when_it_is_repeated(
    house: House,
) -> None:
    """It was committed and never published; its sender repeats it."""
    async with house.chat() as client, house.chat(house.other) as theirs:
        await client.expect("status")
        house.feed.held = held = list[Event]()
        client.tell("send", client_id="a", body="stored")
        client.tell("typing")
        await eventually(lambda: len(held) == 2)
        house.feed.held = None
        client.tell("send", client_id="a", body="stored")
        assert await theirs.numbers(1) == [1]
        assert (await client.expect("message"))["message"]["client_id"] == "a"


async def test_a_resync_reads_messages_positions_and_status(house: House) -> None:
    async with house.chat() as client:
        await house.written(3)
        house.feed.held = []
        await house.rooms.mark_read(house.other, house.room.id, 2)
        await house.presence.connect(house.channel, house.other.id, "elsewhere")
        house.feed.held = None
        await house.feed.tell(ResyncRequired(house.channel))
        assert await client.numbers(3) == [1, 2, 3]
        read = await client.expect("read")
        assert (read["user_id"], read["seq"]) == (str(house.other.id), 2)
        both = sorted([str(house.one.id), str(house.other.id)])
        assert (await client.expect("status"))["online"] == both
        await house.rooms.send(house.other, house.room.id, "four", None)
        assert await client.numbers(1) == [4]


@pytest.mark.parametrize("failure", [errors.Unavailable(), RuntimeError("nobody foresaw this")])
async def test_a_failed_resync_is_retried(
    house: House, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr(room_events, "RETRY_DELAY", 0.01)
    async with house.chat() as client, house.chat(house.other) as theirs:
        await client.expect("status")
        await house.written(3)
        house.feed.held = []
        await house.rooms.mark_read(house.other, house.room.id, 2)
        await house.rooms.leave(house.other, house.room.id)
        house.feed.held = None
        house.reader.failures, house.reader.failure = 3, failure
        await house.feed.tell(ResyncRequired(house.channel))
        assert await client.numbers(3) == [1, 2, 3]
        assert (await client.expect("read"))["seq"] == 2
        assert (await client.expect("status"))["status"] == "pending"
        assert await theirs.ended() == 4404
        assert house.reader.failures == 0


async def test_messages_are_delivered_while_a_resync_is_retried(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_events, "RETRY_DELAY", 2 * TIMEOUT)
    async with house.chat() as client:
        house.reader.failures = 1
        await house.feed.tell(ResyncRequired(house.channel))
        await eventually(lambda: house.reader.failures == 0)
        await house.rooms.send(house.other, house.room.id, "one", None)
        assert await client.numbers(1) == [1]


async def test_a_read_position_never_goes_back(house: House) -> None:
    await house.written(3)
    async with house.chat() as client:
        for seq in (2, 1, 2, 3):
            await house.feed.tell(ReadPositionChanged(house.channel, house.other.id, seq))
        await house.feed.tell(ReadPositionChanged(house.channel, house.one.id, 1))
        told = [await client.expect("read") for _ in range(3)]
        assert [(read["user_id"], read["seq"]) for read in told] == [
            (str(house.other.id), 2),
            (str(house.other.id), 3),
            (str(house.one.id), 1),
        ]


async def test_read_positions_from_before_the_hello_are_not_sent_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.written(3)
    gate, look = asyncio.Event(), house.reader.room

    async def late(*given: Any) -> Any:
        await gate.wait()
        return await look(*given)

    monkeypatch.setattr(house.reader, "room", late)
    async with house.chat(begun=False) as client:
        await eventually(lambda: house.hub.sockets == 1)
        for reader, seq in ((house.one, 1), (house.other, 1), (house.other, 2)):
            await house.rooms.mark_read(reader, house.room.id, seq)
        gate.set()
        room = (await client.expect("hello"))["room"]
        assert (room["read_seq"], room["participant_read_seq"]) == (1, 2)
        await client.expect("status")
        await house.rooms.mark_read(house.other, house.room.id, 3)
        assert (await client.expect("read"))["seq"] == 3


async def test_a_resync_without_changes_sends_nothing(house: House) -> None:
    async with house.chat() as client:
        await house.rooms.send(house.other, house.room.id, "one", None)
        assert await client.numbers(1) == [1]
        await house.rooms.mark_read(house.one, house.room.id, 1)
        await client.expect("read")
        await house.feed.tell(ResyncRequired(house.channel))
        for _ in range(10):
            await asyncio.sleep(0)
        await house.rooms.typing(house.other, house.room.id)
        await client.expect("typing")


async def test_a_resync_closes_the_sockets_of_a_user_who_left(house: House) -> None:
    async with house.chat() as client, house.chat(house.other) as theirs:
        house.feed.held = []
        await house.rooms.leave(house.one, house.room.id)
        house.feed.held = None
        await house.feed.tell(ResyncRequired(house.channel))
        assert await client.ended() == 4404
        while (await theirs.expect("status"))["status"] != "pending":
            pass


async def test_a_user_who_reopens_the_room_during_a_resync_stays_connected(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, gate = house.rooms.reader.states, asyncio.Event()

    async def slowly(room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        found = await look_up(room_ids)
        await gate.wait()
        return found

    before, after = outbox_of(house.one), outbox_of(house.one)
    await house.hub.join(house.channel, before)
    house.feed.held = []
    await house.rooms.leave(house.one, house.room.id)
    monkeypatch.setattr(house.reader, "states", slowly)
    await house.feed.tell(ResyncRequired(house.channel))
    await asyncio.sleep(0)
    await house.rooms.open(house.one, house.other.id)
    await house.hub.join(house.channel, after)
    gate.set()
    async with asyncio.timeout(TIMEOUT):
        assert await before.closed == 4404
    assert not after.closed.done()


async def test_a_resync_closes_all_sockets_of_a_deleted_room(house: House) -> None:
    async with house.chat() as client, house.chat(house.other) as theirs:
        async with house.store.unit_of_work() as work:
            await work.rooms.delete(house.room.id)
            await work.commit()
        await house.feed.tell(ResyncRequired(house.channel))
        assert await client.ended() == await theirs.ended() == 4404


# --------------------------------------------------------------------------- joining and leaving


def outbox_of(person: Caller) -> Outbox:
    return Outbox(person.id, person.session_id)


async def test_a_socket_that_joins_while_the_last_one_leaves_gets_events(house: House) -> None:
    leaving, joining = outbox_of(house.one), outbox_of(house.other)
    await house.hub.join(house.channel, leaving)
    house.feed.gate.clear()
    leave = asyncio.create_task(house.hub.leave(house.channel, leaving))
    await house.feed.at_gate.wait()
    join = asyncio.create_task(house.hub.join(house.channel, joining))
    for _ in range(10):
        await asyncio.sleep(0)
    house.feed.gate.set()
    await asyncio.gather(leave, join)

    await house.feed.tell(ReadPositionChanged(house.channel, house.one.id, 1))
    assert len(joining.frames) == 1
    assert leaving.frames.empty()
    await house.hub.leave(house.channel, joining)
    await house.feed.tell(ReadPositionChanged(house.channel, house.one.id, 2))
    assert len(joining.frames) == 1


async def test_sockets_may_join_and_leave_in_any_order(house: House) -> None:
    outboxes = [outbox_of(house.one) for _ in range(20)]

    async def visit(outbox: Outbox, turns: int) -> None:
        for _ in range(turns):
            await house.hub.join(house.channel, outbox)
            await asyncio.sleep(0)
            await house.hub.leave(house.channel, outbox)
        await house.hub.join(house.channel, outbox)

    await asyncio.gather(*(visit(outbox, turns) for turns, outbox in enumerate(outboxes)))
    assert all(outbox.frames.empty() for outbox in outboxes)
    await house.feed.tell(ReadPositionChanged(house.channel, house.one.id, 1))
    assert [len(outbox.frames) for outbox in outboxes] == [1] * 20


async def test_a_failed_subscription_is_retried_by_the_next_socket(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise errors.Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(house.feed, "subscribe", away)
        with pytest.raises(errors.Unavailable):
            await house.hub.join(house.channel, outbox_of(house.one))
    outbox = outbox_of(house.one)
    await house.hub.join(house.channel, outbox)
    await house.feed.tell(ReadPositionChanged(house.channel, house.one.id, 1))
    assert len(outbox.frames) == 1


class Recorder:
    """A handler of a kind of channel that the program does not have."""

    def __init__(self) -> None:
        self.handled: list[tuple[Event, int]] = []

    def handle(self, event: Event, outboxes: Set[Outbox]) -> None:
        self.handled.append((event, len(outboxes)))


async def test_the_hub_serves_channels_of_any_kind() -> None:
    feed, handler = InProcessPubSub(), Recorder()
    hub = Hub(feed, {"user": handler})
    user = factories.caller(factories.user())
    channel, other = Channel("user", user.id), Channel("user", factories.new_id())
    outbox = outbox_of(user)
    await hub.join(channel, outbox)
    assert hub.sockets == 1
    await feed.publish(StatusChanged(other))
    await feed.publish(StatusChanged(channel))
    assert handler.handled == [(StatusChanged(channel), 1)]
    await hub.leave(channel, outbox)
    await feed.publish(StatusChanged(channel))
    assert len(handler.handled) == 1


async def test_leaving_without_joining_does_nothing(house: House) -> None:
    await house.hub.leave(house.channel, outbox_of(house.one))


async def test_a_user_who_leaves_the_room_during_the_handshake_gets_no_hello(house: House) -> None:
    house.feed.gate.clear()
    async with house.chat(begun=False) as client:
        await house.feed.at_gate.wait()  # admitted, and not yet listening
        await house.rooms.leave(house.one, house.room.id)
        house.feed.gate.set()
        with pytest.raises(errors.NotFound):
            await client.ended()
        assert client.frames.empty()
    assert await house.presence.online([house.channel]) == {}


# --------------------------------------------------------------------------------------- status


async def test_a_failed_status_read_is_retried(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_events, "RETRY_DELAY", 0.01)
    async with house.chat() as client:
        house.reader.failures = 3
        await house.presence.connect(house.channel, house.other.id, "elsewhere")
        await house.feed.tell(StatusChanged(house.channel))
        status = await client.expect("status")
        assert status["online"] == sorted([str(house.one.id), str(house.other.id)])
        assert house.reader.failures == 0


async def test_an_unchanged_status_is_not_sent(house: House) -> None:
    async with house.chat() as client:
        await house.feed.tell(*[StatusChanged(house.channel)] * 3)
        for _ in range(10):
            await asyncio.sleep(0)
        await house.rooms.typing(house.other, house.room.id)
        await client.expect("typing")


async def test_a_queued_status_is_not_sent_after_a_newer_one(house: House) -> None:
    await house.written(1)
    house.reader.gate.clear()
    async with house.chat(after=0, begun=False) as client:
        await client.expect("hello")
        await house.reader.asked.wait()
        async with house.chat(house.other):
            house.reader.gate.set()
            await client.numbers(1)
            both = sorted([str(house.one.id), str(house.other.id)])
            assert (await client.expect("status"))["online"] == both
            await house.rooms.typing(house.other, house.room.id)
            await client.expect("typing")


async def test_a_room_deleted_during_a_status_read_sends_nothing(house: House) -> None:
    async with house.chat() as client:
        async with house.store.unit_of_work() as work:
            await work.rooms.delete(house.room.id)
            await work.commit()
        await house.feed.tell(StatusChanged(house.channel))
        await house.rooms.typing(house.other, house.room.id)
        await client.expect("typing")


# --------------------------------------------------------------------------------- slow readers


class FailingGate:
    """A gate whose first look at the store meets something that nobody foresaw."""

    looks = 0

    async def is_active(self, session_id: SessionId) -> bool:
        raise NotImplementedError

    async def active_among(self, session_ids: Collection[SessionId]) -> frozenset[SessionId]:
        self.looks += 1
        if self.looks == 1:
            raise RuntimeError("nobody foresaw this")
        return frozenset()

    async def revoke(self, session_ids: Collection[SessionId]) -> None:
        raise NotImplementedError

    async def wait_for_revocation(self) -> None:
        """Something ends all the time."""
        await asyncio.sleep(0)


async def test_the_session_check_goes_on_after_a_failure(house: House) -> None:
    outbox = outbox_of(house.one)
    await house.hub.join(house.channel, outbox)
    watch = asyncio.create_task(house.hub.watch_sessions(FailingGate()))
    async with asyncio.timeout(5):
        assert await outbox.closed == 4401
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    await house.hub.leave(house.channel, outbox)


async def test_a_full_outbox_closes_its_socket(house: House) -> None:
    slow, quick = outbox_of(house.one), outbox_of(house.one)
    for outbox in (slow, quick):
        await house.hub.join(house.channel, outbox)
    for seq in range(OUTBOX_SIZE + 5):
        assert slow.closed.done() == (seq > OUTBOX_SIZE)
        await house.feed.tell(ReadPositionChanged(house.channel, house.other.id, seq))
        assert json.loads((await quick.frames.get()).text)["seq"] == seq
    assert slow.closed.result() == 4408
    assert len(slow.frames) == OUTBOX_SIZE
    assert not quick.closed.done()
    slow.close(CloseCode.NOT_FOUND)
    assert slow.closed.result() == 4408, "the first code counts"


async def test_a_client_that_does_not_read_is_closed_with_4408(house: House) -> None:
    async with house.chat() as client, house.chat(house.other) as theirs:
        client.reads.clear()
        for _ in range(OUTBOX_SIZE + 2):
            await house.rooms.typing(house.other, house.room.id)
            await asyncio.sleep(0)
        assert await client.ended() == 4408
        assert (await theirs.expect("status"))["online"] == [str(house.other.id)]


async def test_a_client_that_does_not_read_its_replay_is_closed_with_4408(house: House) -> None:
    await house.written(5)
    async with house.chat(after=0, begun=False) as client:
        await client.expect("hello")
        client.reads.clear()
        for _ in range(OUTBOX_SIZE + 2):
            await house.rooms.typing(house.other, house.room.id)
        assert await client.ended() == 4408


# -------------------------------------------------------------------------------- database away


async def test_a_message_that_cannot_be_stored_gets_an_error_and_may_be_repeated(
    house: House,
) -> None:
    async with house.chat() as client:
        house.away = True
        for _ in range(MAX_BAD_FRAMES + 2):  # which are no bad frames
            client.tell("send", client_id="a", body="stored in the end")
            error = await client.expect("error")
            assert (error["code"], error["client_id"]) == ("unavailable", "a")
        client.tell("read", seq=1)
        error = await client.expect("error")
        assert (error["code"], error["client_id"]) == ("unavailable", None)
        house.away = False
        client.tell("send", client_id="a", body="stored in the end")
        assert (await client.expect("message"))["message"]["client_id"] == "a"


async def test_a_gap_that_cannot_be_filled_closes_the_socket_with_1013(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.chat() as client:
        events = await house.written(2)

        async def away(*_: object, **__: object) -> tuple[Message, ...]:
            raise errors.Unavailable

        monkeypatch.setattr(house.reader, "messages", away)
        await house.feed.tell(events[1])
        with pytest.raises(errors.Unavailable) as failure:
            await client.ended()
        assert client.frames.empty()
    assert close_code(failure.value) == 1013
    assert await house.presence.online([house.channel]) == {}


async def test_storing_completes_when_the_socket_closes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.chat() as client:
        begun, gate = asyncio.Event(), asyncio.Event()
        work = type(house.store.unit_of_work())
        commit = work.commit

        async def slowly(self: Any) -> None:
            begun.set()
            await gate.wait()
            await commit(self)

        monkeypatch.setattr(work, "commit", slowly)
        client.tell("send", client_id="a", body="to the end")
        await begun.wait()
        await house.feed.tell(RoomClosed(house.channel, house.one.id))
        for _ in range(10):
            await asyncio.sleep(0)
        gate.set()
        assert await client.ended() == 4404
    history = await house.rooms.history(house.one, house.room.id, limit=5)
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

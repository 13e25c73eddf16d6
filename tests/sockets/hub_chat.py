"""A room with clients over a pub/sub and a reader that fail on demand, without a server."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from sidepro.adapters.in_process.presence import InProcessPresence
from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.api.chat.close_codes import CloseCode
from sidepro.api.chat.handshake import Resumption
from sidepro.api.chat.hub import Hub
from sidepro.api.chat.outbox import Outbox
from sidepro.api.chat.room_events import RoomEventHandler
from sidepro.api.chat.session import ChatSession
from sidepro.domain import errors
from sidepro.domain.channels import ROOM, Channel, Event, Listener
from sidepro.domain.rooms.events import MessageSent
from sidepro.domain.rooms.message_writer import MessageWriter
from sidepro.domain.rooms.room_service import RoomService
from tests import factories
from tests.clients import TIMEOUT
from tests.fakes.readers import MemoryReader
from tests.fakes.store import MemoryStore
from tests.fakes.unit_of_work import FullUnitOfWork

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from sidepro.domain.identity import Caller
    from sidepro.domain.ids import RoomId
    from sidepro.domain.rooms.room import Message, Room


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
    epochs: factories.SetEpoch = field(default_factory=factories.SetEpoch)
    is_down: bool = False

    def __post_init__(self) -> None:
        self.rooms = RoomService(
            unit_of_work=self.unit_of_work,
            reader=self.reader,
            events=self.pubsub,
            presence=self.presence,
            message_writer=MessageWriter(self.unit_of_work, self.pubsub, factories.SetClock()),
            epochs=self.epochs,
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

    async def save(self, room: Room) -> None:
        """Store a changed room and publish nothing."""
        async with self.unit_of_work() as work:
            await work.rooms.save(room)
            await work.commit()

    async def store_unpublished(self, count: int) -> Sequence[MessageSent]:
        """Store messages; return their events, which are not published."""
        self.pubsub.buffer = buffer = list[Event]()
        for _ in range(count):
            await self.rooms.send(self.other, self.room.id, "안녕하세요", None)
        self.pubsub.buffer = None
        return [event for event in buffer if isinstance(event, MessageSent)]

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
        client.session = asyncio.create_task(session.run(Resumption(after)))
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


def outbox_of(person: Caller) -> Outbox:
    return Outbox(person.id, person.session_id)

"""Coffee chats: reading and leaving rooms, messages, read positions and presence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sidepro.domain.channels import Channel, Presence, PubSub, StatusChanged
from sidepro.domain.errors import ensure_found
from sidepro.domain.idempotency import IdempotentRequest
from sidepro.domain.identity import Caller, WriterGate, everybody_may_write
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.rooms.events import (
    ReadPositionChanged,
    RoomClosed,
    Typing,
    publish_room_change,
)
from sidepro.domain.rooms.message_writer import MessageWriter, WriteResult
from sidepro.domain.rooms.ports import EpochReader, RoomReader, RoomUnitOfWork
from sidepro.domain.rooms.room import Message, Room
from sidepro.domain.rooms.room_opening import with_presence
from sidepro.domain.rooms.views import History, RoomSnapshot, RoomView, Unread
from sidepro.domain.unit_of_work import UnitOfWorkFactory

MAX_REPLAY = 1_000
"""Maximum number of missed messages that a socket replays. More are read over HTTP."""


@dataclass(frozen=True, slots=True)
class RoomService:
    """Use cases of coffee chats. Events are published after the commit."""

    unit_of_work: UnitOfWorkFactory[RoomUnitOfWork]
    reader: RoomReader
    events: PubSub
    presence: Presence
    message_writer: MessageWriter
    epochs: EpochReader
    authorize_writer: WriterGate = everybody_may_write

    # ---------------------------------------------------------------------------------- rooms

    async def rooms(self, caller: Caller, page: PageRequest) -> Page[RoomView]:
        """The caller's rooms, latest activity first."""
        found = await self.reader.rooms(caller.id, page)
        channels = [Channel.room(room.id) for room in found.items]
        online = await self.presence.online(channels)
        return replace(
            found,
            items=tuple(
                with_presence(room, is_online=channel in online)
                for room, channel in zip(found.items, channels, strict=True)
            ),
        )

    async def room_count(self, caller: Caller) -> int:
        """The number of the caller's rooms."""
        return await self.reader.room_count(caller.id)

    async def unread(self, caller: Caller) -> Unread:
        """The caller's unread messages, in all rooms together."""
        return await self.reader.unread(caller.id)

    async def room(self, caller: Caller, room_id: RoomId) -> RoomView:
        """One of the caller's rooms.

        Raises:
            NotFound: the caller has no such room.
        """
        room = ensure_found(await self.reader.room(room_id, caller.id))
        online = await self.presence.online([Channel.room(room.id)])
        return with_presence(room, is_online=bool(online))

    async def views(
        self, keys: Collection[tuple[UserId, RoomId]]
    ) -> Mapping[tuple[UserId, RoomId], RoomView]:
        """The rooms of these people as each of them sees them. A room that a person does not have
        is omitted.
        """
        found = await self.reader.views(keys)
        online = await self.presence.online(
            [Channel.room(room_id) for room_id in {room_id for _, room_id in found}]
        )
        return {
            key: with_presence(view, is_online=Channel.room(view.id) in online)
            for key, view in found.items()
        }

    async def leave(self, caller: Caller, room_id: RoomId) -> None:
        """Leave a room. The other participant can still read it. When both have left, it is
        deleted.

        Raises:
            NotFound: the caller has no such room.
        """
        async with self.unit_of_work() as work:
            room = ensure_found(await work.rooms.get(room_id))
            remaining = room.leave(caller.id)
            if remaining is None:
                await work.rooms.delete(room_id)
            else:
                await work.rooms.save(remaining)
            await work.commit()
        channel = Channel.room(room_id)
        await self.events.publish(RoomClosed(channel, caller.id if remaining else None))
        if remaining:
            await self.events.publish(StatusChanged(channel))
        # Of a blocked room the other person sees no change, and must hear of none.
        is_seen = remaining and not remaining.is_blocked
        people = room.user_ids if is_seen else (caller.id,)
        await publish_room_change(self.events, room_id, people)

    async def authorize(self, caller: Caller, room_id: RoomId) -> Room:
        """The room itself, if the caller may see it.

        Raises:
            NotFound: the caller has no such room.
        """
        room = ensure_found(await self.reader.state(room_id))
        room.authorize(caller.id)
        return room

    # ------------------------------------------------------------------------------- messages

    async def send(
        self,
        caller: Caller,
        room_id: RoomId,
        body: str,
        client_id: str | None,
        request: IdempotentRequest[WriteResult] | None = None,
    ) -> WriteResult:
        """Store and publish a message. A repeated `client_id` returns the first message, even for
        another body. Client ids do not expire.

        Raises:
            EmailNotVerified: see `WriterGate`.
            Others: as `MessageWriter.write`.
        """
        await self.authorize_writer(caller)
        return await self.message_writer.write(caller.id, room_id, body, client_id, request)

    async def history(
        self,
        caller: Caller,
        room_id: RoomId,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int,
    ) -> History:
        """Up to `limit` messages of the room; see `RoomReader.messages`.

        Raises:
            NotFound: the caller has no such room.
        """
        room = await self.authorize(caller, room_id)
        found = await self.reader.messages(room_id, after=after, before=before, limit=limit)
        items = tuple(message.seen_by(caller.id) for message in found)
        # A message may arrive between the two reads: `last_seq` must not be below it.
        last_seq = max([room.last_seq, *(message.seq for message in items[-1:])])
        return History(items, last_seq)

    async def messages_in_range(
        self, caller: Caller, room_id: RoomId, after: int, upto: int
    ) -> tuple[Message, ...]:
        """The messages numbered `after + 1` to `upto`, as the caller sees them. Access has been
        checked before.
        """
        found = await self.reader.messages(
            room_id, after=after, before=None, limit=max(0, upto - after)
        )
        return tuple(message.seen_by(caller.id) for message in found if message.seq <= upto)

    async def mark_read(self, caller: Caller, room_id: RoomId, seq: int) -> None:
        """Advance the caller's read position to `seq`, at most to the last message.

        Raises:
            NotFound: the caller has no such room.
        """
        async with self.unit_of_work() as work:
            room = ensure_found(await work.rooms.get(room_id))
            marked = room.read_by(caller.id, seq)
            if marked == room:
                return
            await work.rooms.save(marked)
            await work.commit()
        if marked.is_blocked:
            await publish_room_change(self.events, room_id, [caller.id])
            return
        position = next(p.read_seq for p in marked.participants if p.user_id == caller.id)
        await self.events.publish(ReadPositionChanged(Channel.room(room_id), caller.id, position))
        await publish_room_change(self.events, room_id, marked.user_ids)

    async def typing(self, caller: Caller, room_id: RoomId) -> None:
        """Publish that the caller is typing. Access has been checked before."""
        await self.events.publish(Typing(Channel.room(room_id), caller.id))

    # ------------------------------------------------------------------------------- presence

    async def connect(self, caller: Caller, room_id: RoomId, connection: str) -> None:
        """Record that the caller has a socket open to the room."""
        channel = Channel.room(room_id)
        if await self.presence.connect(channel, caller.id, connection):
            await self.events.publish(StatusChanged(channel))

    async def disconnect(self, caller: Caller, room_id: RoomId, connection: str) -> None:
        """Record that this socket is closed. Safe to repeat."""
        channel = Channel.room(room_id)
        if await self.presence.disconnect(channel, caller.id, connection):
            await self.events.publish(StatusChanged(channel))

    async def room_snapshot(self, room_id: RoomId) -> RoomSnapshot:
        """A room with its presence. Access has been checked before.

        Raises:
            NotFound: there is no such room.
        """
        snapshots = await self.room_snapshots([room_id])
        return ensure_found(snapshots.get(room_id))

    async def room_snapshots(self, room_ids: Sequence[RoomId]) -> Mapping[RoomId, RoomSnapshot]:
        """The rooms that exist, with their presence."""
        rooms = await self.reader.states(room_ids)
        online = await self.presence.online([Channel.room(room_id) for room_id in rooms])
        return {
            room_id: RoomSnapshot(room, tuple(online.get(Channel.room(room_id), ())))
            for room_id, room in rooms.items()
        }

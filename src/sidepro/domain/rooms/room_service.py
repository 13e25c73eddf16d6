"""What people do in coffee chats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sidepro.domain.clock import Clock
from sidepro.domain.errors import ensure_found
from sidepro.domain.idempotency import IdempotentRequest, run_idempotent
from sidepro.domain.identity import Caller
from sidepro.domain.ids import (
    NewId,
    RoomId,
    UserId,
)
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.rooms.events import ReadPositionChanged, RoomClosed, StatusChanged, Typing
from sidepro.domain.rooms.message_writer import MessageWriter, WriteResult
from sidepro.domain.rooms.ports import Presence, RoomEvents, RoomReader, RoomUnitOfWork
from sidepro.domain.rooms.room import Message, Room, RoomStatus
from sidepro.domain.rooms.views import (
    History,
    OpenResult,
    PresenceSnapshot,
    RoomSnapshot,
    RoomView,
)
from sidepro.domain.unit_of_work import UnitOfWorkFactory

MAX_REPLAY = 1_000
"""More missed messages than this are not replayed: the client reads them page by page."""


@dataclass(frozen=True, slots=True)
class RoomService:
    """Asking for a chat, talking, reading, leaving."""

    unit_of_work: UnitOfWorkFactory[RoomUnitOfWork]
    reader: RoomReader
    events: RoomEvents
    presence: Presence
    message_writer: MessageWriter
    clock: Clock
    new_id: NewId

    # ---------------------------------------------------------------------------------- rooms

    async def open(
        self,
        caller: Caller,
        invited: UserId,
        request: IdempotentRequest[OpenResult] | None = None,
    ) -> OpenResult:
        """Open the room of two people. A pair has one room, whoever asks first. If the caller had
        left it, it is reopened.

        Raises:
            CannotChatWithYourself: `invited` is the caller.
            NotFound: there is no such person.
            ReplayResponse, IdempotencyKeyReused, IdempotencyKeyInUse: see `run_idempotent`.
        """
        now = self.clock()
        fresh = Room.open(RoomId(self.new_id()), caller.id, invited, now)
        known = await self.reader.id_of_pair(caller.id, invited)
        someone_there = known is not None and bool(await self.presence.online([known]))

        async def store(work: RoomUnitOfWork) -> OpenResult:
            while (room := await work.rooms.get_of_pair(caller.id, invited)) is None:
                # Another unit of work may create or delete the room between these two steps.
                if await work.rooms.add_if_absent(fresh):
                    room = fresh
                    break
            opened = room.reopened_by(caller.id, now)
            if opened != room:
                await work.rooms.save(opened)
            view = ensure_found(await work.room_reader.room(room.id, caller.id))
            return OpenResult(
                _shown(view, someone_there and view.id == known),
                created=room is fresh,
                reopened=opened != room,
            )

        result = await run_idempotent(self.unit_of_work, request, now, store)
        if result.reopened:
            await self.events.publish(StatusChanged(result.room.id))
        return result

    async def rooms(self, caller: Caller, page: PageRequest) -> Page[RoomView]:
        """The caller's rooms, the latest activity first."""
        found = await self.reader.rooms(caller.id, page)
        online = await self.presence.online([room.id for room in found.items])
        return replace(
            found, items=tuple(_shown(room, bool(online.get(room.id))) for room in found.items)
        )

    async def room_count(self, caller: Caller) -> int:
        """How many rooms the caller has."""
        return await self.reader.room_count(caller.id)

    async def room(self, caller: Caller, room_id: RoomId) -> RoomView:
        """One of the caller's rooms.

        Raises:
            NotFound: it is not there for the caller.
        """
        room = ensure_found(await self.reader.room(room_id, caller.id))
        online = await self.presence.online([room.id])
        return _shown(room, bool(online.get(room.id)))

    async def leave(self, caller: Caller, room_id: RoomId) -> None:
        """Leave a room: the other one can still read it. The last one to leave takes it away.

        Raises:
            NotFound: it is not there for the caller.
        """
        async with self.unit_of_work() as work:
            remaining = ensure_found(await work.rooms.get(room_id)).leave(caller.id)
            if remaining is None:
                await work.rooms.delete(room_id)
            else:
                await work.rooms.save(remaining)
            await work.commit()
        await self.events.publish(RoomClosed(room_id, caller.id if remaining else None))
        if remaining:
            await self.events.publish(StatusChanged(room_id))

    async def authorize(self, caller: Caller, room_id: RoomId) -> Room:
        """The room itself, if the caller may see it.

        Raises:
            NotFound: it is not there for the caller.
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
        """Say something; the stored message, and whether it was stored before.

        A repeated `client_id` gives the first message, for ever, whatever the body. It is told
        again too, in case the process that stored it died before telling.

        Raises:
            NotFound: the room is not there for the caller.
            RoomPending: the other one has left.
            InvalidInput: the body or the client id breaks its rule.
            ReplayResponse, IdempotencyKeyReused, IdempotencyKeyInUse: see `run_idempotent`.
        """
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
        """A stretch of the room's messages.

        Raises:
            NotFound: the room is not there for the caller.
        """
        room = await self.authorize(caller, room_id)
        items = await self.reader.messages(room_id, after=after, before=before, limit=limit)
        # A message may have come in between: the last number is never below one that is shown.
        last_seq = max([room.last_seq, *(message.seq for message in items[-1:])])
        return History(items, last_seq)

    async def messages_in_range(
        self, room_id: RoomId, after: int, upto: int
    ) -> tuple[Message, ...]:
        """The messages numbered `after + 1` to `upto`, for a socket that has missed them."""
        found = await self.reader.messages(
            room_id, after=after, before=None, limit=max(0, upto - after)
        )
        return tuple(message for message in found if message.seq <= upto)

    async def mark_read(self, caller: Caller, room_id: RoomId, seq: int) -> None:
        """Note how far the caller has read. Never goes back, never beyond the last message.

        Raises:
            NotFound: the room is not there for the caller.
        """
        async with self.unit_of_work() as work:
            room = ensure_found(await work.rooms.get(room_id))
            marked = room.read_by(caller.id, seq)
            if marked == room:
                return
            await work.rooms.save(marked)
            await work.commit()
        reached = next(s.read_seq for s in marked.participants if s.user_id == caller.id)
        await self.events.publish(ReadPositionChanged(room_id, caller.id, reached))

    async def typing(self, caller: Caller, room_id: RoomId) -> None:
        """Tell the other one that the caller is typing."""
        await self.events.publish(Typing(room_id, caller.id))

    # ------------------------------------------------------------------------------- presence

    async def connect(self, caller: Caller, room_id: RoomId, connection: str) -> None:
        """Note that the caller has the room open in a socket."""
        if await self.presence.connect(room_id, caller.id, connection):
            await self.events.publish(StatusChanged(room_id))

    async def disconnect(self, caller: Caller, room_id: RoomId, connection: str) -> None:
        """Note that this socket is closed."""
        if await self.presence.disconnect(room_id, caller.id, connection):
            await self.events.publish(StatusChanged(room_id))

    async def presence_snapshot(self, room_id: RoomId) -> PresenceSnapshot:
        """Who is there, and the status that follows. Somebody who left or withdrew is not there,
        even while a socket of theirs is still being closed.

        Raises:
            NotFound: there is no such room.
        """
        snapshots = await self.room_snapshots([room_id])
        return ensure_found(snapshots.get(room_id)).presences

    async def room_snapshots(self, room_ids: Sequence[RoomId]) -> Mapping[RoomId, RoomSnapshot]:
        """Those of the rooms that are there, each with who is there as in `presences`."""
        rooms = await self.reader.states(room_ids)
        connected = await self.presence.online(list(rooms))
        return {
            room_id: RoomSnapshot(room, _presences(room, connected.get(room_id, ())))
            for room_id, room in rooms.items()
        }


def _presences(room: Room, connected: Sequence[UserId]) -> PresenceSnapshot:
    online = tuple(user_id for user_id in connected if room.is_open_to(user_id))
    return PresenceSnapshot(room.status(someone_there=bool(online)), room.left_by, online)


def _shown(room: RoomView, someone_there: bool) -> RoomView:
    if room.status is RoomStatus.STOP and someone_there:
        return replace(room, status=RoomStatus.RUNNING)
    return room

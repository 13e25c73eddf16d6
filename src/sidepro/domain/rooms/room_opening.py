"""Opens the room of two people inside the unit of work of another use case."""

from dataclasses import dataclass, replace

from sidepro.domain.channels import Channel, Presence, PubSub, StatusChanged
from sidepro.domain.clock import Clock
from sidepro.domain.errors import ensure_found
from sidepro.domain.ids import NewId, RoomId, UserId
from sidepro.domain.rooms.events import publish_room_change
from sidepro.domain.rooms.ports import RoomReader, RoomUnitOfWork
from sidepro.domain.rooms.room import Room, RoomStatus
from sidepro.domain.rooms.views import OpenResult, RoomView


@dataclass(frozen=True, slots=True)
class RoomOpening:
    """The room that a caller may be about to open, and whether anybody is in the present one."""

    caller: UserId
    fresh: Room
    online_room: RoomId | None

    async def open(self, work: RoomUnitOfWork, *, for_both: bool = False) -> OpenResult:
        """Open the pair's room, a new one unless it has one. It is reopened if the caller had left
        it or, `for_both`, the other person.

        Raises:
            NotFound: one of the two does not exist.
        """
        fresh = self.fresh
        one, other = (participant.user_id for participant in fresh.participants)
        while (
            room := await work.rooms.get_of_pair(ensure_found(one), ensure_found(other))
        ) is None:
            # Another unit of work may create or delete the room between these two steps.
            if await work.rooms.add_if_absent(fresh):
                room = fresh
                break
        returning = room.left_by if for_both and room.left_by else self.caller
        opened = room.reopened_by(returning, fresh.created_at)
        if opened != room:
            await work.rooms.save(opened)
        view = ensure_found(await work.room_reader.room(room.id, self.caller))
        return OpenResult(
            with_presence(view, is_online=view.id == self.online_room),
            created=room is fresh,
            reopened=opened != room,
        )


@dataclass(frozen=True, slots=True)
class RoomOpener:
    """Prepares openings, and publishes them after their commit."""

    reader: RoomReader
    events: PubSub
    presence: Presence
    clock: Clock
    new_id: NewId

    async def prepare(self, caller: UserId, other: UserId) -> RoomOpening:
        """Read what an opening needs, before its unit of work.

        Raises:
            CannotChatWithYourself: both are the same person.
        """
        fresh = Room.open(RoomId(self.new_id()), caller, other, self.clock())
        known = await self.reader.id_of_pair(caller, other)
        is_online = known is not None and bool(await self.presence.online([Channel.room(known)]))
        return RoomOpening(caller, fresh, known if is_online else None)

    async def publish(self, opening: RoomOpening, result: OpenResult) -> None:
        """Publish a committed opening to the sockets of a room that stood before, and to both
        people.
        """
        if result.reopened:
            await self.events.publish(StatusChanged(Channel.room(result.room.id)))
        if result.created or result.reopened:
            people = (one.user_id for one in opening.fresh.participants if one.user_id)
            await publish_room_change(self.events, result.room.id, people)


def with_presence(room: RoomView, *, is_online: bool) -> RoomView:
    """The view of a room that somebody may be connected to."""
    if room.status is RoomStatus.STOP and is_online:
        return replace(room, status=RoomStatus.RUNNING)
    return room

"""What happens in a room, as it is told to everybody who has it open."""

from dataclasses import dataclass

from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.room import Message


@dataclass(frozen=True, slots=True)
class MessageSent:
    """A message was stored. May be told more than once, and out of order: its number decides."""

    room_id: RoomId
    message: Message


@dataclass(frozen=True, slots=True)
class ReadPositionChanged:
    """One of the two has read up to `seq`."""

    room_id: RoomId
    user_id: UserId
    seq: int


@dataclass(frozen=True, slots=True)
class Typing:
    """One of the two is typing. Told, not stored."""

    room_id: RoomId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """Who is there, or who has left, is not what it was: look it up."""

    room_id: RoomId


@dataclass(frozen=True, slots=True)
class RoomClosed:
    """The room is no longer there for `user_id`; for `None`, for nobody."""

    room_id: RoomId
    user_id: UserId | None


@dataclass(frozen=True, slots=True)
class ResyncRequired:
    """Something that happened in the room may not have been told: look everything up."""

    room_id: RoomId


RoomEvent = (
    MessageSent | ReadPositionChanged | Typing | StatusChanged | RoomClosed | ResyncRequired
)

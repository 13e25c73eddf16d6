"""Read models of rooms."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.room import Message, Room, RoomStatus


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room as one participant sees it; `participant` is the other one, `None` if withdrawn."""

    id: RoomId
    participant: UserSummary | None
    status: RoomStatus
    left_by: UserId | None
    last_message: Message | None
    last_seq: int
    read_seq: int
    participant_read_seq: int
    unread_count: int
    created_at: datetime
    updated_at: datetime
    writable: bool


class OpenResult(NamedTuple):
    """A room as the caller sees it, whether it is new, and whether the caller had left it."""

    room: RoomView
    created: bool
    reopened: bool


@dataclass(frozen=True, slots=True)
class Unread:
    """The number of a person's rooms with unread messages, and the number of these messages."""

    rooms: int
    messages: int


@dataclass(frozen=True, slots=True)
class PresenceSnapshot:
    """The connected participants of a room, and the status that results."""

    status: RoomStatus
    left_by: UserId | None
    online: tuple[UserId, ...]


@dataclass(frozen=True, slots=True)
class RoomSnapshot:
    """A room, and the users who are connected to it."""

    room: Room
    connected: tuple[UserId, ...]

    def presence(self, viewer: UserId) -> PresenceSnapshot:
        """The presence as a participant sees it: during a block, nobody but themselves."""
        room = self.room
        # A participant who has just left may still have a socket that is closing.
        online = tuple(
            user_id
            for user_id in self.connected
            if room.is_open_to(user_id) and (user_id == viewer or not room.is_blocked)
        )
        return PresenceSnapshot(room.status(is_online=bool(online)), room.visible_left_by, online)


@dataclass(frozen=True, slots=True)
class History:
    """Some messages of a room in ascending order, and the number of its last message."""

    items: tuple[Message, ...]
    last_seq: int

"""Read models of the stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sidepro.domain.channels import ItemKind
from sidepro.domain.ids import UserId
from sidepro.domain.rooms.views import RoomView


@dataclass(frozen=True, slots=True)
class Badges:
    """What waits for a person: rooms with unread messages, these messages, unread notifications,
    and received requests without an answer.
    """

    unread_rooms: int = 0
    unread_messages: int = 0
    unread_notifications: int = 0
    pending_requests: int = 0


NO_BADGES = Badges()

ItemKey = tuple[ItemKind, UUID]
"""An item of a person."""

ItemView = RoomView
"""The state of an item."""


@dataclass(frozen=True, slots=True)
class PersonUpdate:
    """A person's badges, and the state of their changed items; `None` for one that is gone."""

    user_id: UserId
    badges: Badges
    items: Mapping[ItemKey, ItemView | None]

"""Read models of the stream."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from sidepro.domain.channels import ItemKind
from sidepro.domain.coffee_chats.views import ChatRequestView
from sidepro.domain.ids import UserId
from sidepro.domain.notifications.views import NotificationView
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

    def without_room(self, messages: int) -> "Badges":
        """The badges after a room with so many unread messages was read."""
        return replace(
            self,
            unread_rooms=max(0, self.unread_rooms - 1),
            unread_messages=max(0, self.unread_messages - messages),
        )


NO_BADGES = Badges()

ItemKey = tuple[ItemKind, UUID]
"""An item of a person."""

ItemView = RoomView | NotificationView | ChatRequestView
"""The state of an item."""


@dataclass(frozen=True, slots=True)
class PersonUpdate:
    """A person's badges, and the state of their changed items; `None` for one that is gone."""

    user_id: UserId
    badges: Badges
    items: Mapping[ItemKey, ItemView | None]

"""The state that a person's stream shows, read for many people at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sidepro.domain.channels import ItemKind
from sidepro.domain.clock import Clock
from sidepro.domain.coffee_chats.ports import ChatRequestReader
from sidepro.domain.coffee_chats.views import Box, RequestQuery
from sidepro.domain.ids import ChatRequestId, NotificationId, RoomId, UserId
from sidepro.domain.notifications.ports import ChangedEntry, NotificationReader
from sidepro.domain.pagination import PageRequest
from sidepro.domain.person_stream.ports import BadgeReader
from sidepro.domain.person_stream.views import (
    NO_BADGES,
    Badges,
    ItemKey,
    ItemView,
    PersonUpdate,
)
from sidepro.domain.rooms.room_service import RoomService

LATEST = 20
"""How many items of each kind are read after events may have been lost."""

Changed = Mapping[UserId, Collection[ItemKey]]
Found = Mapping[tuple[UserId, ItemKey], ItemView]


@dataclass(frozen=True, slots=True)
class PersonStreamService:
    """Reads badges and changed items."""

    reader: BadgeReader
    rooms: RoomService
    notifications: NotificationReader
    requests: ChatRequestReader
    clock: Clock

    async def badges(self, user_id: UserId) -> Badges:
        """The badges of a person."""
        return (await self.reader.badges([user_id])).get(user_id, NO_BADGES)

    async def updates(self, changed: Changed) -> Sequence[PersonUpdate]:
        """The state of people and their changed items, in one statement for each kind."""
        badges = await self.reader.badges(changed.keys())
        items = {
            **await self._rooms(changed),
            **await self._notifications(changed),
            **await self._requests(changed),
        }
        return [
            PersonUpdate(
                user_id,
                badges.get(user_id, NO_BADGES),
                {key: items.get((user_id, key)) for key in keys},
            )
            for user_id, keys in changed.items()
        ]

    async def latest(self, user_id: UserId) -> Collection[ItemKey]:
        """The items that changed last, for a person who may have missed events."""
        page = PageRequest(LATEST)
        rooms = await self.rooms.reader.rooms(user_id, page)
        notifications = await self.notifications.notifications(user_id, page)
        now = self.clock()
        requests = [
            one
            for box in Box
            for one in (await self.requests.requests(user_id, RequestQuery(box), page, now)).items
        ]
        return [
            *((ItemKind.ROOM, room.id) for room in rooms.items),
            *((ItemKind.NOTIFICATION, entry.id) for entry in notifications.items),
            *((ItemKind.REQUEST, request.id) for request in requests),
        ]

    async def _rooms(self, changed: Changed) -> Found:
        keys = [(user_id, RoomId(room_id)) for user_id, room_id in _ids(changed, ItemKind.ROOM)]
        views = await self.rooms.views(keys) if keys else {}
        return {(user_id, (ItemKind.ROOM, room_id)): v for (user_id, room_id), v in views.items()}

    async def _notifications(self, changed: Changed) -> Found:
        keys = [
            ChangedEntry(user_id, NotificationId(entry_id))
            for user_id, entry_id in _ids(changed, ItemKind.NOTIFICATION)
        ]
        views = await self.notifications.entries(keys) if keys else {}
        return {
            (entry.recipient_id, (ItemKind.NOTIFICATION, entry.id)): view
            for entry, view in views.items()
        }

    async def _requests(self, changed: Changed) -> Found:
        ids = _ids(changed, ItemKind.REQUEST)
        keys = [(user_id, ChatRequestId(request_id)) for user_id, request_id in ids]
        views = await self.requests.request_views(keys, self.clock()) if keys else {}
        return {
            (user_id, (ItemKind.REQUEST, request_id)): view
            for (user_id, request_id), view in views.items()
        }


def _ids(changed: Changed, kind: ItemKind) -> list[tuple[UserId, UUID]]:
    return [
        (user_id, item_id)
        for user_id, keys in changed.items()
        for item_kind, item_id in keys
        if item_kind is kind
    ]

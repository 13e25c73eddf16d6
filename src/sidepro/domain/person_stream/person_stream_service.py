"""The state that a person's stream shows, read for many people at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sidepro.domain.channels import ItemKind
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.pagination import PageRequest
from sidepro.domain.person_stream.ports import BadgeReader
from sidepro.domain.person_stream.views import NO_BADGES, Badges, ItemKey, ItemView, PersonUpdate
from sidepro.domain.rooms.room_service import RoomService

LATEST = 20
"""How many of a person's rooms are read after events may have been lost."""


@dataclass(frozen=True, slots=True)
class PersonStreamService:
    """Reads badges and changed items."""

    reader: BadgeReader
    rooms: RoomService

    async def badges(self, user_id: UserId) -> Badges:
        """The badges of a person."""
        return (await self.reader.badges([user_id])).get(user_id, NO_BADGES)

    async def updates(
        self, changed: Mapping[UserId, Collection[ItemKey]]
    ) -> Sequence[PersonUpdate]:
        """The state of people and their changed items, in one statement for each kind."""
        badges = await self.reader.badges(changed.keys())
        found: dict[tuple[UserId, ItemKey], ItemView] = {}
        rooms = [
            (user_id, RoomId(item_id))
            for user_id, keys in changed.items()
            for kind, item_id in keys
            if kind is ItemKind.ROOM
        ]
        if rooms:
            for (user_id, room_id), view in (await self.rooms.views(rooms)).items():
                found[user_id, (ItemKind.ROOM, room_id)] = view
        return [
            PersonUpdate(
                user_id,
                badges.get(user_id, NO_BADGES),
                {key: found.get((user_id, key)) for key in keys},
            )
            for user_id, keys in changed.items()
        ]

    async def latest(self, user_id: UserId) -> Collection[ItemKey]:
        """The items that changed last, for a person who may have missed events."""
        page = await self.rooms.reader.rooms(user_id, PageRequest(LATEST))
        return [(ItemKind.ROOM, room.id) for room in page.items]

"""Rooms and messages in memory."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.ports import MessageName, UnlockedRooms
from sidepro.domain.rooms.room import Message, Room
from sidepro.domain.visibility import Visibility
from tests.fakes.state import Repository


class MemoryRooms(Repository):
    """See `sidepro.domain.rooms.ports.RoomRepository`."""

    async def add_if_absent(self, room: Room) -> bool:
        low, high = (participant.user_id for participant in room.participants)
        self._must_be_there(low, high)
        if self._of_pair(low, high):
            return False
        self._state.rooms[room.id] = room
        return True

    async def get(self, room_id: RoomId) -> Room | None:
        return self._state.rooms.get(room_id)

    async def get_all(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        return {one: room for one in room_ids if (room := self._state.rooms.get(one))}

    async def get_unlocked(self, room_ids: Collection[RoomId]) -> UnlockedRooms:
        return UnlockedRooms(await self.get_all(room_ids), frozenset())

    async def get_of_pair(self, one: UserId, other: UserId) -> Room | None:
        return self._of_pair(one, other)

    async def of_user(self, user_id: UserId) -> tuple[Room, ...]:
        rooms = self._state.rooms.values()
        found = [r for r in rooms if any(p.user_id == user_id for p in r.participants)]
        return tuple(sorted(found, key=lambda room: room.id))

    async def save(self, *rooms: Room) -> None:
        for room in rooms:
            self._state.rooms[room.id] = room

    async def delete(self, room_id: RoomId) -> None:
        self._state.rooms.pop(room_id, None)
        for key in [key for key in self._state.messages if key[0] == room_id]:
            del self._state.messages[key]

    async def add_messages(self, *messages: Message) -> None:
        for message in messages:
            if message.sender_id is not None:
                self._must_be_there(message.sender_id)
            self._state.messages[message.room_id, message.seq] = message

    async def set_visibility(self, room_id: RoomId, seq: int, visibility: Visibility) -> None:
        message = self._state.messages[room_id, seq]
        self._state.messages[room_id, seq] = replace(message, visibility=visibility)

    async def erase_message(self, room_id: RoomId, seq: int) -> None:
        message = self._state.messages[room_id, seq]
        self._state.messages[room_id, seq] = replace(message, body="")

    async def find_messages(self, names: Collection[MessageName]) -> dict[MessageName, Message]:
        return {
            (one.room_id, one.sender_id, one.client_id): one
            for one in self._state.messages.values()
            if one.sender_id and one.client_id
            if (one.room_id, one.sender_id, one.client_id) in names
        }

    def _of_pair(self, one: UserId | None, other: UserId | None) -> Room | None:
        pair = {one, other}
        rooms = self._state.rooms.values()
        return next(
            (r for r in rooms if {p.user_id for p in r.participants} == pair),
            None,
        )

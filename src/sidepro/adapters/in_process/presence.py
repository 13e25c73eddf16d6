"""Presence within one process."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sidepro.domain.ids import RoomId, UserId


class InProcessPresence:
    """See `sidepro.domain.rooms.ports.Presence`."""

    def __init__(self) -> None:
        self._connections: dict[RoomId, dict[UserId, set[str]]] = defaultdict(dict)

    async def connect(self, room_id: RoomId, user_id: UserId, connection: str) -> bool:
        connections = self._connections[room_id].setdefault(user_id, set())
        was_away = not connections
        connections.add(connection)
        return was_away

    async def disconnect(self, room_id: RoomId, user_id: UserId, connection: str) -> bool:
        people = self._connections.get(room_id, {})
        connections = people.get(user_id, set())
        if connection not in connections:
            return False
        connections.remove(connection)
        if not connections:
            del people[user_id]
        if not people:
            del self._connections[room_id]
        return not connections

    async def online(self, room_ids: Sequence[RoomId]) -> Mapping[RoomId, tuple[UserId, ...]]:
        return {
            room_id: tuple(sorted(self._connections[room_id]))
            for room_id in room_ids
            if room_id in self._connections
        }

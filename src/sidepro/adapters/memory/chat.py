"""Chat feed and presence for a platform that is one process."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sidepro.domain.rooms.events import RoomEvent
from sidepro.domain.rooms.ports import Listener
from sidepro.domain.shared import RoomId, UserId


class MemoryFeed:
    """See `sidepro.domain.rooms.ports.ChatFeed`. Listeners hear at once, in order."""

    def __init__(self) -> None:
        self._listeners: dict[RoomId, list[Listener]] = {}

    async def publish(self, event: RoomEvent) -> None:
        for listener in tuple(self._listeners.get(event.room_id, ())):
            listener(event)

    async def listen(self, room_id: RoomId, listener: Listener) -> None:
        self._listeners.setdefault(room_id, []).append(listener)

    async def ignore(self, room_id: RoomId, listener: Listener) -> None:
        listeners = self._listeners.get(room_id, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners:
            self._listeners.pop(room_id, None)


class MemoryPresence:
    """See `sidepro.domain.rooms.ports.Presence`."""

    def __init__(self) -> None:
        self._connections: dict[RoomId, dict[UserId, set[str]]] = defaultdict(dict)

    async def enter(self, room_id: RoomId, user_id: UserId, connection: str) -> bool:
        connections = self._connections[room_id].setdefault(user_id, set())
        was_away = not connections
        connections.add(connection)
        return was_away

    async def leave(self, room_id: RoomId, user_id: UserId, connection: str) -> bool:
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

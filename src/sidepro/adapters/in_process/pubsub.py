"""Chat feed and presence for a platform that is one process."""

from sidepro.domain.ids import RoomId
from sidepro.domain.rooms.events import RoomEvent
from sidepro.domain.rooms.ports import Listener


class InProcessRoomEvents:
    """See `sidepro.domain.rooms.ports.RoomEvents`. Listeners hear at once, in order."""

    def __init__(self) -> None:
        self._listeners: dict[RoomId, list[Listener]] = {}

    async def publish(self, event: RoomEvent) -> None:
        for listener in tuple(self._listeners.get(event.room_id, ())):
            listener(event)

    async def subscribe(self, room_id: RoomId, listener: Listener) -> None:
        self._listeners.setdefault(room_id, []).append(listener)

    async def unsubscribe(self, room_id: RoomId, listener: Listener) -> None:
        listeners = self._listeners.get(room_id, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners:
            self._listeners.pop(room_id, None)

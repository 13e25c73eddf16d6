"""Presence within one process."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sidepro.domain.channels import Channel
from sidepro.domain.ids import UserId


class InProcessPresence:
    """See `sidepro.domain.channels.Presence`."""

    def __init__(self) -> None:
        self._connections: dict[Channel, dict[UserId, set[str]]] = defaultdict(dict)

    async def connect(self, channel: Channel, user_id: UserId, connection: str) -> bool:
        connections = self._connections[channel].setdefault(user_id, set())
        was_offline = not connections
        connections.add(connection)
        return was_offline

    async def disconnect(self, channel: Channel, user_id: UserId, connection: str) -> bool:
        users = self._connections.get(channel, {})
        connections = users.get(user_id, set())
        if connection not in connections:
            return False
        connections.remove(connection)
        if not connections:
            del users[user_id]
        if not users:
            del self._connections[channel]
        return not connections

    async def online(self, channels: Sequence[Channel]) -> Mapping[Channel, tuple[UserId, ...]]:
        return {
            channel: tuple(sorted(self._connections[channel]))
            for channel in channels
            if channel in self._connections
        }

"""Publish and subscribe within one process."""

from sidepro.domain.channels import Channel, Event, Listener


class InProcessPubSub:
    """See `sidepro.domain.channels.PubSub`. Delivers at once and in order."""

    def __init__(self) -> None:
        self._listeners: dict[Channel, list[Listener]] = {}

    async def publish(self, event: Event) -> None:
        for listener in tuple(self._listeners.get(event.channel, ())):
            listener(event)

    async def subscribe(self, channel: Channel, listener: Listener) -> None:
        self._listeners.setdefault(channel, []).append(listener)

    async def unsubscribe(self, channel: Channel, listener: Listener) -> None:
        listeners = self._listeners.get(channel, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners:
            self._listeners.pop(channel, None)

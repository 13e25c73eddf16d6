"""Two processes that share events, a recorder of events, and the events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.pubsub import RedisPubSub
from sidepro.domain.channels import (
    Channel,
    Event,
    ItemChanged,
    ItemKind,
    PubSub,
    ResyncRequired,
    StatusChanged,
)
from sidepro.domain.ids import RoomId
from sidepro.domain.rooms.events import (
    BlockChanged,
    MessageSent,
    ReadPositionChanged,
    RoomClosed,
    Typing,
)
from tests import factories
from tests.clients import eventually
from tests.contracts.builders import no_room, nobody
from tests.servers import RedisServer

RECOVERY_SECONDS = 5.0
"""Promised maximum after the return of Redis."""


@dataclass(frozen=True)
class Processes:
    """The adapters of two processes; in-process both are the same one."""

    here: PubSub
    there: PubSub


@asynccontextmanager
async def two_processes(server: RedisServer) -> AsyncIterator[Processes]:
    clients = [RedisClient(server.url) for _ in range(2)]
    adapters = [RedisPubSub(client) for client in clients]
    try:
        yield Processes(*adapters)
    finally:
        for adapter in adapters:
            await adapter.close()
        for client in clients:
            await client.close()


@dataclass(eq=False)
class Recorder:
    """A listener that records events, which may repeat and come in any order."""

    received: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.received.append(event)

    async def receives(self, *events: Event) -> None:
        """Wait for all of these events, and assert that there were no others."""
        await eventually(lambda: all(event in self.received for event in events), RECOVERY_SECONDS)
        assert all(event in events for event in self.received)


def new_channel() -> Channel:
    return Channel.room(no_room())


def message(channel: Channel) -> MessageSent:
    room_id = RoomId(channel.id)
    return MessageSent(channel, factories.message(room_id, 1, nobody(), body="커피 ☕\n\"'"))


def one_of_each(channel: Channel) -> list[Event]:
    return [
        message(channel),
        ReadPositionChanged(channel, nobody(), 3),
        Typing(channel, nobody()),
        StatusChanged(channel),
        RoomClosed(channel, nobody()),
        RoomClosed(channel, None),
        ResyncRequired(channel),
        BlockChanged(channel, is_blocked=True),
        ItemChanged(channel, ItemKind.ROOM, nobody()),
        ItemChanged(channel, ItemKind.BADGES),
    ]

"""Channels: the addresses of live events and of presence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple, Protocol
from uuid import UUID

from sidepro.domain.ids import ChatRequestId, NotificationId, RoomId, UserId

ROOM, PERSON = "room", "person"
"""Kinds of channels."""


class Channel(NamedTuple):
    """An address for events: the kind of a thing and its id."""

    kind: str
    id: UUID

    @classmethod
    def room(cls, room_id: RoomId) -> "Channel":
        """The channel of a room, for its two participants."""
        return cls(ROOM, room_id)

    @classmethod
    def person(cls, user_id: UserId) -> "Channel":
        """The channel of a person, for all their pages and programs."""
        return cls(PERSON, user_id)

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a channel. A topic derives its events from this class."""

    channel: Channel

    is_transient: ClassVar[bool] = False
    """Whether a late event is worthless. A lost one then needs no resync."""


@dataclass(frozen=True, slots=True)
class StatusChanged(Event):
    """Somebody connected, disconnected, joined or left. Subscribers read the status again."""


@dataclass(frozen=True, slots=True)
class ResyncRequired(Event):
    """Events of the channel may have been lost. Subscribers read its whole state again."""


class ItemKind(StrEnum):
    """What a person's channel tells changes of."""

    BADGES = "badges"
    ROOM = "room"
    REQUEST = "request"
    NOTIFICATION = "notification"


@dataclass(frozen=True, slots=True)
class ItemChanged(Event):
    """An item of a person changed, appeared or went. Subscribers read its state, and the person's
    badges, again. `item_id` is `None` if only the badges changed.
    """

    kind: ItemKind
    item_id: UUID | None = None

    @classmethod
    def badges(cls, user_id: UserId) -> "ItemChanged":
        """Only the badges changed."""
        return cls(Channel.person(user_id), ItemKind.BADGES)

    @classmethod
    def room(cls, user_id: UserId, room_id: RoomId) -> "ItemChanged":
        """One of the person's rooms changed, or is no longer theirs."""
        return cls(Channel.person(user_id), ItemKind.ROOM, room_id)

    @classmethod
    def request(cls, user_id: UserId, request_id: ChatRequestId) -> "ItemChanged":
        """A request that the person sent or received is new or changed."""
        return cls(Channel.person(user_id), ItemKind.REQUEST, request_id)

    @classmethod
    def notification(cls, user_id: UserId, notification_id: NotificationId) -> "ItemChanged":
        """One of the person's notifications is new, changed or was removed."""
        return cls(Channel.person(user_id), ItemKind.NOTIFICATION, notification_id)


Listener = Callable[[Event], None]
"""Receives an event. MUST NOT block and MUST NOT raise."""


class PubSub(Protocol):
    """Publishes events to the subscribers of a channel, in all processes.

    Events MAY arrive twice, out of order or not at all. When some may have been lost, subscribers
    MUST get `ResyncRequired` as soon as the connection is back.
    """

    async def publish(self, event: Event) -> None:
        """Publish an event to its channel. Subscribers of this process MUST always get it.

        Connection errors MUST NOT raise: the state is stored, and subscribers read it again.
        """
        ...

    async def subscribe(self, channel: Channel, listener: Listener) -> None:
        """Subscribe a listener. It MUST get every event published after the return, or
        `ResyncRequired`. Connection errors MUST NOT raise or delay the return.
        """
        ...

    async def unsubscribe(self, channel: Channel, listener: Listener) -> None:
        """Cancel a listener's subscription. Other listeners MUST stay subscribed."""
        ...


class Presence(Protocol):
    """Which users are connected to a channel, in all processes.

    A user may have several connections, each with a unique name.
    """

    async def connect(self, channel: Channel, user_id: UserId, connection: str) -> bool:
        """Add a connection. Returns whether it is the user's first one."""
        ...

    async def disconnect(self, channel: Channel, user_id: UserId, connection: str) -> bool:
        """Remove a connection. Returns whether it was the user's last one. Safe to repeat."""
        ...

    async def online(self, channels: Sequence[Channel]) -> Mapping[Channel, tuple[UserId, ...]]:
        """The connected users by channel, ordered by id. Channels without users are omitted."""
        ...

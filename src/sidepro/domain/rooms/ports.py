"""What coffee chat needs from the outside."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from sidepro.domain.idempotency import IdempotentUnitOfWork
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.rooms.events import RoomEvent
from sidepro.domain.rooms.room import Message, Room
from sidepro.domain.rooms.views import RoomView

MessageName = tuple[RoomId, UserId, str]
"""What a sender calls a message: unique for a sender in a room."""


class RoomRepository(Protocol):
    """Rooms and messages, inside a unit of work."""

    async def add_if_absent(self, room: Room) -> bool:
        """Store a new room unless the pair has one; whether it was stored. Of two at once for the
        same pair MUST one hear yes.

        Raises:
            NotFound: one of the two users is gone.
        """
        ...

    async def get(self, room_id: RoomId) -> Room | None:
        """The room; MUST hold back everybody else who gets it until the unit of work ends."""
        ...

    async def get_all(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        """Those of the rooms that are there; MUST hold back others as `get` does. Two that ask
        for some of the same rooms MUST NOT wait for each other.
        """
        ...

    async def get_of_pair(self, one: UserId, other: UserId) -> Room | None:
        """The room of two people, in whatever order; MUST hold back others as `get` does."""
        ...

    async def of_user(self, user_id: UserId) -> tuple[Room, ...]:
        """All rooms that this person sits in, left or not, ordered by id; MUST hold back others as
        `get` does.
        """
        ...

    async def save(self, *rooms: Room) -> None:
        """Store changed rooms."""
        ...

    async def delete(self, room_id: RoomId) -> None:
        """Remove the room with its messages."""
        ...

    async def add_messages(self, *messages: Message) -> None:
        """Store messages. Their rooms were got in the same unit of work."""
        ...

    async def find_messages(self, names: Collection[MessageName]) -> dict[MessageName, Message]:
        """Those of the messages that are there, by the names that their senders gave them."""
        ...


class RoomReader(Protocol):
    """Reads without a unit of work.

    What it shows as *stop* may be *running*: only presence knows.
    """

    async def rooms(self, user_id: UserId, page: PageRequest) -> Page[RoomView]:
        """The rooms that this person has not left, the latest activity first, in at most two
        statements.
        """
        ...

    async def room_count(self, user_id: UserId) -> int:
        """How many rooms this person has not left."""
        ...

    async def room(self, room_id: RoomId, user_id: UserId) -> RoomView | None:
        """The room as this person sees it, or `None` when it is not there for them."""
        ...

    async def id_of_pair(self, one: UserId, other: UserId) -> RoomId | None:
        """The id of the room of two people, in either order, whether or not they left it."""
        ...

    async def state(self, room_id: RoomId) -> Room | None:
        """The room itself, without holding anybody back."""
        ...

    async def states(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        """Those of the rooms that are there, in one statement."""
        ...

    async def messages(
        self, room_id: RoomId, *, after: int | None, before: int | None, limit: int
    ) -> tuple[Message, ...]:
        """Up to `limit` messages in ascending order: the first ones after `after`, else the last
        ones before `before`, else the last ones.
        """
        ...


class RoomUnitOfWork(IdempotentUnitOfWork, Protocol):
    """A transaction over rooms and messages."""

    @property
    def rooms(self) -> RoomRepository: ...
    @property
    def room_reader(self) -> RoomReader: ...


Listener = Callable[[RoomEvent], None]
"""Takes an event without waiting; MUST NOT raise."""


class RoomEvents(Protocol):
    """Tells every process what happens in the rooms that it has open.

    Events of a room MAY come twice, out of order, or be lost; they MUST NOT be made up. Where some
    may have been lost, `ResyncRequired` MUST be told as soon as the room is heard of again.
    """

    async def publish(self, event: RoomEvent) -> None:
        """Tell everybody who listens to the event's room, this process included. Trouble with the
        connection MUST NOT raise: what matters is stored, and listeners catch up. Listeners of
        this process MUST hear whatever the trouble is.
        """
        ...

    async def subscribe(self, room_id: RoomId, listener: Listener) -> None:
        """Hear of the room's events. What is published after the return MUST be heard, now or as
        `ResyncRequired`; trouble with the connection MUST NOT raise or keep the caller waiting.
        """
        ...

    async def unsubscribe(self, room_id: RoomId, listener: Listener) -> None:
        """Stop hearing of the room's events. Somebody else's listening MUST go on."""
        ...


class Presence(Protocol):
    """Who has which room open, in sockets named by `connection`."""

    async def connect(self, room_id: RoomId, user_id: UserId, connection: str) -> bool:
        """Note an open socket; whether the person was not there before."""
        ...

    async def disconnect(self, room_id: RoomId, user_id: UserId, connection: str) -> bool:
        """Note a closed socket; whether it was the person's last one. Safe to repeat."""
        ...

    async def online(self, room_ids: Sequence[RoomId]) -> Mapping[RoomId, tuple[UserId, ...]]:
        """Who is there, ordered by id, for those of the rooms where somebody is."""
        ...

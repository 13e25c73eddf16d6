"""Storage of rooms and messages."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from sidepro.domain.idempotency import IdempotentUnitOfWork
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.rooms.room import Message, Room
from sidepro.domain.rooms.views import RoomView, Unread
from sidepro.domain.visibility import Visibility

MessageName = tuple[RoomId, UserId, str]
"""Room, sender and client id of a message: unique."""


class UnlockedRooms(NamedTuple):
    """Rooms that exist, and the ids of those that another unit of work has locked."""

    rooms: Mapping[RoomId, Room]
    locked: frozenset[RoomId]


class RoomRepository(Protocol):
    """Rooms and messages, inside a unit of work.

    Every method that returns rooms MUST lock them until the unit of work ends.
    """

    async def add_if_absent(self, room: Room) -> bool:
        """Store a new room unless the pair has one. Returns whether it was stored. Concurrent
        calls for the same pair MUST store exactly one.

        Raises:
            NotFound: one of the two users does not exist.
        """
        ...

    async def get(self, room_id: RoomId) -> Room | None:
        """The room, or `None` if it does not exist."""
        ...

    async def get_all(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        """The rooms that exist. Calls with overlapping ids MUST NOT deadlock."""
        ...

    async def get_unlocked(self, room_ids: Collection[RoomId]) -> UnlockedRooms:
        """As `get_all`, without those that another unit of work has locked. MUST NOT wait.

        Later waits of this unit of work for rows SHOULD be short too.
        """
        ...

    async def get_of_pair(self, one: UserId, other: UserId) -> Room | None:
        """The room of two people, in either order."""
        ...

    async def of_user(self, user_id: UserId) -> tuple[Room, ...]:
        """All rooms of a participant, including those they left, ordered by id."""
        ...

    async def save(self, *rooms: Room) -> None:
        """Store changed rooms."""
        ...

    async def delete(self, room_id: RoomId) -> None:
        """Remove the room with its messages."""
        ...

    async def add_messages(self, *messages: Message) -> None:
        """Store messages of rooms that this unit of work has locked."""
        ...

    async def set_visibility(self, room_id: RoomId, seq: int, visibility: Visibility) -> None:
        """Hide, remove or restore a message."""
        ...

    async def erase_message(self, room_id: RoomId, seq: int) -> None:
        """Replace the body of a message by an empty text."""
        ...

    async def find_messages(self, names: Collection[MessageName]) -> dict[MessageName, Message]:
        """The messages with these names that exist."""
        ...


class RoomReader(Protocol):
    """Reads without locks.

    The views have no presence: a *running* room is read as *stop*.
    """

    async def rooms(self, user_id: UserId, page: PageRequest) -> Page[RoomView]:
        """The rooms that this person has not left, latest activity first, in at most two
        statements.
        """
        ...

    async def room_count(self, user_id: UserId) -> int:
        """The number of rooms that this person has not left."""
        ...

    async def unread(self, user_id: UserId) -> Unread:
        """The unread messages in all rooms that this person has not left, in one statement."""
        ...

    async def room(self, room_id: RoomId, user_id: UserId) -> RoomView | None:
        """The room as this person sees it; `None` if it does not exist or is not theirs."""
        ...

    async def views(
        self, keys: Collection[tuple[UserId, RoomId]]
    ) -> Mapping[tuple[UserId, RoomId], RoomView]:
        """What `room` finds for each key, in one statement."""
        ...

    async def id_of_pair(self, one: UserId, other: UserId) -> RoomId | None:
        """The id of the room of two people, in either order, even if one of them has left it."""
        ...

    async def state(self, room_id: RoomId) -> Room | None:
        """The room itself, or `None` if it does not exist."""
        ...

    async def states(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        """The rooms that exist, in one statement."""
        ...

    async def messages(
        self, room_id: RoomId, *, after: int | None, before: int | None, limit: int
    ) -> tuple[Message, ...]:
        """Up to `limit` messages with their texts, also of hidden ones, in ascending order: the
        first ones after `after`, or the last ones before `before`, or the last ones of all.
        """
        ...


class RoomUnitOfWork(IdempotentUnitOfWork, Protocol):
    """A transaction over rooms and messages."""

    @property
    def rooms(self) -> RoomRepository: ...
    @property
    def room_reader(self) -> RoomReader: ...


class EpochReader(Protocol):
    """Tells whether the data went back in time: each restored backup has another epoch."""

    async def current(self) -> str:
        """The epoch of the data. A change MUST be noticed within some seconds.

        Raises:
            Unavailable: the store is down.
        """
        ...

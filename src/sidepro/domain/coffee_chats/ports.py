"""Storage of chat requests."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sidepro.domain.coffee_chats.chat_request import ChatRequest
from sidepro.domain.coffee_chats.pair import Pair
from sidepro.domain.coffee_chats.views import ChatRequestView, RequestQuery
from sidepro.domain.ids import ChatRequestId, RoomId, UserId
from sidepro.domain.notifications.ports import NotificationUnitOfWork
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.rooms.ports import RoomUnitOfWork


class ChatRequestRepository(Protocol):
    """Chat requests, inside a unit of work. Lock the people of a request before changing it."""

    async def lock_pair(self, caller: UserId, other: UserId, now: datetime) -> Pair:
        """The two people, locked until the unit of work ends against other changes of either.

        Overlapping pairs MUST NOT deadlock. Lock a pair before its room.

        Raises:
            NotFound: one of the two does not exist.
        """
        ...

    async def add(self, *requests: ChatRequest) -> None:
        """Store new requests."""
        ...

    async def get(self, request_id: ChatRequestId) -> ChatRequest | None:
        """The request, or `None`. It is not locked."""
        ...

    async def get_accepted(self, asker: UserId, room_id: RoomId) -> ChatRequest | None:
        """The person's latest request that opened the room, or `None`."""
        ...

    async def save(self, *requests: ChatRequest) -> None:
        """Store changed requests."""
        ...

    async def pending_count(self, asker: UserId, now: datetime) -> int:
        """How many requests of this person read pending to them."""
        ...

    async def recipients(self, asker: UserId) -> tuple[UserId, ...]:
        """Who has a request of this person that is stored as pending."""
        ...

    async def sent_since(self, asker: UserId, since: datetime) -> tuple[datetime, ...]:
        """When this person sent their requests later than `since`, the first one first. Requests
        that were accepted as they were sent are left out.
        """
        ...

    async def expire(self, now: datetime, limit: int) -> Sequence[ChatRequest]:
        """Store the expiry of up to `limit` requests that have expired. Returns them.

        MUST NOT wait for requests that another transaction has locked.
        """
        ...


class ChatRequestReader(Protocol):
    """Reads requests as one of their two people sees them: see `ChatRequest.state_for`."""

    async def requests(
        self, user_id: UserId, query: RequestQuery, page: PageRequest, now: datetime
    ) -> Page[ChatRequestView]:
        """A page of a person's requests, newest first, in one statement."""
        ...

    async def request_count(self, user_id: UserId, query: RequestQuery, now: datetime) -> int:
        """How many requests the list has."""
        ...

    async def request(
        self, request_id: ChatRequestId, viewer: UserId, now: datetime
    ) -> ChatRequestView | None:
        """The request, or `None` if the viewer is neither of its two people."""
        ...

    async def request_views(
        self, keys: Collection[tuple[UserId, ChatRequestId]], now: datetime
    ) -> Mapping[tuple[UserId, ChatRequestId], ChatRequestView]:
        """The requests that these viewers sent or received, in one statement."""
        ...


class ConsentUnitOfWork(RoomUnitOfWork, NotificationUnitOfWork, Protocol):
    """A transaction over chat requests, rooms and notifications."""

    @property
    def chat_requests(self) -> ChatRequestRepository: ...
    @property
    def chat_request_reader(self) -> ChatRequestReader: ...

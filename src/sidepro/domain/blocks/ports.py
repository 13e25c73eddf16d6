"""Storage of blocks."""

from datetime import datetime
from typing import Protocol

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.coffee_chats.ports import ConsentUnitOfWork
from sidepro.domain.ids import UserId
from sidepro.domain.notifications.ports import NotificationUnitOfWork
from sidepro.domain.pagination import Page, PageRequest


class BlockRepository(Protocol):
    """Blocks, inside a unit of work that has locked the two people."""

    async def add(self, blocker: UserId, blocked: UserId, now: datetime) -> bool:
        """Store a block. Returns whether it is new."""
        ...

    async def remove(self, blocker: UserId, blocked: UserId) -> bool:
        """Remove a block. Returns whether there was one."""
        ...

    async def is_between(self, one: UserId, other: UserId) -> bool:
        """Whether one of the two blocks the other."""
        ...


class BlockReader(Protocol):
    """Reads whom a person blocks. Nobody can read who blocks them."""

    async def blocked(self, user_id: UserId, page: PageRequest) -> Page[UserSummary]:
        """A page of the people whom this person blocks, the latest block first, in one
        statement.
        """
        ...

    async def blocked_count(self, user_id: UserId) -> int:
        """How many people this person blocks."""
        ...

    async def blocks(self, blocker: UserId, blocked: UserId) -> bool:
        """Whether the one blocks the other."""
        ...


class BlockUnitOfWork(ConsentUnitOfWork, NotificationUnitOfWork, Protocol):
    """A transaction over blocks, and the requests and the room that they end."""

    @property
    def blocks(self) -> BlockRepository: ...

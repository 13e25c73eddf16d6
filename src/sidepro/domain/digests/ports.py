"""Storage of what digests have told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sidepro.domain.accounts.ports import AccountUnitOfWork
from sidepro.domain.ids import UserId
from sidepro.domain.mail.ports import MailUnitOfWork
from sidepro.domain.notifications.views import NotificationView


@dataclass(frozen=True, slots=True)
class UnreadChat:
    """A room with unread messages: the other person, and the number of messages."""

    username: str | None
    messages: int


@dataclass(frozen=True, slots=True)
class DigestContent:
    """What a digest tells."""

    notifications: Sequence[NotificationView]
    chats: Sequence[UnreadChat]


class DigestReader(Protocol):
    """Finds people without locks."""

    async def due(self, unread_since: datetime, not_since: datetime, limit: int) -> list[UserId]:
        """Up to `limit` people to mail: they have an unread notification or message that they
        want by mail, which came before `unread_since` and no digest has told, no digest was begun
        or sent after `not_since`, and none waits in the outbox. Messages of a room that a digest
        has told are told again only after the room was read. Those of a room with a block are not
        told.
        """
        ...


class DigestRepository(Protocol):
    """What digests have told, inside a unit of work."""

    async def begin(self, user_id: UserId, now: datetime, not_since: datetime) -> bool:
        """Begin a digest, unless one was begun after `not_since`. Exactly one of concurrent units
        of work MUST get `True`.
        """
        ...

    async def collect(self, user_id: UserId, now: datetime) -> DigestContent:
        """All that the person has not read, wants by mail, and no digest has told. It counts as
        told when the unit of work commits.
        """
        ...


class DigestUnitOfWork(AccountUnitOfWork, MailUnitOfWork, Protocol):
    """A transaction over digests and the outbox."""

    @property
    def digests(self) -> DigestRepository: ...

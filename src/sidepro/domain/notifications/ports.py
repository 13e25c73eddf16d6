"""Storage of notifications."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from sidepro.domain.ids import CommentId, NotificationId, ProjectId, UserId
from sidepro.domain.notifications.notification import (
    Delivery,
    NotificationEvent,
    NotificationKind,
)
from sidepro.domain.notifications.views import NotificationView
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.unit_of_work import UnitOfWork


class ChangedEntry(NamedTuple):
    """An entry that was added, changed or removed, and whose it is."""

    recipient_id: UserId
    id: NotificationId


class NotificationRepository(Protocol):
    """Entries, inside a unit of work.

    An entry without events MUST NOT exist. Concurrent units of work MUST have the effects of some
    order of them. Methods that remove events return the entries that changed, or went with their
    last event.
    """

    async def lock_author(self, project_id: ProjectId) -> UserId | None:
        """The author of a project, locked until the unit of work ends; `None` if there is no such
        project.

        Whoever adds an event about a project locks its author first, and then checks that the
        project is visible and that there is no block. Hiding and blocking lock the person too, so
        each of two concurrent units of work sees the other or is seen by it.
        """
        ...

    async def add(
        self, event: NotificationEvent, new_entry: NotificationId, event_id: UUID
    ) -> ChangedEntry | None:
        """Add an event to the unread entry of its kind and subject, or to a new one.

        MUST do nothing, and return `None`, if the recipient has switched the kind off, or if
        recipient and actor have no contact because one blocks the other.
        """
        ...

    async def remove_comment(self, comment_id: CommentId) -> Sequence[ChangedEntry]:
        """Remove the event of a comment."""
        ...

    async def remove_bookmark(
        self, project_id: ProjectId, user_id: UserId
    ) -> Sequence[ChangedEntry]:
        """Remove the events of a person's bookmark."""
        ...

    async def remove_project(self, project_id: ProjectId) -> Sequence[ChangedEntry]:
        """Remove all entries about a project, whose author the caller has locked before it."""
        ...

    async def remove_subject(
        self, kind: NotificationKind, subject_id: UUID
    ) -> Sequence[ChangedEntry]:
        """Remove all entries of a kind about a subject."""
        ...

    async def remove_between(self, one: UserId, other: UserId) -> Sequence[ChangedEntry]:
        """Remove the events that each of two people caused for the other. The caller has locked
        both.
        """
        ...

    async def remove_of(self, user_id: UserId) -> Sequence[ChangedEntry]:
        """Remove all that a person caused, and all their own entries."""
        ...

    async def mark_read(self, user_id: UserId, up_to: NotificationId, now: datetime) -> bool:
        """Mark a person's entry as read, and all with an earlier last event. Returns whether one
        was unread.

        Raises:
            NotFound: the person has no such entry.
        """
        ...

    async def mark_subject_read(
        self, user_id: UserId, kind: NotificationKind, subject_id: UUID, now: datetime
    ) -> Sequence[ChangedEntry]:
        """Mark a person's entry of a kind about a subject as read. Returns it if it was unread."""
        ...

    async def mark_expired_requests_read(
        self, now: datetime, limit: int
    ) -> Sequence[ChangedEntry]:
        """Mark up to `limit` unread entries as read whose chat request is stored as expired.
        Returns them.

        MUST NOT wait for entries that another transaction has locked.
        """
        ...

    async def save_settings(self, user_id: UserId, settings: Mapping[str, Delivery]) -> None:
        """Store these settings of a person; others stay.

        Raises:
            NotFound: there is no such person.
        """
        ...

    async def stop_mails(self, user_id: UserId, kinds: Collection[str]) -> None:
        """Set those of the kinds that the person gets by mail to `without_mail`.

        Raises:
            NotFound: there is no such person.
        """
        ...


class NotificationReader(Protocol):
    """Reads without locks."""

    async def notifications(self, user_id: UserId, page: PageRequest) -> Page[NotificationView]:
        """A page of a person's entries, the latest event first, in one statement."""
        ...

    async def notification_count(self, user_id: UserId) -> int:
        """The number of a person's entries."""
        ...

    async def unread_count(self, user_id: UserId) -> int:
        """The number of a person's unread entries."""
        ...

    async def entries(
        self, keys: Collection[ChangedEntry]
    ) -> Mapping[ChangedEntry, NotificationView]:
        """The entries that exist, in one statement."""
        ...

    async def settings(self, user_id: UserId) -> Mapping[str, Delivery]:
        """The settings that the person has changed."""
        ...


class NotificationUnitOfWork(UnitOfWork, Protocol):
    """A transaction over notifications."""

    @property
    def notifications(self) -> NotificationRepository: ...

"""What causes notifications, and how each kind reaches a person.

An unread entry gathers all events of its kind about one subject: comments on a project, for
example, are one entry until it is read. The next event after that starts a new entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sidepro.domain.ids import ChatRequestId, CommentId, ProjectId, RoomId, UserId


class NotificationKind(StrEnum):
    """What an entry is about. The values are stored."""

    REQUEST = "request"
    ACCEPTED = "accepted"
    COMMENT = "comment"
    BOOKMARKS = "bookmarks"
    REPORT_DECIDED = "report-decided"
    MODERATED = "moderated"


class Delivery(StrEnum):
    """How a kind reaches a person: not at all, on the pages, or also by mail."""

    OFF = "off"
    WEB = "web"
    MAIL = "mail"


MESSAGES = "messages"
"""The setting of mails about unread chat messages. They have no entries."""

DEFAULT_SETTINGS: Mapping[str, Delivery] = {
    **{kind.value: Delivery.MAIL for kind in NotificationKind},
    NotificationKind.COMMENT.value: Delivery.WEB,
    NotificationKind.BOOKMARKS.value: Delivery.WEB,
    MESSAGES: Delivery.MAIL,
}


def without_mail(kind: str) -> Delivery:
    """How a kind reaches a person who no longer wants it by mail."""
    return Delivery.OFF if kind == MESSAGES else Delivery.WEB


@dataclass(frozen=True, slots=True)
class NotificationEvent:
    """Something that a person may want to know.

    `subject_id` is that of the project, request, report or case: events with the same kind and
    subject share an entry. `actor_id` is who did it; `None` if the recipient must not know.
    """

    recipient_id: UserId
    kind: NotificationKind
    subject_id: UUID
    at: datetime
    actor_id: UserId | None = None
    project_id: ProjectId | None = None
    room_id: RoomId | None = None
    request_id: ChatRequestId | None = None
    comment_id: CommentId | None = None

    @classmethod
    def request(
        cls,
        recipient_id: UserId,
        request_id: ChatRequestId,
        room_id: RoomId | None,
        actor_id: UserId,
        at: datetime,
    ) -> "NotificationEvent":
        """Somebody asked the recipient for a coffee chat."""
        return cls(
            recipient_id,
            NotificationKind.REQUEST,
            request_id,
            at,
            actor_id,
            room_id=room_id,
            request_id=request_id,
        )

    @classmethod
    def accepted(
        cls,
        recipient_id: UserId,
        request_id: ChatRequestId,
        room_id: RoomId | None,
        actor_id: UserId,
        at: datetime,
    ) -> "NotificationEvent":
        """Somebody accepted the recipient's request."""
        return cls(
            recipient_id,
            NotificationKind.ACCEPTED,
            request_id,
            at,
            actor_id,
            room_id=room_id,
            request_id=request_id,
        )

    @classmethod
    def comment(
        cls,
        recipient_id: UserId,
        project_id: ProjectId,
        comment_id: CommentId,
        actor_id: UserId,
        at: datetime,
    ) -> "NotificationEvent":
        """Somebody commented on the recipient's project."""
        return cls(
            recipient_id,
            NotificationKind.COMMENT,
            project_id,
            at,
            actor_id,
            project_id=project_id,
            comment_id=comment_id,
        )

    @classmethod
    def bookmark(
        cls, recipient_id: UserId, project_id: ProjectId, actor_id: UserId, at: datetime
    ) -> "NotificationEvent":
        """Somebody bookmarked the recipient's project."""
        return cls(
            recipient_id,
            NotificationKind.BOOKMARKS,
            project_id,
            at,
            actor_id,
            project_id=project_id,
        )

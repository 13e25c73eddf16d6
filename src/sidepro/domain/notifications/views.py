"""Read models of notifications."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import ChatRequestId, NotificationId, ProjectId, RoomId
from sidepro.domain.notifications.notification import NotificationKind


@dataclass(frozen=True, slots=True)
class NotifiedProject:
    """The project of an entry."""

    id: ProjectId
    title: str


@dataclass(frozen=True, slots=True)
class NotificationView:
    """An entry: `count` events, the last one by `actor` at `created_at`. `subject_id` is as in
    `NotificationEvent`.
    """

    id: NotificationId
    kind: NotificationKind
    subject_id: UUID
    actor: UserSummary | None
    count: int
    project: NotifiedProject | None
    room_id: RoomId | None
    request_id: ChatRequestId | None
    created_at: datetime
    read: bool

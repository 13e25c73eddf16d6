"""The contents of a data export.

These classes are the only list of its fields: the SQL reader selects columns by their names, the
API encodes them unchanged, and the OpenAPI schemas and their descriptions come from here. A record
holds the person's content, their actions, or data recorded about them. Other people appear as ids.
Hashes of secrets and derived data (search texts, HTML) are left out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args, get_origin, get_type_hints

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.domain.ids import (
    ChatRequestId,
    CommentId,
    ImageId,
    LogEntryId,
    MailId,
    NotificationId,
    ProjectId,
    ReportId,
    RoomId,
    SessionId,
    UserId,
)
from sidepro.domain.images.urls import ImageUrl
from sidepro.domain.language import Language
from sidepro.domain.mail.mail import MailKind, MailState
from sidepro.domain.notifications.notification import Delivery, NotificationKind


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the export."""


@dataclass(frozen=True, slots=True)
class ExportedProfile(Record):
    """The caller's profile."""

    bio: str
    image_url: ImageUrl | None
    github_url: str | None
    skills: tuple[str, ...]
    region: str | None
    meet_time: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedAccount(Record):
    """The caller's account. The password's hash is not exported."""

    id: UserId
    email: str
    username: str
    is_admin: bool
    is_active: bool
    is_moderator: bool
    suspended_until: datetime | None
    email_verified: bool
    pending_email: str | None
    language: Language
    time_zone: str
    username_changed_at: datetime | None
    chat_policy: ChatPolicy
    created_at: datetime
    profile: ExportedProfile | None


@dataclass(frozen=True, slots=True)
class ExportedSession(Record):
    """A log-in. It expires when it is not used, and ends at `ends_at` in any case."""

    id: SessionId
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedAddress(Record):
    """A network address from which the caller logged in recently."""

    address: str
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedMail(Record):
    """A mail to the caller, kept for some days after it was sent."""

    id: MailId
    kind: MailKind
    address: str
    language: Language
    state: MailState
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExportedImage(Record):
    """An image that the caller uploaded. Unused since `unused_since`; removed a day later."""

    id: ImageId
    url: ImageUrl
    width: int
    height: int
    size: int
    created_at: datetime
    unused_since: datetime | None


@dataclass(frozen=True, slots=True)
class ExportedProject(Record):
    """A project of the caller, with its Markdown."""

    id: ProjectId
    title: str
    summary: str
    content: str
    repository_url: str | None
    skills: tuple[str, ...]
    thumbnail_url: ImageUrl | None
    view_count: int
    bookmark_count: int
    comment_count: int
    revision: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedComment(Record):
    """A comment by the caller."""

    id: CommentId
    project_id: ProjectId
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedBookmark(Record):
    """A project that the caller bookmarked."""

    project_id: ProjectId
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedRoom(Record):
    """A room of the caller. A room they left is listed while the other person stays."""

    id: RoomId
    participant_id: UserId | None
    left_by: UserId | None
    read_seq: int
    last_seq: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedMessage(Record):
    """A message that the caller sent. Messages of others are not exported."""

    room_id: RoomId
    seq: int
    body: str
    client_id: str | None
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedReport(Record):
    """A report by the caller."""

    id: ReportId
    kind: str
    target_id: str
    reason: str
    note: str | None
    created_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExportedDecision(Record):
    """What moderators decided about the caller or their content, without the moderator."""

    id: LogEntryId
    kind: str
    target_id: str
    action: str
    days: int | None
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ExportedSentRequest(Record):
    """A chat request by the caller, in the state that they see."""

    id: ChatRequestId
    to_id: UserId
    introduction: str
    state: RequestState
    room_id: RoomId | None
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExportedReceivedRequest(Record):
    """A chat request to the caller. Introductions of others are not exported."""

    id: ChatRequestId
    from_id: UserId
    state: RequestState
    room_id: RoomId | None
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExportedBlock(Record):
    """A person whom the caller blocks. Blocks by others are not exported."""

    blocked_id: UserId
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedNotification(Record):
    """A notification of the caller."""

    id: NotificationId
    kind: NotificationKind
    project_id: ProjectId | None
    room_id: RoomId | None
    request_id: ChatRequestId | None
    created_at: datetime
    last_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExportedNotificationSetting(Record):
    """How a kind of notification reaches the caller, who has changed it."""

    kind: str
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class ExportedNeighbour(Record):
    """A person with similar skills, whose projects are recommended to the caller."""

    user_id: UserId
    score: float
    shared_skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """Everything stored about the caller. A truncated export is not valid JSON."""

    account: ExportedAccount
    sessions: tuple[ExportedSession, ...]
    known_addresses: tuple[ExportedAddress, ...]
    mails: tuple[ExportedMail, ...]
    images: tuple[ExportedImage, ...]
    projects: tuple[ExportedProject, ...]
    comments: tuple[ExportedComment, ...]
    bookmarks: tuple[ExportedBookmark, ...]
    rooms: tuple[ExportedRoom, ...]
    messages: tuple[ExportedMessage, ...]
    reports: tuple[ExportedReport, ...]
    decisions: tuple[ExportedDecision, ...]
    sent_chat_requests: tuple[ExportedSentRequest, ...]
    received_chat_requests: tuple[ExportedReceivedRequest, ...]
    blocks: tuple[ExportedBlock, ...]
    notifications: tuple[ExportedNotification, ...]
    notification_settings: tuple[ExportedNotificationSetting, ...]
    similar_people: tuple[ExportedNeighbour, ...]


SECTIONS: dict[str, type[Record]] = {
    name: get_args(kind)[0]
    for name, kind in get_type_hints(Export).items()
    if get_origin(kind) is tuple
}
"""The lists of the export: names and record types, in order."""

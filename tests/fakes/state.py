"""Everything that is stored in memory, and what its repositories have in common."""

from copy import copy
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import TYPE_CHECKING

from sidepro.domain.accounts.account_token import AccountToken
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.session import RefreshToken, Session
from sidepro.domain.accounts.user import User
from sidepro.domain.coffee_chats.chat_request import ChatRequest
from sidepro.domain.errors import NotFound
from sidepro.domain.idempotency import IdempotencyKey
from sidepro.domain.ids import (
    CaseId,
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
from sidepro.domain.images.image import Image, ImageState, WithheldImage
from sidepro.domain.mail.mail import Mail
from sidepro.domain.moderation.case import Case, LogEntry
from sidepro.domain.moderation.ports import StoredItem
from sidepro.domain.moderation.report import Report
from sidepro.domain.notifications.notification import Delivery
from sidepro.domain.operations.views import Job, JobRun
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.ports import Counters, TrendingRun
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.trending import DailyCounts
from sidepro.domain.recommendations.packed import Similarities
from sidepro.domain.recommendations.ports import SimilarityRun
from sidepro.domain.rooms.room import Message, Room
from sidepro.domain.visibility import Viewer

if TYPE_CHECKING:
    from tests.fakes.notifications import Entry


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A row of the images table."""

    image: Image
    state: ImageState
    unused_since: datetime | None


@dataclass(slots=True)
class State:
    """What is stored. Values are immutable: a changed one is not stored until it is saved."""

    users: dict[UserId, User] = field(default_factory=dict)
    profiles: dict[UserId, Profile] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    refresh_tokens: dict[bytes, RefreshToken] = field(default_factory=dict)
    known_addresses: dict[tuple[UserId, str], datetime] = field(default_factory=dict)
    account_tokens: dict[bytes, AccountToken] = field(default_factory=dict)
    mails: dict[MailId, Mail] = field(default_factory=dict)
    unsubscribe_tokens: dict[bytes, tuple[UserId, str]] = field(default_factory=dict)
    projects: dict[ProjectId, Project] = field(default_factory=dict)
    counters: dict[ProjectId, Counters] = field(default_factory=dict)
    days: dict[tuple[ProjectId, date], DailyCounts] = field(default_factory=dict)
    trending: dict[ProjectId, int] = field(default_factory=dict)
    trending_run: TrendingRun | None = None
    job_runs: dict[Job, JobRun] = field(default_factory=dict)
    comments: dict[CommentId, Comment] = field(default_factory=dict)
    bookmarks: dict[tuple[UserId, ProjectId], datetime] = field(default_factory=dict)
    rooms: dict[RoomId, Room] = field(default_factory=dict)
    messages: dict[tuple[RoomId, int], Message] = field(default_factory=dict)
    chat_requests: dict[ChatRequestId, ChatRequest] = field(default_factory=dict)
    blocks: dict[tuple[UserId, UserId], datetime] = field(default_factory=dict)
    images: dict[ImageId, StoredImage] = field(default_factory=dict)
    image_references: dict[ProjectId, frozenset[ImageId]] = field(default_factory=dict)
    withheld_images: dict[ImageId, WithheldImage] = field(default_factory=dict)
    notifications: dict[NotificationId, "Entry"] = field(default_factory=dict)
    notification_settings: dict[tuple[UserId, str], Delivery] = field(default_factory=dict)
    cases: dict[CaseId, Case] = field(default_factory=dict)
    snapshots: dict[CaseId, tuple[StoredItem, ...]] = field(default_factory=dict)
    reports: dict[ReportId, Report] = field(default_factory=dict)
    moderation_log: dict[LogEntryId, LogEntry] = field(default_factory=dict)
    similarities: Similarities | None = None
    similarity_run: SimilarityRun | None = None
    idempotency: dict[IdempotencyKey, tuple[bytes, bytes, datetime]] = field(default_factory=dict)

    def add_to_day(
        self, project_id: ProjectId, day: date, *, views: int = 0, bookmarks: int = 0
    ) -> None:
        """Add to the counts of a day."""
        counts = self.days.get((project_id, day), DailyCounts())
        self.days[project_id, day] = DailyCounts(
            counts.views + views, counts.bookmarks + bookmarks
        )

    def viewer(self, user_id: UserId | None) -> Viewer:
        """The user as a viewer; an anonymous one without a user."""
        user = None if user_id is None else self.users.get(user_id)
        return Viewer(user_id, user is not None and (user.is_admin or user.is_moderator))

    def is_blocked(self, one: UserId, other: UserId | None) -> bool:
        """Whether one of the two blocks the other."""
        return other is not None and bool({(one, other), (other, one)} & self.blocks.keys())

    def copied(self) -> "State":
        """A copy that can be changed without changing this one."""
        return State(**{part.name: copy(getattr(self, part.name)) for part in fields(self)})


class Repository:
    def __init__(self, state: State) -> None:
        self._state = state

    def _must_be_there(self, *user_ids: UserId | None) -> None:
        if any(user_id not in self._state.users for user_id in user_ids):
            raise NotFound

"""Ports of the board."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from sidepro.domain.idempotency import IdempotentUnitOfWork
from sidepro.domain.ids import CommentId, ProjectId, UserId
from sidepro.domain.images.ports import ImageRepository
from sidepro.domain.notifications.ports import NotificationUnitOfWork
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.views import (
    BoardQuery,
    CommentOrder,
    CommentView,
    ProjectAddress,
    ProjectCard,
    ProjectView,
)
from sidepro.domain.visibility import Visibility


@dataclass(frozen=True, slots=True)
class Counters:
    """How many views, bookmarks and comments a project has."""

    views: int
    bookmarks: int
    comments: int


@dataclass(frozen=True, slots=True)
class TrendingScore:
    """Whether a project's stored trending score differs from that of its daily counts."""

    project_id: ProjectId
    is_outdated: bool


@dataclass(frozen=True, slots=True)
class TrendingRun:
    """Facts about a run of the trending job: its start, its duration in seconds (at least 0,
    stored in milliseconds), and how many scores it changed.
    """

    computed_at: datetime
    seconds: float
    changed: int


@dataclass(frozen=True, slots=True)
class StoredMarkdown:
    """A project's Markdown and its rendered HTML."""

    project_id: ProjectId
    content: str
    content_html: str


class Markdown(Protocol):
    """Renders untrusted Markdown."""

    async def __call__(self, text: str, writer: UserId | None = None) -> str:
        """The Markdown as HTML.

        It MUST be safe on any page: no scripts, no event handlers, only http, https and mailto
        URLs, `rel="nofollow"` on links, and ids that begin with `user-content-`. Its
        size MUST be proportional to the text. Rendering MUST NOT block the event loop, and MUST
        NOT run for two texts of one `writer` at once.

        Images are only those of the platform's own store, as `<img src="/media/<key>"`. Links to
        them are `<a href="/media/<key>"` (see `sidepro.domain.images.urls`).
        """
        ...


class ProjectRepository(Protocol):
    """Projects, inside a unit of work."""

    async def add(self, project: Project) -> None:
        """Store a new project with all counters at zero.

        Raises:
            NotFound: the author does not exist.
        """
        ...

    async def get(self, project_id: ProjectId) -> Project | None:
        """The project, or `None`. MUST lock it until the unit of work ends."""
        ...

    async def save(self, project: Project) -> None:
        """Store an edited project."""
        ...

    async def save_html(self, project_id: ProjectId, content_html: str) -> None:
        """Store only the rendered HTML of a project."""
        ...

    async def delete(self, project_id: ProjectId) -> None:
        """Delete the project with its comments, bookmarks and counters."""
        ...

    async def set_visibility(self, project: Project, visibility: Visibility) -> None:
        """Hide, remove or restore the project. Its counters, comments and bookmarks stay."""
        ...

    async def count_comments(self, project_id: ProjectId, by: int) -> None:
        """Add to the number of comments of any project, hidden ones too. MUST add as
        `adjust_counters` does.
        """
        ...

    async def adjust_counters(
        self,
        project_id: ProjectId,
        viewer: UserId | None = None,
        *,
        bookmarks: int = 0,
        comments: int = 0,
    ) -> Counters:
        """Add to the counters of a project that the viewer may see, and return them.

        The store MUST do the addition: N concurrent calls add exactly N.

        Raises:
            NotFound: the project does not exist, or the viewer may not see it.
        """
        ...

    async def adjust_daily_bookmarks(self, project_id: ProjectId, day: date, by: int) -> None:
        """Add 1 or -1 to the bookmarks of a day, after `adjust_counters` in the same unit of work.

        The store MUST do the addition. A day without counts MUST stay so when 1 is subtracted: its
        bookmarks are not counted any more.
        """
        ...


class CommentRepository(Protocol):
    """Comments, inside a unit of work."""

    async def add(self, comment: Comment) -> None:
        """Store a new comment.

        Raises:
            NotFound: the project or the author does not exist.
        """
        ...

    async def is_blocked(self, project_id: ProjectId, user_id: UserId) -> bool:
        """Whether the project's author blocks the user, or the user the author."""
        ...

    async def get(self, comment_id: CommentId) -> Comment | None:
        """The comment, or `None`. MUST lock it until the unit of work ends."""
        ...

    async def save(self, comment: Comment) -> None:
        """Store an edited comment."""
        ...

    async def project_of(self, comment_id: CommentId) -> ProjectId | None:
        """The project of the comment, without a lock; `None` if there is no such comment."""
        ...

    async def set_visibility(self, comment_id: CommentId, visibility: Visibility) -> None:
        """Hide, remove or restore the comment. The counter of its project does not change."""
        ...

    async def delete(self, comment_id: CommentId) -> bool:
        """Delete the comment; `True` for exactly one of concurrent calls."""
        ...


class BookmarkRepository(Protocol):
    """Bookmarks, inside a unit of work."""

    async def add(self, user_id: UserId, project_id: ProjectId, now: datetime) -> bool:
        """Store a bookmark unless there is one; `True` for exactly one of concurrent calls.

        Raises:
            NotFound: the project or the user does not exist.
        """
        ...

    async def remove(self, user_id: UserId, project_id: ProjectId) -> datetime | None:
        """Delete the bookmark, if there is one. Returns when it was given, for exactly one of
        concurrent calls, and `None` for the others.
        """
        ...


VIEW_TIMEOUT = 0.7
"""Seconds that a reader of a project waits for the view to be counted."""


class ViewCounter(Protocol):
    """Counts views of projects, outside any unit of work."""

    async def add(self, project_id: ProjectId) -> bool:
        """Count one view, in total and for today; `False` if there is no such project, or
        moderators have hidden it.

        On return the view MUST be durable. N concurrent calls MUST add exactly N to both counts.

        Raises:
            Unavailable: the view could not be counted within `VIEW_TIMEOUT`. It may be counted
                later.
        """
        ...


class TrendingStore(Protocol):
    """Trending scores and the daily counts that they are made of, outside any unit of work.

    Every method MUST take a time proportional to its result, not to the number of projects.

    Raises:
        Unavailable: by all methods, if the store cannot be reached.
    """

    async def scores(
        self, today: date, after: ProjectId | None, limit: int
    ) -> Sequence[TrendingScore]:
        """Up to `limit` projects that have daily counts, in the order of their ids, starting after
        `after`.
        """
        ...

    async def faded(self, today: date, limit: int) -> Sequence[ProjectId]:
        """Up to `limit` projects that have a score, but no counts for a day that weighs."""
        ...

    async def renew(self, project_ids: Sequence[ProjectId], today: date) -> int:
        """Compute and store the scores of these projects: see `trending_score`. Returns how many
        scores changed. Projects that are gone MUST be skipped.
        """
        ...

    async def delete_days(self, before: date, limit: int) -> int:
        """Delete up to `limit` daily counts of earlier days. Returns how many were deleted."""
        ...

    async def save_run(self, run: TrendingRun) -> None:
        """Store the facts of the last run."""
        ...

    async def last_run(self) -> TrendingRun | None:
        """The facts of the last run that ended, in any process."""
        ...


class BoardReader(Protocol):
    """Reads of the board.

    A project that the viewer may not see (see `Project.is_visible_to`) MUST be treated as missing,
    with its comments, bookmarks and counters; so MUST a comment (see `Comment.is_visible_to`).
    Whether the viewer is a moderator MUST be read at each call. A list of any length MUST take at
    most two statements.
    """

    async def board(
        self, query: BoardQuery, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        """A page of the projects that match the query.

        Paging through the list MUST NOT repeat or skip a project whose position did not change.
        """
        ...

    async def board_size(self, query: BoardQuery, viewer: UserId | None) -> int:
        """How many projects match the query."""
        ...

    async def bookmarked_by(
        self, user_id: UserId, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        """A page of the projects that a user has bookmarked, latest bookmark first."""
        ...

    async def bookmarks_of(self, user_id: UserId, viewer: UserId | None) -> int:
        """How many projects a user has bookmarked."""
        ...

    async def project(self, project_id: ProjectId, viewer: UserId | None) -> ProjectView | None:
        """A project as the viewer sees it, or `None`."""
        ...

    async def texts(self, after: ProjectId | None, limit: int) -> tuple[StoredMarkdown, ...]:
        """The texts of up to `limit` projects in the order of their ids, starting after `after`,
        in one statement. It MUST include projects that no viewer may see.
        """
        ...

    async def addresses(
        self, after: ProjectId | None, limit: int, viewer: UserId | None
    ) -> tuple[ProjectAddress, ...]:
        """Up to `limit` projects in the order of their ids, starting after
        `after`, in one statement.
        """
        ...

    async def part_ends(self, size: int, viewer: UserId | None) -> tuple[ProjectId, ...]:
        """Every project in `addresses` whose number, from 1, is a multiple of `size`, in one
        statement.
        """
        ...

    async def comments(
        self,
        project_id: ProjectId,
        page: PageRequest,
        viewer: UserId | None,
        order: CommentOrder = CommentOrder.OLDEST,
    ) -> Page[CommentView]:
        """A page of a project's comments."""
        ...

    async def comment(
        self, project_id: ProjectId, comment_id: CommentId, viewer: UserId | None
    ) -> CommentView | None:
        """A comment of this project, or `None`, also without contact of its author and the
        viewer.
        """
        ...

    async def counters(self, project_id: ProjectId, viewer: UserId | None) -> Counters | None:
        """A project's counters, or `None` if there is no such project."""
        ...


class ProjectUnitOfWork(IdempotentUnitOfWork, NotificationUnitOfWork, Protocol):
    """A transaction over projects, their comments and bookmarks."""

    @property
    def projects(self) -> ProjectRepository: ...
    @property
    def comments(self) -> CommentRepository: ...
    @property
    def bookmarks(self) -> BookmarkRepository: ...
    @property
    def images(self) -> ImageRepository: ...
    @property
    def board_reader(self) -> BoardReader: ...

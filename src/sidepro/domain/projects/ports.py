"""What the board needs from the outside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sidepro.domain.idempotency import IdempotentUnitOfWork
from sidepro.domain.ids import (
    CommentId,
    ProjectId,
    UserId,
)
from sidepro.domain.images.ports import ImageRepository
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.views import BoardQuery, CommentView, ProjectCard, ProjectView


@dataclass(frozen=True, slots=True)
class Counters:
    """How often a project was seen, bookmarked and commented on."""

    views: int
    bookmarks: int
    comments: int


@dataclass(frozen=True, slots=True)
class StoredMarkdown:
    """A project's Markdown, and the HTML that was made of it."""

    project_id: ProjectId
    content: str
    content_html: str


class Markdown(Protocol):
    """Renders what people write."""

    async def __call__(self, text: str, writer: UserId | None = None) -> str:
        """HTML of the Markdown that MUST be harmless on any page: no scripts, no event handlers,
        no addresses but http, https and mailto, and links that pass on no reputation. It MUST stay
        in proportion to the text. Other requests MUST go on while it is made, and whoever writes
        much at once waits behind themselves: only one text of a `writer` is made at a time.

        The only pictures are images of the platform's own store, as `<img src="/media/<key>"`
        (see `sidepro.domain.images.urls`).
        """
        ...


class ProjectRepository(Protocol):
    """Projects, inside a unit of work."""

    async def add(self, project: Project) -> None:
        """Store a new project, all its counters at zero.

        Raises:
            NotFound: the author is gone.
        """
        ...

    async def get(self, project_id: ProjectId) -> Project | None:
        """The project; MUST hold back other edits of it until the unit of work ends."""
        ...

    async def save(self, project: Project) -> None:
        """Store an edited project."""
        ...

    async def save_html(self, project_id: ProjectId, content_html: str) -> None:
        """Store what was made of the project's text, and nothing else of it."""
        ...

    async def delete(self, project_id: ProjectId) -> None:
        """Remove the project with its comments, bookmarks and counters."""
        ...

    async def adjust_counters(
        self, project_id: ProjectId, *, bookmarks: int = 0, comments: int = 0
    ) -> Counters:
        """Add to the counters, in the store itself, and give what they are then.

        N calls at once MUST move them by exactly N.

        Raises:
            NotFound: the project is gone.
        """
        ...


class CommentRepository(Protocol):
    """Comments, inside a unit of work."""

    async def add(self, comment: Comment) -> None:
        """Store a new comment.

        Raises:
            NotFound: the project or the author is gone.
        """
        ...

    async def get(self, comment_id: CommentId) -> Comment | None:
        """The comment; MUST hold back other edits of it until the unit of work ends."""
        ...

    async def save(self, comment: Comment) -> None:
        """Store an edited comment."""
        ...

    async def delete(self, comment_id: CommentId) -> bool:
        """Remove the comment; whether it was there. Of two at once MUST one hear yes."""
        ...


class BookmarkRepository(Protocol):
    """Who has bookmarked what, inside a unit of work."""

    async def add(self, user_id: UserId, project_id: ProjectId, now: datetime) -> bool:
        """Bookmark; whether it was not there before. Of two at once MUST one hear yes.

        Raises:
            NotFound: the project or the user is gone.
        """
        ...

    async def remove(self, user_id: UserId, project_id: ProjectId) -> bool:
        """Take the bookmark off; whether it was there. Of two at once MUST one hear yes."""
        ...


class ViewCounter(Protocol):
    """Counts who looks at a project, outside any unit of work."""

    async def add(self, project_id: ProjectId) -> bool:
        """Count one view; whether there is such a project.

        On return the view MUST be stored for good. N calls at once MUST add exactly N.
        """
        ...


class BoardReader(Protocol):
    """Reads without a unit of work. Lists MUST take at most two statements, however long."""

    async def board(
        self, query: BoardQuery, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        """A page of the projects that the query asks for. A walk MUST NOT repeat or skip a
        project whose place did not change during it.
        """
        ...

    async def board_size(self, query: BoardQuery) -> int:
        """How many projects the query asks for."""
        ...

    async def bookmarked_by(
        self, user_id: UserId, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        """What a user has bookmarked, the latest bookmark first."""
        ...

    async def bookmarks_of(self, user_id: UserId) -> int:
        """How many projects a user has bookmarked."""
        ...

    async def project(self, project_id: ProjectId, viewer: UserId | None) -> ProjectView | None:
        """A project's page, or `None`."""
        ...

    async def texts(self, after: ProjectId | None, limit: int) -> tuple[StoredMarkdown, ...]:
        """The texts of up to `limit` projects as they are stored, in the order of their ids,
        beginning behind `after`. In one statement.
        """
        ...

    async def comments(self, project_id: ProjectId, page: PageRequest) -> Page[CommentView]:
        """A project's comments, oldest first."""
        ...

    async def comment(self, comment_id: CommentId) -> CommentView | None:
        """One comment, or `None`."""
        ...

    async def counters(self, project_id: ProjectId) -> Counters | None:
        """A project's counters, or `None` when there is no such project."""
        ...


class ProjectUnitOfWork(IdempotentUnitOfWork, Protocol):
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

"""Views of the board, and the query that selects them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import CommentId, ProjectId, UserId
from sidepro.domain.images.urls import ImageUrl


class Sort(StrEnum):
    """The sort orders of the board, each descending; ids break ties. Trending sorts by the stored
    score: see `sidepro.domain.projects.trending`.
    """

    NEWEST = "newest"
    VIEWS = "views"
    POPULAR = "popular"
    TRENDING = "trending"


class CommentOrder(StrEnum):
    """The orders of a project's comments; ids break ties."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class BoardQuery:
    """Filters and order of the board. An empty filter or `None` matches everything.

    `text` is a search term: see `sidepro.domain.projects.search_key`. A project matches if it has
    one of the skills, or with `all_skills` each of them.
    """

    text: str | None = None
    skills: tuple[str, ...] = ()
    all_skills: bool = False
    author: UserId | None = None
    sort: Sort = Sort.NEWEST


@dataclass(frozen=True, slots=True)
class ProjectCard:
    """A project in a list. `bookmarked` is `None` for an anonymous viewer. Only its author and
    moderators see a hidden one.
    """

    id: ProjectId
    title: str
    summary: str
    skills: tuple[str, ...]
    thumbnail_url: ImageUrl | None
    author: UserSummary
    view_count: int
    bookmark_count: int
    comment_count: int
    bookmarked: bool | None
    created_at: datetime
    updated_at: datetime
    hidden: bool


@dataclass(frozen=True, slots=True)
class ProjectAddress:
    """What a sitemap says about a project."""

    id: ProjectId
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project with its text."""

    card: ProjectCard
    content: str
    content_html: str
    repository_url: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class CommentView:
    """A comment with its author. Only its author and moderators see a hidden one."""

    id: CommentId
    author: UserSummary
    body: str
    created_at: datetime
    updated_at: datetime
    hidden: bool


@dataclass(frozen=True, slots=True)
class BookmarkState:
    """Whether the caller has bookmarked a project, and how many users have."""

    bookmarked: bool
    bookmark_count: int

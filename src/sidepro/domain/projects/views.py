"""What readers of the board get, and what can be asked of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import (
    CommentId,
    ProjectId,
    UserId,
)
from sidepro.domain.images.urls import ImageUrl


class Sort(StrEnum):
    """The orders of the board, each descending, ties broken by id."""

    NEWEST = "newest"
    VIEWS = "views"
    POPULAR = "popular"


@dataclass(frozen=True, slots=True)
class BoardQuery:
    """Which projects are wanted, in which order. What is empty or `None` does not filter.

    `text` is found as a substring of title, summary or author's name, all compared folded.
    With `all_skills` a project needs each of the skills, else one of them.
    """

    text: str | None = None
    skills: tuple[str, ...] = ()
    all_skills: bool = False
    author: UserId | None = None
    sort: Sort = Sort.NEWEST


@dataclass(frozen=True, slots=True)
class ProjectCard:
    """A project as lists show it. `bookmarked` is `None` for an anonymous viewer."""

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


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project's own page."""

    card: ProjectCard
    content: str
    content_html: str
    repository_url: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class CommentView:
    """A comment with its author."""

    id: CommentId
    author: UserSummary
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BookmarkState:
    """Whether the caller has bookmarked a project, and how many have."""

    bookmarked: bool
    bookmark_count: int

"""Shapes that several topics answer with. Every member is named, and none has a default."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from sidepro.domain.accounts import views as accounts
from sidepro.domain.ids import ImageId
from sidepro.domain.projects import views as projects

Moment = Annotated[
    str,
    msgspec.Meta(
        description="RFC 3339 in UTC with six decimals.",
        extra_json_schema={"format": "date-time"},
    ),
]

NOT_BLANK = {"minLength": 1, "pattern": r"\S"}
"""Of the schema of a text that must say something."""

WebAddress = Annotated[
    str,
    msgspec.Meta(
        description="An http or https address.",
        extra_json_schema={"format": "uri", "maxLength": 200},
    ),
]


Password = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 8, "maxLength": 128})]


def moment(time: datetime) -> Any:
    """What comes out as `2026-11-22T09:30:00.000000Z`, for a member that is a `Moment`.

    msgspec writes a time in UTC just so, at a twentieth of the price of text that is made here;
    but it leaves the fraction out when it is zero.
    """
    return time if time.microsecond else time.isoformat(timespec="microseconds")[:26] + "Z"


def image_id(given: UUID | None) -> ImageId | None:
    """The id of an image, as a request may name one."""
    return None if given is None else ImageId(given)


class UserSummary(msgspec.Struct):
    """A person, in a few words."""

    id: UUID
    username: str
    image_url: str | None


def user_summary(view: accounts.UserSummary) -> UserSummary:
    """The shape of a view."""
    return UserSummary(view.id, view.username, view.image_url)


class ProjectCard(msgspec.Struct):
    """A project as lists show it. `bookmarked` is null for anonymous callers."""

    id: UUID
    title: str
    summary: str
    skills: list[str]
    thumbnail_url: str | None
    author: UserSummary
    view_count: int
    bookmark_count: int
    comment_count: int
    bookmarked: bool | None
    created_at: Moment
    updated_at: Moment


def project_card(view: projects.ProjectCard) -> ProjectCard:
    """The shape of a view."""
    return ProjectCard(
        id=view.id,
        title=view.title,
        summary=view.summary,
        skills=list(view.skills),
        thumbnail_url=view.thumbnail_url,
        author=user_summary(view.author),
        view_count=view.view_count,
        bookmark_count=view.bookmark_count,
        comment_count=view.comment_count,
        bookmarked=view.bookmarked,
        created_at=moment(view.created_at),
        updated_at=moment(view.updated_at),
    )

"""Structs of several topics. Response structs have no defaults, so no member can be forgotten."""

from typing import Annotated
from uuid import UUID

import msgspec

from sidepro.domain.accounts import views as accounts
from sidepro.domain.ids import ImageId
from sidepro.domain.projects import views as projects
from sidepro.http.timestamps import moment

Moment = Annotated[
    str,
    msgspec.Meta(
        description="RFC 3339 in UTC with six decimals.",
        extra_json_schema={"format": "date-time"},
    ),
]

_CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
_INVISIBLE = (
    r"\s\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    r"\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff9-\ufffb"
)
"""`is_invisible` of the domain, for clients: without the characters beyond U+FFFF, which regular
expressions write differently in each language.
"""

NOT_BLANK = {"minLength": 1, "pattern": f"[^{_INVISIBLE}]"}
"""JSON schema of a text that must not be blank."""

ONE_LINE = {
    "minLength": 1,
    "pattern": f"^[^{_CONTROL}]*[^{_CONTROL}{_INVISIBLE}][^{_CONTROL}]*$",
}
"""JSON schema of a text that must be one line and not blank."""


def searched(max_length: int) -> dict[str, str]:
    """JSON schema of a text to search for: one line. Outer blanks do not count, so no `maxLength`.

    A text of invisible characters other than blanks matches too, but is rejected.
    """
    inner = rf"[^{_CONTROL}\s]([^{_CONTROL}]{{0,{max_length - 2}}}[^{_CONTROL}\s])?"
    return {"pattern": rf"^\s*{inner}\s*$"}


Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]

WebAddress = Annotated[
    str,
    msgspec.Meta(
        description="An http or https URL without credentials.",
        extra_json_schema={"format": "uri-reference", "maxLength": 200},
    ),
]


Password = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 8, "maxLength": 128})]


def image_id(value: UUID | None) -> ImageId | None:
    return None if value is None else ImageId(value)


class UserSummary(msgspec.Struct):
    """A user as a part of other resources."""

    id: UUID
    username: str
    image_url: str | None


def user_summary(view: accounts.UserSummary) -> UserSummary:
    return UserSummary(view.id, view.username, view.image_url)


class ProjectCard(msgspec.Struct):
    """A project in a list. `bookmarked` is null for anonymous callers."""

    id: UUID
    title: str
    summary: str
    skills: list[str]
    thumbnail_url: str | None
    author: UserSummary
    view_count: Count
    bookmark_count: Count
    comment_count: Count
    bookmarked: bool | None
    created_at: Moment
    updated_at: Moment
    hidden: bool


def project_card(view: projects.ProjectCard) -> ProjectCard:
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
        hidden=view.hidden,
    )

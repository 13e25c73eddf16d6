"""The shapes of JSON in the contract, by their names.

A shape is a type (exactly that type: `True` is no `int`), a function that says whether a value
will do, a dict of all members, a list with the shape of its items, or `Maybe` one of these.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

Shape: TypeAlias = (
    "type | Callable[[Any], bool] | dict[str, Shape] | list[Shape] | Maybe"  # one of these
)


@dataclass(frozen=True)
class Maybe:
    """The shape, or null."""

    shape: "Shape"


def fits(value: Any, shape: Shape, where: str = "answer") -> None:
    """Assert that a value has a shape."""
    if isinstance(shape, Maybe):
        if value is not None:
            fits(value, shape.shape, where)
    elif isinstance(shape, dict):
        assert isinstance(value, dict), f"{where}: {value!r} is no object"
        assert set(value) == set(shape), f"{where}: its members are {sorted(value)}"
        for name, inner in shape.items():
            fits(value[name], inner, f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where}: {value!r} is no list"
        for index, item in enumerate(value):
            fits(item, shape[0], f"{where}[{index}]")
    elif isinstance(shape, type):
        assert type(value) is shape, f"{where}: {value!r} is no {shape.__name__}"
    else:
        assert shape(value), f"{where}: {value!r} is no {shape.__name__}"


# ------------------------------------------------------------------------------- single values


def uuid7(value: Any) -> bool:
    """A UUIDv7 in canonical form."""
    return isinstance(value, str) and str(UUID(value)) == value and UUID(value).version == 7


def moment(value: Any) -> bool:
    """A time in UTC with six decimals."""
    pattern = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def count(value: Any) -> bool:
    """An integer of at least 0."""
    return type(value) is int and value >= 0


def score(value: Any) -> bool:
    """A similarity that makes a neighbour."""
    return isinstance(value, int | float) and 0.1 <= value <= 1


def one_of(*choices: str) -> Callable[[Any], bool]:
    """One of these texts."""

    def is_one_of_the_choices(value: Any) -> bool:
        return value in choices

    return is_one_of_the_choices


# -------------------------------------------------------------------------------------- shapes

USER_SUMMARY: Shape = {"id": uuid7, "username": str, "image_url": Maybe(str)}
PROFILE: Shape = {
    "bio": str,
    "image_url": Maybe(str),
    "github_url": Maybe(str),
    "skills": [str],
    "region": Maybe(str),
    "meet_time": Maybe(str),
}
_USER: dict[str, Shape] = {
    "id": uuid7,
    "username": str,
    "created_at": moment,
    "profile": Maybe(PROFILE),
}
CHAT_POLICY: Shape = one_of("open", "request", "closed")
USER: Shape = {**_USER, "chat_policy": Maybe(CHAT_POLICY)}
ACCOUNT: Shape = {
    **_USER,
    "email": str,
    "email_verified": bool,
    "pending_email": Maybe(str),
    "is_admin": bool,
    "role": one_of("member", "moderator", "admin"),
    "language": one_of("ko", "en"),
    "time_zone": str,
    "chat_policy": CHAT_POLICY,
}
TOKENS: Shape = {
    "access_token": str,
    "token_type": one_of("Bearer"),
    "expires_in": count,
    "refresh_token": str,
    "refresh_expires_in": count,
    "session_id": uuid7,
}
SESSION: Shape = {
    "id": uuid7,
    "created_at": moment,
    "last_used_at": moment,
    "user_agent": Maybe(str),
    "current": bool,
}
_CATALOGUE: dict[str, Shape] = {"skills": [str], "regions": [str], "meet_times": [str]}
CATALOGUE: Shape = _CATALOGUE
COUNTED_CATALOGUE: Shape = {**_CATALOGUE, "skill_counts": dict}

_CARD: dict[str, Shape] = {
    "id": uuid7,
    "title": str,
    "summary": str,
    "skills": [str],
    "thumbnail_url": Maybe(str),
    "author": USER_SUMMARY,
    "view_count": count,
    "bookmark_count": count,
    "comment_count": count,
    "bookmarked": Maybe(bool),
    "created_at": moment,
    "updated_at": moment,
    "hidden": bool,
}
CARD: Shape = _CARD
PROJECT: Shape = {**_CARD, "content": str, "content_html": str, "repository_url": Maybe(str)}
BOOKMARK: Shape = {"bookmarked": bool, "bookmark_count": count}
COMMENT: Shape = {
    "id": uuid7,
    "author": USER_SUMMARY,
    "body": str,
    "created_at": moment,
    "updated_at": moment,
    "hidden": bool,
}

_IMAGE: dict[str, Shape] = {
    "id": uuid7,
    "url": str,
    "width": count,
    "height": count,
    "media_type": str,
    "size": count,
}
IMAGE: Shape = _IMAGE
OWN_IMAGE: Shape = {**_IMAGE, "created_at": moment, "in_use": bool}
MESSAGE: Shape = {
    "room_id": uuid7,
    "seq": count,
    "sender_id": Maybe(uuid7),
    "body": str,
    "client_id": Maybe(str),
    "sent_at": moment,
    "hidden": bool,
}
HISTORY: Shape = {"items": [MESSAGE], "last_seq": count}
UNREAD: Shape = {"rooms": count, "messages": count}
ROOM: Shape = {
    "id": uuid7,
    "participant": Maybe(USER_SUMMARY),
    "status": one_of("running", "stop", "pending"),
    "left_by": Maybe(uuid7),
    "last_message": Maybe(MESSAGE),
    "last_seq": count,
    "read_seq": count,
    "participant_read_seq": count,
    "unread_count": count,
    "created_at": moment,
    "updated_at": moment,
    "writable": bool,
}

CHAT_REQUEST: Shape = {
    "id": uuid7,
    "from": USER_SUMMARY,
    "to": USER_SUMMARY,
    "introduction": str,
    "state": one_of("pending", "accepted", "declined", "withdrawn", "expired", "void"),
    "room_id": Maybe(uuid7),
    "created_at": moment,
    "settled_at": Maybe(moment),
}

RECOMMENDATIONS: Shape = {
    "items": [
        {
            "project": CARD,
            "basis": one_of("similar-skills", "popular"),
            "score": Maybe(score),
            "similar_user": Maybe(USER_SUMMARY),
            "shared_skills": [str],
        }
    ],
    "computed_at": Maybe(moment),
}
HEALTH: Shape = {"status": str, "parts": dict}


def page_schema(item: Shape, *, total: bool = False) -> Shape:
    """The envelope of a list."""
    envelope: dict[str, Shape] = {"items": [item], "next": Maybe(str), "previous": Maybe(str)}
    if item is OWN_IMAGE:
        envelope["quota"] = {"used": count, "limit": count}
    return {**envelope, "total": count} if total else envelope


# ---------------------------------------------------------------------------------- moderation

_KIND = one_of("project", "comment", "message", "user")
REPORT: Shape = {
    "id": uuid7,
    "kind": _KIND,
    "target_id": str,
    "reason": one_of("spam", "harassment", "hate", "sexual", "illegal", "other"),
    "note": Maybe(str),
    "state": one_of("open", "decided"),
    "created_at": moment,
}
_DECISION: Shape = {
    "action": one_of("dismiss", "hide", "remove", "warn", "suspend"),
    "days": Maybe(count),
    "reason": str,
    "moderator": Maybe(USER_SUMMARY),
    "at": moment,
}
_SNAPSHOT: Shape = {
    "author": Maybe(USER_SUMMARY),
    "project": Maybe(
        {
            "title": str,
            "summary": str,
            "content": str,
            "repository_url": Maybe(str),
            "skills": [str],
        }
    ),
    "comment": Maybe({"project_id": uuid7, "body": str, "created_at": moment}),
    "messages": [{"seq": count, "sender": Maybe(USER_SUMMARY), "body": str, "sent_at": moment}],
    "user": Maybe({"username": str, "bio": str, "github_url": Maybe(str)}),
}
LISTED_CASE: dict[str, Shape] = {
    "id": uuid7,
    "kind": _KIND,
    "target_id": str,
    "state": one_of("open", "claimed", "decided"),
    "version": count,
    "report_count": count,
    "reasons": dict,
    "hidden": bool,
    "claimed_by": Maybe(USER_SUMMARY),
    "decision": Maybe(_DECISION),
    "created_at": moment,
    "updated_at": moment,
}
CASE: Shape = {**LISTED_CASE, "snapshot": _SNAPSHOT, "reports": [REPORT]}
LOG_ENTRY: Shape = {
    "id": uuid7,
    "moderator": Maybe(USER_SUMMARY),
    "action": one_of("dismiss", "hide", "remove", "warn", "suspend", "reverse", "role"),
    "kind": _KIND,
    "target_id": str,
    "reason": str,
    "case_id": Maybe(uuid7),
    "reverses": Maybe(uuid7),
    "at": moment,
}

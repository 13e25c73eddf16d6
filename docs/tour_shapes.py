"""The shapes of what SidePro's API sends, and how the tour checks them.

A check takes the place where a value was found and the value, and raises a `Surprise` if the
value is not what the contract says. In a shape every member is present, and there is no other.
"""

import re
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

Check = Callable[[str, Any], None]


class Surprise(Exception):
    """The server did something else than the contract says."""


def expect(condition: bool, message: str) -> None:
    if not condition:
        raise Surprise(message)


def expect_equal(what: str, came: Any, wanted: Any) -> None:
    """Compare two values; in objects and lists, name the first place where they differ."""
    if isinstance(came, dict) and isinstance(wanted, dict) and came.keys() == wanted.keys():
        for name, value in wanted.items():
            expect_equal(f"{what}, {name}", came[name], value)
    elif isinstance(came, list) and isinstance(wanted, list) and len(came) == len(wanted):
        for number, value in enumerate(wanted, start=1):
            expect_equal(f"{what}, number {number}", came[number - 1], value)
    else:
        expect(came == wanted, f"{what}: expected {wanted!r}, but {came!r} came")


# --- Checks of single values --------------------------------------------------------------------


def text(where: str, value: Any) -> None:
    expect(isinstance(value, str), f"{where}: expected a text, but {value!r} came")


def flag(where: str, value: Any) -> None:
    expect(isinstance(value, bool), f"{where}: expected true or false, but {value!r} came")


def count(where: str, value: Any) -> None:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    expect(good, f"{where}: expected a whole number from 0 up, but {value!r} came")


def score(where: str, value: Any) -> None:
    good = isinstance(value, int | float) and 0.1 <= value <= 1
    expect(good, f"{where}: expected a similarity from 0.1 to 1, but {value!r} came")


def uuid7(where: str, value: Any) -> None:
    try:
        good = str(uuid.UUID(value)) == value and uuid.UUID(value).version == 7
    except (AttributeError, TypeError, ValueError):
        good = False
    expect(good, f"{where}: expected a UUIDv7, but {value!r} came")


def moment(where: str, value: Any) -> None:
    try:
        good = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value, re.ASCII) is not None
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        good = False
    expect(good, f"{where}: expected a time like 2025-01-31T09:30:00.000000Z, but {value!r} came")


# --- Checks made of others ----------------------------------------------------------------------


def one_of(*choices: str) -> Check:
    def check(where: str, value: Any) -> None:
        expect(value in choices, f"{where}: expected one of {choices}, but {value!r} came")

    return check


def maybe(inner: Check) -> Check:
    def check(where: str, value: Any) -> None:
        if value is not None:
            inner(where, value)

    return check


def each(inner: Check) -> Check:
    def check(where: str, value: Any) -> None:
        expect(isinstance(value, list), f"{where}: expected a list, but {value!r} came")
        for index, item in enumerate(value):
            inner(f"{where}[{index}]", item)

    return check


def shape(**members: Check) -> Check:
    def check(where: str, value: Any) -> None:
        expect(isinstance(value, dict), f"{where}: expected an object, but {value!r} came")
        expect_equal(f"{where}: its members", sorted(value), sorted(members))
        for name, inner in members.items():
            inner(f"{where}.{name}", value[name])

    return check


def fault(where: str, value: Any) -> None:
    """One of the `errors` of a problem: it names a member of the body, or a parameter."""
    place = "parameter" if isinstance(value, dict) and "parameter" in value else "pointer"
    shape(**{place: text, "detail": text})(where, value)


# --- The shapes, by their names in the contract --------------------------------------------------

CATALOGUE = shape(skills=each(text), regions=each(text), meet_times=each(text))

USER_SUMMARY = shape(id=uuid7, username=text, image_url=maybe(text))
PROFILE = shape(
    bio=text,
    image_url=maybe(text),
    github_url=maybe(text),
    skills=each(text),
    region=maybe(text),
    meet_time=maybe(text),
)
USER_MEMBERS: dict[str, Check] = {
    "id": uuid7,
    "username": text,
    "created_at": moment,
    "profile": maybe(PROFILE),
}
USER = shape(**USER_MEMBERS)
ACCOUNT = shape(**USER_MEMBERS, email=text, is_admin=flag)
SESSION = shape(
    access_token=text,
    token_type=one_of("Bearer"),
    expires_in=count,
    refresh_token=text,
    refresh_expires_in=count,
    session_id=uuid7,
)

CARD_MEMBERS: dict[str, Check] = {
    "id": uuid7,
    "title": text,
    "summary": text,
    "skills": each(text),
    "thumbnail_url": maybe(text),
    "author": USER_SUMMARY,
    "view_count": count,
    "bookmark_count": count,
    "comment_count": count,
    "bookmarked": maybe(flag),
    "created_at": moment,
    "updated_at": moment,
}
PROJECT_CARD = shape(**CARD_MEMBERS)
PROJECT = shape(**CARD_MEMBERS, content=text, content_html=text, repository_url=maybe(text))
BOOKMARK = shape(bookmarked=flag, bookmark_count=count)
COMMENT = shape(id=uuid7, author=USER_SUMMARY, body=text, created_at=moment, updated_at=moment)

MESSAGE = shape(
    room_id=uuid7,
    seq=count,
    sender_id=maybe(uuid7),
    body=text,
    client_id=maybe(text),
    sent_at=moment,
)
ROOM_STATUS = one_of("running", "stop", "pending")
ROOM = shape(
    id=uuid7,
    participant=maybe(USER_SUMMARY),
    status=ROOM_STATUS,
    left_by=maybe(uuid7),
    last_message=maybe(MESSAGE),
    last_seq=count,
    read_seq=count,
    participant_read_seq=count,
    unread_count=count,
    created_at=moment,
    updated_at=moment,
)
HISTORY = shape(items=each(MESSAGE), last_seq=count)
FRAMES = {
    "hello": shape(type=text, room=ROOM, last_seq=count, after=maybe(count), recovered=flag),
    "message": shape(type=text, message=MESSAGE),
    "read": shape(type=text, user_id=uuid7, seq=count),
    "typing": shape(type=text, user_id=uuid7),
    "status": shape(type=text, status=ROOM_STATUS, left_by=maybe(uuid7), online=each(uuid7)),
    "error": shape(type=text, code=text, detail=text, client_id=maybe(text)),
}

PROBLEM_MEMBERS: dict[str, Check] = {
    "type": text,
    "title": text,
    "status": count,
    "detail": text,
    "code": text,
}

RECOMMENDATION = shape(
    project=PROJECT_CARD,
    basis=one_of("similar-skills", "popular"),
    score=maybe(score),
    similar_user=maybe(USER_SUMMARY),
    shared_skills=each(text),
)
RECOMMENDATIONS = shape(items=each(RECOMMENDATION), computed_at=maybe(moment))

"""The schemas of SidePro's responses, as the tour checks them.

A check takes the location of a value and the value. It raises a `Mismatch` when the value differs
from the contract. An object must have exactly the members of its schema.
"""

import re
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

Check = Callable[[str, Any], None]

TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


class Mismatch(Exception):
    """The server broke the contract."""


def expect(condition: bool, message: str) -> None:
    if not condition:
        raise Mismatch(message)


def expect_equal(what: str, actual: Any, expected: Any) -> None:
    """Compare two values and name the first member or item that differs."""
    types = {type(actual), type(expected)}
    if types == {dict} and actual.keys() == expected.keys():
        for name, value in expected.items():
            expect_equal(f"{what}, {name}", actual[name], value)
    elif types == {list} and len(actual) == len(expected):
        for number, value in enumerate(expected, start=1):
            expect_equal(f"{what}, number {number}", actual[number - 1], value)
    else:
        expect(actual == expected, f"{what}: expected {expected!r}, got {actual!r}")


# --- Checks of single values --------------------------------------------------------------------


def text(where: str, value: Any) -> None:
    expect(isinstance(value, str), f"{where}: expected a text, got {value!r}")


def flag(where: str, value: Any) -> None:
    expect(isinstance(value, bool), f"{where}: expected true or false, got {value!r}")


def count(where: str, value: Any) -> None:
    valid = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    expect(valid, f"{where}: expected an integer of at least 0, got {value!r}")


def score(where: str, value: Any) -> None:
    valid = isinstance(value, int | float) and 0.1 <= value <= 1
    expect(valid, f"{where}: expected a similarity from 0.1 to 1, got {value!r}")


def uuid7(where: str, value: Any) -> None:
    try:
        valid = str(uuid.UUID(value)) == value and uuid.UUID(value).version == 7
    except (AttributeError, TypeError, ValueError):
        valid = False
    expect(valid, f"{where}: expected a UUIDv7, got {value!r}")


def moment(where: str, value: Any) -> None:
    try:
        valid = re.fullmatch(TIMESTAMP, value, re.ASCII) is not None
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        valid = False
    expect(valid, f"{where}: expected a time like 2025-01-31T09:30:00.000000Z, got {value!r}")


# --- Combined checks ----------------------------------------------------------------------------


def one_of(*choices: str) -> Check:
    def check(where: str, value: Any) -> None:
        expect(value in choices, f"{where}: expected one of {choices}, got {value!r}")

    return check


def nullable(inner: Check) -> Check:
    def check(where: str, value: Any) -> None:
        if value is not None:
            inner(where, value)

    return check


def each(inner: Check) -> Check:
    def check(where: str, value: Any) -> None:
        expect(isinstance(value, list), f"{where}: expected a list, got {value!r}")
        for index, item in enumerate(value):
            inner(f"{where}[{index}]", item)

    return check


def fields_of(**members: Check) -> Check:
    def check(where: str, value: Any) -> None:
        expect(isinstance(value, dict), f"{where}: expected an object, got {value!r}")
        expect_equal(f"{where}: its members", sorted(value), sorted(members))
        for name, inner in members.items():
            inner(f"{where}.{name}", value[name])

    return check


def field_error(where: str, value: Any) -> None:
    """An item of a problem's `errors`: it names a member of the body or a parameter."""
    place = "parameter" if isinstance(value, dict) and "parameter" in value else "pointer"
    members = {place: text, "code": text, "detail": text, "params": parameters}
    fields_of(**members)(where, value)


def parameters(where: str, value: Any) -> None:
    """The numbers and words of a field error's detail."""
    expect(isinstance(value, dict), f"{where}: expected an object, got {value!r}")


# --- The schemas, by their names in the contract ------------------------------------------------

CATALOGUE = fields_of(skills=each(text), regions=each(text), meet_times=each(text))

USER_SUMMARY = fields_of(id=uuid7, username=text, image_url=nullable(text))
PROFILE = fields_of(
    bio=text,
    image_url=nullable(text),
    github_url=nullable(text),
    skills=each(text),
    region=nullable(text),
    meet_time=nullable(text),
)
USER_MEMBERS: dict[str, Check] = {
    "id": uuid7,
    "username": text,
    "created_at": moment,
    "profile": nullable(PROFILE),
}
CHAT_POLICY = one_of("open", "request", "closed")
USER = fields_of(**USER_MEMBERS, chat_policy=nullable(CHAT_POLICY))
ACCOUNT = fields_of(
    **USER_MEMBERS,
    email=text,
    email_verified=flag,
    pending_email=nullable(text),
    is_admin=flag,
    role=one_of("member", "moderator", "admin"),
    language=one_of("ko", "en"),
    time_zone=text,
    chat_policy=CHAT_POLICY,
)
SESSION = fields_of(
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
    "thumbnail_url": nullable(text),
    "author": USER_SUMMARY,
    "view_count": count,
    "bookmark_count": count,
    "comment_count": count,
    "bookmarked": nullable(flag),
    "created_at": moment,
    "updated_at": moment,
    "hidden": flag,
}
PROJECT_CARD = fields_of(**CARD_MEMBERS)
PROJECT = fields_of(**CARD_MEMBERS, content=text, content_html=text, repository_url=nullable(text))
BOOKMARK = fields_of(bookmarked=flag, bookmark_count=count)
COMMENT = fields_of(
    id=uuid7,
    author=USER_SUMMARY,
    body=text,
    created_at=moment,
    updated_at=moment,
    hidden=flag,
)

MESSAGE = fields_of(
    room_id=uuid7,
    seq=count,
    sender_id=nullable(uuid7),
    body=text,
    client_id=nullable(text),
    sent_at=moment,
    hidden=flag,
)
ROOM_STATUS = one_of("running", "stop", "pending")
ROOM = fields_of(
    id=uuid7,
    participant=nullable(USER_SUMMARY),
    status=ROOM_STATUS,
    left_by=nullable(uuid7),
    last_message=nullable(MESSAGE),
    last_seq=count,
    read_seq=count,
    participant_read_seq=count,
    unread_count=count,
    created_at=moment,
    updated_at=moment,
    writable=flag,
)
CHAT_REQUEST = fields_of(
    **{"from": USER_SUMMARY, "to": USER_SUMMARY},
    id=uuid7,
    introduction=text,
    state=one_of("pending", "accepted", "declined", "withdrawn", "expired", "void"),
    room_id=nullable(uuid7),
    created_at=moment,
    settled_at=nullable(moment),
)
HISTORY = fields_of(items=each(MESSAGE), last_seq=count)
FRAMES = {
    "hello": fields_of(
        type=text,
        room=ROOM,
        last_seq=count,
        after=nullable(count),
        recovered=flag,
        epoch=text,
    ),
    "message": fields_of(type=text, message=MESSAGE),
    "read": fields_of(type=text, user_id=uuid7, seq=count),
    "typing": fields_of(type=text, user_id=uuid7),
    "status": fields_of(
        type=text, status=ROOM_STATUS, left_by=nullable(uuid7), online=each(uuid7)
    ),
    "error": fields_of(type=text, code=text, detail=text, client_id=nullable(text)),
}

PROBLEM_MEMBERS: dict[str, Check] = {
    "type": text,
    "title": text,
    "status": count,
    "detail": text,
    "code": text,
}

RECOMMENDATION = fields_of(
    project=PROJECT_CARD,
    basis=one_of("similar-skills", "popular"),
    score=nullable(score),
    similar_user=nullable(USER_SUMMARY),
    shared_skills=each(text),
)
RECOMMENDATIONS = fields_of(items=each(RECOMMENDATION), computed_at=nullable(moment))

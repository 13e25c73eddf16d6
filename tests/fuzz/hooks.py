"""Hooks of schemathesis: its user, values that only the service knows, and a check of our own.

The user is signed up again when a call has ended its session. It stays otherwise, so that later
calls may see what earlier ones created.
"""

import os
import secrets
import zlib
from functools import cache
from typing import Any

import httpx
import schemathesis

SKILLS = ("Docker", "Javascript", "PostgreSQL", "Python")
STATES = {401, 403, 404, 409, 412}
"""Statuses that depend on the caller, or on what is stored."""

REFUSALS = {
    "bad-characters": "schemas do not list the letters of all scripts",
    "bad-cursor": "cursors are signed",
    "bad-image": "schemas do not describe pixels",
    "blank": "patterns do not list all invisible characters",
    "cannot-chat-with-yourself": "depends on the caller",
    "conflicting": "schemas do not relate parameters",
    "idempotency-key-reused": "depends on earlier calls",
    "invalid-token": "tokens come by mail",
    "mixed-scripts": "schemas do not list the letters of all scripts",
    "not-a-time-zone": "schemas do not list the time zones",
    "not-an-email": "email addresses have more rules than the format",
    "not-in-catalogue": "the catalogue is stored",
    "not-yours": "depends on the caller",
    "not-a-url": "addresses have more rules than a pattern",
    "missing": "schemas do not relate parameters",
    "rate-limited": "some rules of the domain bound how often, also without limits",
    "reserved": "reserved usernames are not published",
    "too-many-marks": "schemas do not count marks",
    "unsupported-media-type": "schemas do not describe the bytes of a file",
    "weak-password": "common passwords are not published",
    "wrong-password": "depends on the caller",
    "yourself": "depends on the caller",
}
"""Codes of problems and fields that a request may get although it fits its schema."""


@schemathesis.auth(refresh_interval=3600)
class NewUser:
    """Signs a user up, and another one after a 401, unless `FUZZ_ANONYMOUS` is set."""

    def get(self, _case: Any, _context: Any) -> str | None:
        """An access token."""
        if os.environ.get("FUZZ_ANONYMOUS"):
            return None
        return str(_sign_up()["access_token"])

    def set(self, case: Any, data: str | None, _context: Any) -> None:
        if data:
            case.headers["Authorization"] = f"Bearer {data}"


def _sign_up() -> dict[str, Any]:
    """The tokens and the id of a new user."""
    account = {"email": f"{secrets.token_hex(8)}@example.com", "password": secrets.token_hex(16)}
    base = f"{os.environ['FUZZ_URL']}/api/v1"
    with httpx.Client(trust_env=False, timeout=60) as http:
        user = {**account, "username": f"user-{secrets.token_hex(6)}"}
        made = http.post(f"{base}/users", json=user).raise_for_status().json()
        answer = http.post(f"{base}/sessions", json=account).raise_for_status()
    return {**answer.json(), "id": made["id"]}


@cache
def _other_user() -> str:
    """The id of a user to chat with."""
    return str(_sign_up()["id"])


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Put values that are not in the document into valid bodies.

    Without them no project and no room would be created, and links would lead nowhere. A part of
    the bodies stays as it was generated.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    body = case.body
    if not isinstance(body, dict):
        return
    known = _whole_numbers(body)
    if zlib.crc32(repr(body).encode(errors="replace")) % 4:
        known |= _stored_values(case.operation.label)
    if known.keys() & body.keys():  # another body would be taken for an invalid one
        case.body = {**body, **{name: known[name] for name in known.keys() & body.keys()}}


def _whole_numbers(body: dict[str, Any]) -> dict[str, Any]:
    """`1.0` is an integer by JSON Schema. The service reads integers without a fraction alone."""
    return {
        name: int(value)
        for name, value in body.items()
        if isinstance(value, float) and value.is_integer()
    }


def _stored_values(operation: str) -> dict[str, Any]:
    """Values of members that the service accepts."""
    known = {
        "image_id": None,
        "meet_time": "주말 선호",
        "region": "서울",
        "skills": list(SKILLS),
        "thumbnail_id": None,
        "user_id": _other_user(),
    }
    if operation == "POST /api/v1/users":
        known |= {"username": f"user-{secrets.token_hex(6)}", "password": secrets.token_hex(16)}
    return known


@schemathesis.check
def valid_data_is_accepted(_context: Any, response: Any, case: Any) -> None:
    """As `positive_data_acceptance`, which cannot tell the reasons of a refusal apart."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code not in range(400, 500) or response.status_code in STATES:
        return
    problem = response.json()
    codes = {problem["code"]}
    if codes == {"invalid"}:
        codes = {error["code"] for error in problem["errors"]}
    unexpected = codes - REFUSALS.keys()
    assert not unexpected, f"fits its schema, but is refused: {', '.join(sorted(unexpected))}"

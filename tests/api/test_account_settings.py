"""PATCH /me, and the language of a new account."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.api.client import PASSWORD, Api, Json
from tests.api.schemas import ACCOUNT, CARD, USER

pytestmark = pytest.mark.anyio


async def test_the_settings_of_an_account_are_changed_in_part(api: Api) -> None:
    person = await api.sign_up()
    before = await api.get(ACCOUNT, "/me", by=person)
    changes = {"language": "en", "time_zone": "America/Los_Angeles", "chat_policy": "closed"}
    after = await api.ok(ACCOUNT, "PATCH", "/me", changes, by=person)
    assert after == {**before, **changes}
    assert await api.get(ACCOUNT, "/me", by=person) == after
    assert await api.ok(ACCOUNT, "PATCH", "/me", {}, by=person) == after


async def test_a_username_changes_once_in_thirty_days_without_rate_limits(api: Api) -> None:
    person = await api.sign_up()
    await api.ok(ACCOUNT, "PATCH", "/me", {"username": "새이름"}, by=person)
    response = await api.send("PATCH", "/me", {"username": "또다른이름"}, by=person)
    assert response.status_code == 429
    assert response.json()["code"] == "rate-limited"
    assert 30 * 86_400 - 60 < int(response.headers["retry-after"]) <= 30 * 86_400


async def test_projects_are_found_by_a_new_username_alone(api: Api) -> None:
    person = await api.sign_up("anciennement")
    project = await api.publish(person)
    await api.ok(ACCOUNT, "PATCH", "/me", {"username": "nouvellement"}, by=person)
    assert await api.ids(CARD, "/projects", q="nouvellement") == [project["id"]]
    assert await api.ids(CARD, "/projects", q="anciennement") == []
    assert (await api.get(USER, f"/users/{person.id}"))["username"] == "nouvellement"


async def test_a_taken_username_is_a_conflict(api: Api) -> None:
    person, other = await api.sign_up(), await api.sign_up()
    body = {"username": other.username.upper()}
    assert await api.refused(409, "username-taken", "PATCH", "/me", body, by=person) == []


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"username": "x"}, "/username", "too-short"),
        ({"username": None}, "/username", "wrong-type"),
        ({"language": "de"}, "/language", "not-a-choice"),
        ({"language": None}, "/language", "wrong-type"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone", "not-a-time-zone"),
        ({"time_zone": "A" * 10_000}, "/time_zone", "not-a-time-zone"),
        ({"chat_policy": "maybe"}, "/chat_policy", "not-a-choice"),
        ({"role": "admin"}, "/role", "unknown-field"),
        ({"email": "a@example.com"}, "/email", "unknown-field"),
        ({"email_verified": True}, "/email_verified", "unknown-field"),
    ],
)
async def test_what_is_no_setting_is_refused(
    api: Api, body: Json, pointer: str, code: str
) -> None:
    person = await api.sign_up()
    response = await api.send("PATCH", "/me", body, by=person)
    assert response.status_code == 422
    errors = response.json()["errors"]
    assert [(each["pointer"], each["code"]) for each in errors] == [(pointer, code)]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [(None, "ko"), ("en-GB,ko;q=0.9", "en"), ("fr, ko;q=0.8, en;q=0.7", "ko"), ("fr", "ko")],
)
async def test_a_new_account_speaks_the_language_that_its_client_prefers(
    api: Api, accepted: str | None, language: str
) -> None:
    name = f"speaker-{uuid4().hex[:12]}"
    body = {"email": f"of.{name}@example.com", "username": name, "password": PASSWORD}
    headers = {"Accept-Language": accepted} if accepted else {}
    account = await api.ok(ACCOUNT, "POST", "/users", body, status=201, headers=headers)
    assert account["language"] == language
    assert (account["time_zone"], account["role"]) == ("Asia/Seoul", "member")
    assert (account["chat_policy"], account["pending_email"]) == ("request", None)
    assert account["email_verified"] is False

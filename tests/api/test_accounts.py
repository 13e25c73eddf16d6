"""Sign-up, availability, log-in, the own account and public users."""

import itertools
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from tests.api.client import PASSWORD, PREFIX, UNKNOWN_ID, Api, Json
from tests.api.schemas import ACCOUNT, TOKENS, USER

pytestmark = pytest.mark.anyio

LONGEST_PASSWORD = "".join(chr(0xAC00 + number * 7_919 % 11_172) for number in range(128))


numbers = itertools.count(1)
NFD = partial(unicodedata.normalize, "NFD")


def account(**over: Any) -> Json:
    """A sign-up with a new email and username."""
    number = next(numbers)
    return {
        "email": f"hana{number}@example.com",
        "username": f"하나-{number}",
        "password": PASSWORD,
        **over,
    }


# ------------------------------------------------------------------------------------- sign-up


async def test_sign_up_returns_the_account_and_its_location(api: Api) -> None:
    body = account()

    response = await api.send("POST", "/users", body)

    assert response.status_code == 201
    made = response.json()
    assert response.headers["Location"] == f"{PREFIX}/users/{made['id']}"
    assert UUID(made["id"]).version == 7
    assert {key: made[key] for key in ("email", "username", "profile", "is_admin")} == {
        "email": body["email"],
        "username": body["username"],
        "profile": None,
        "is_admin": False,
    }


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("email", None),
        ("email", ""),
        ("email", "no-at-sign"),
        ("email", "a@b@example.com"),
        ("email", "a b@example.com"),
        ("email", "hana\n@example.com"),
        ("email", "ha\0na@example.com"),
        ("email", f"{'a' * 250}@example.com"),
        ("email", 7),
        ("email", ["hana@example.com"]),
        ("username", "a"),
        ("username", "a" * 31),
        ("username", "two words"),
        ("username", "a/b"),
        ("username", "a.b"),
        ("username", "<b>"),
        ("username", "a\0b"),
        ("username", "이름!"),
        ("username", "\u0301ab"),
        ("username", 12345),
        ("username", True),
        ("password", "short 7"),
        ("password", "긴" * 129),
        ("password", "nul\0 in the middle"),
        ("password", 1234567890),
        ("password", None),
    ],
)
async def test_an_invalid_member_is_an_error_with_its_pointer(
    api: Api, member: str, value: object
) -> None:
    body = account(**{member: value})

    assert await api.refused(422, "invalid", "POST", "/users", body) == [f"/{member}"]


async def test_all_errors_are_reported_at_once(api: Api) -> None:
    body = {"email": "no", "username": "!", "password": "short"}

    faults = await api.refused(422, "invalid", "POST", "/users", body)

    assert faults == ["/email", "/username", "/password"]


@pytest.mark.parametrize("member", ["email", "username", "password"])
async def test_every_member_is_required(api: Api, member: str) -> None:
    body = account()
    del body[member]

    assert await api.refused(422, "invalid", "POST", "/users", body) == [f"/{member}"]


@pytest.mark.parametrize(
    "member", ["is_admin", "is_active", "id", "created_at", "password_hash", "profile", "Email"]
)
async def test_members_of_the_server_are_rejected(api: Api, member: str) -> None:
    body = account(**{member: True})

    assert await api.refused(422, "invalid", "POST", "/users", body) == [f"/{member}"]


@pytest.mark.parametrize(
    "username",
    ["ab", "가" * 30, "名前", "имя_7", "ɐ-b", "हिन्दी", "ab-_9", NFD("한" * 30)],
)
async def test_usernames_of_any_script_are_accepted(api: Api, username: str) -> None:
    made = await api.ok(ACCOUNT, "POST", "/users", account(username=username), status=201)

    assert made["username"] == unicodedata.normalize("NFC", username)


@pytest.mark.parametrize(
    "password",
    ["7 chars+", LONGEST_PASSWORD, "  blanks around it  ", NFD(LONGEST_PASSWORD)],
)
async def test_a_valid_password_logs_in_after_sign_up(api: Api, password: str) -> None:
    made = await api.ok(ACCOUNT, "POST", "/users", account(password=password), status=201)

    assert await api.log_in(made["email"], password)


async def test_a_password_is_never_trimmed(api: Api) -> None:
    made = await api.ok(ACCOUNT, "POST", "/users", account(password=f" {PASSWORD} "), status=201)

    body = {"email": made["email"], "password": PASSWORD}
    await api.refused(401, "wrong-credentials", "POST", "/sessions", body)


async def test_a_password_is_the_same_in_every_unicode_form(api: Api) -> None:
    password = NFD(PASSWORD)
    made = await api.ok(ACCOUNT, "POST", "/users", account(password=password), status=201)

    assert await api.log_in(made["email"], unicodedata.normalize("NFC", PASSWORD))


@pytest.mark.parametrize(
    "password",
    ["password1", "PASSWORD1", "12345678", "my HANA.k@example.com", "xHana.K9", "하나-HANA!!"],
)
async def test_weak_passwords_are_rejected(api: Api, password: str) -> None:
    body = account(email="hana.k@example.com", username="하나-hana", password=password)

    assert await api.refused(422, "weak-password", "POST", "/users", body) == ["/password"]


@pytest.mark.parametrize("username", ["abc", "김-"])
async def test_a_password_may_contain_a_short_username(api: Api, username: str) -> None:
    body = account(
        email=f"{username[0]}bc@example.com".replace("김", "k"),
        username=username,
        password=f"{username} bc kbc abc {PASSWORD}",
    )

    await api.ok(ACCOUNT, "POST", "/users", body, status=201)


@pytest.mark.parametrize("spelling", [str, str.upper, str.title])
async def test_an_email_conflicts_in_every_case(api: Api, spelling: Callable[[str], str]) -> None:
    taken = await api.ok(ACCOUNT, "POST", "/users", account(), status=201)

    body = account(email=spelling(taken["email"]))
    assert await api.refused(409, "email-taken", "POST", "/users", body) == []


@pytest.mark.parametrize(
    "spelling",
    [
        "Straße-각-{}",
        "STRASSE-각-{}",
        "ｓtrasse-각-{}",
        NFD("straße-각-{}"),
    ],
)
async def test_a_username_conflicts_in_every_spelling(api: Api, spelling: str) -> None:
    number = next(numbers)
    taken = account(username=f"Straße-각-{number}")
    await api.ok(ACCOUNT, "POST", "/users", taken, status=201)

    body = account(username=spelling.format(number))
    assert await api.refused(409, "username-taken", "POST", "/users", body) == []


# -------------------------------------------------------------------------------- availability


@pytest.mark.parametrize(
    ("query", "free"),
    [
        ({"email": "new@example.com"}, {"email": True}),
        ({"username": "new"}, {"username": True}),
        ({"email": "new@example.com", "username": "new"}, {"email": True, "username": True}),
        ({"email": "TAKEN@example.com"}, {"email": False}),
        ({"username": "뺏긴-NAME"}, {"username": False}),
        (
            {"email": "new@example.com", "username": "뺏긴-name"},
            {"email": True, "username": False},
        ),
    ],
)
async def test_availability_contains_the_requested_members(
    fresh_api: Api, query: dict[str, Any], free: dict[str, bool]
) -> None:
    taken = account(email="taken@example.com", username="뺏긴-name")
    await fresh_api.ok(ACCOUNT, "POST", "/users", taken, status=201)

    assert await fresh_api.get(dict.fromkeys(free, bool), "/users/availability", **query) == free


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ({}, ["email"]),
        ({"email": "no"}, ["email"]),
        ({"email": ""}, ["email"]),
        ({"username": "a"}, ["username"]),
        ({"username": "a b"}, ["username"]),
        ({"email": "no", "username": "\0\0"}, ["email", "username"]),
    ],
)
async def test_availability_of_an_invalid_value_is_an_error(
    api: Api, query: dict[str, str], faults: list[str]
) -> None:
    found = await api.refused(422, "invalid", "GET", "/users/availability", query=query)

    assert found == faults


# -------------------------------------------------------------------------------------- log-in


async def test_log_in_returns_tokens_that_must_not_be_cached(api: Api) -> None:
    person = await api.sign_up()
    body = {"email": person.email, "password": PASSWORD}

    response = await api.send("POST", "/sessions", body)

    assert response.headers["Cache-Control"] == "no-store"
    tokens = response.json()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    assert tokens["refresh_expires_in"] == 14 * 24 * 3600
    assert len(tokens["refresh_token"]) >= 43


async def test_each_log_in_creates_a_session(api: Api) -> None:
    person = await api.sign_up()
    body = {"email": person.email, "password": PASSWORD}

    one, two = [await api.ok(TOKENS, "POST", "/sessions", body, status=201) for _ in range(2)]

    assert one["session_id"] != two["session_id"]
    assert one["refresh_token"] != two["refresh_token"]


async def test_log_in_ignores_the_case_of_the_email(api: Api) -> None:
    person = await api.sign_up()

    assert await api.log_in(person.email.upper())


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper(), "긴" * 10_000, "nul\0"])
async def test_a_wrong_password_is_wrong_credentials(api: Api, password: str) -> None:
    person = await api.sign_up()
    body = {"email": person.email, "password": password}

    await api.refused(401, "wrong-credentials", "POST", "/sessions", body)


@pytest.mark.parametrize("email", ["", "no", "nobody@example.com", "a\0b@example.com", "a" * 9999])
async def test_an_unknown_email_is_wrong_credentials(api: Api, email: str) -> None:
    body = {"email": email, "password": PASSWORD}

    await api.refused(401, "wrong-credentials", "POST", "/sessions", body)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"email": "a@example.com"}, "/password"),
        ({"password": PASSWORD}, "/email"),
        ({"email": 1, "password": PASSWORD}, "/email"),
        ({"email": "a@example.com", "password": None}, "/password"),
        ({"email": "a@example.com", "password": PASSWORD, "remember": True}, "/remember"),
    ],
)
async def test_an_invalid_log_in_is_an_error(api: Api, body: Json, fault: str) -> None:
    assert await api.refused(422, "invalid", "POST", "/sessions", body) == [fault]


async def test_deactivation_is_reported_only_with_the_right_password(api: Api) -> None:
    person = await api.sign_up()
    await api.deactivate(person)
    right = {"email": person.email, "password": PASSWORD}

    await api.refused(403, "account-deactivated", "POST", "/sessions", right)
    wrong = {**right, "password": "something else"}
    await api.refused(401, "wrong-credentials", "POST", "/sessions", wrong)


async def test_log_in_accepts_a_user_agent_of_any_length(api: Api) -> None:
    person = await api.sign_up()
    body = {"email": person.email, "password": PASSWORD}

    response = await api.send("POST", "/sessions", body, headers={"User-Agent": "x" * 5_000})

    assert response.status_code == 201


# ------------------------------------------------------------------------ accounts and pages


async def test_me_returns_the_callers_account(api: Api) -> None:
    person = await api.sign_up()

    me = await api.get(ACCOUNT, "/me", by=person)

    assert (me["id"], me["email"], me["username"]) == (person.id, person.email, person.username)
    assert (me["profile"], me["is_admin"]) == (None, False)


async def test_me_marks_an_administrator(api: Api) -> None:
    administrator = await api.administrator()

    assert (await api.get(ACCOUNT, "/me", by=administrator))["is_admin"] is True


async def test_a_token_of_a_deleted_account_is_invalid(api: Api) -> None:
    person = await api.sign_up()
    await api.execute("DELETE FROM users WHERE email = :email", person)

    await api.refused(401, "not-authenticated", "GET", "/me", by=person)


async def test_a_user_is_public_without_the_email(api: Api) -> None:
    person = await api.sign_up()

    page = await api.get(USER, f"/users/{person.id}")

    assert (page["id"], page["username"], page["profile"]) == (person.id, person.username, None)


async def test_the_callers_own_user_is_the_public_one_with_the_chat_policy(api: Api) -> None:
    person = await api.sign_up()
    path = f"/users/{person.id}"

    public = await api.get(USER, path)
    assert public["chat_policy"] is None
    own = {**public, "chat_policy": "open"}
    assert await api.get(USER, path, by=person) == own


@pytest.mark.parametrize("user_id", [UNKNOWN_ID, "nonsense", "0", "%00", "%ff", "..%2f", "null"])
async def test_an_unknown_user_is_not_found(api: Api, user_id: str) -> None:
    await api.refused(404, "not-found", "GET", f"/users/{user_id}")

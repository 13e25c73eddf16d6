"""Sign-up, availability, log-in, one's own account and public pages."""

import itertools
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from tests.api.client import NOBODY, PASSWORD, PREFIX, Api, Json
from tests.api.schemas import ACCOUNT, TOKENS, USER

pytestmark = pytest.mark.anyio


numbers = itertools.count(1)
NFD = partial(unicodedata.normalize, "NFD")


def account(**over: Any) -> Json:
    """A sign-up with an email and a username that nobody has."""
    number = next(numbers)
    return {
        "email": f"hana{number}@example.com",
        "username": f"하나-{number}",
        "password": PASSWORD,
        **over,
    }


# ------------------------------------------------------------------------------------- sign-up


async def test_signing_up_gives_the_account_and_its_address(api: Api) -> None:
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
        ("email", "hana@example.com\n"),
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
async def test_a_bad_member_is_refused_with_a_pointer_to_it(
    api: Api, member: str, value: object
) -> None:
    body = account(**{member: value})

    assert await api.refused(422, "invalid", "POST", "/users", body) == [f"/{member}"]


async def test_all_faults_are_told_at_once(api: Api) -> None:
    body = {"email": "no", "username": "!", "password": "short"}

    faults = await api.refused(422, "invalid", "POST", "/users", body)

    assert faults == ["/email", "/username", "/password"]


@pytest.mark.parametrize("member", ["email", "username", "password"])
async def test_no_member_may_be_missing(api: Api, member: str) -> None:
    body = account()
    del body[member]

    assert await api.refused(422, "invalid", "POST", "/users", body) == [f"/{member}"]


@pytest.mark.parametrize(
    "member", ["is_admin", "is_active", "id", "created_at", "password_hash", "profile", "Email"]
)
async def test_members_that_are_not_the_clients_are_refused(api: Api, member: str) -> None:
    body = account(**{member: True})

    assert await api.refused(422, "invalid", "POST", "/users", body) == [f"/{member}"]


@pytest.mark.parametrize(
    "username",
    ["ab", "가" * 30, "名前", "имя_7", "ɐ-b", "हिन्दी", "ab-_9", NFD("한" * 30)],
)
async def test_usernames_of_any_script_are_taken(api: Api, username: str) -> None:
    made = await api.ok(ACCOUNT, "POST", "/users", account(username=username), status=201)

    assert made["username"] == unicodedata.normalize("NFC", username)


@pytest.mark.parametrize(
    "password",
    ["7 chars+", "글" * 128, "  blanks around it  ", NFD("글" * 128)],
)
async def test_good_passwords_log_in_afterwards(api: Api, password: str) -> None:
    made = await api.ok(ACCOUNT, "POST", "/users", account(password=password), status=201)

    assert await api.log_in(made["email"], password)


async def test_a_password_is_never_trimmed(api: Api) -> None:
    made = await api.ok(ACCOUNT, "POST", "/users", account(password=f" {PASSWORD} "), status=201)

    body = {"email": made["email"], "password": PASSWORD}
    await api.refused(401, "wrong-credentials", "POST", "/sessions", body)


async def test_a_password_is_one_in_every_unicode_form(api: Api) -> None:
    password = NFD(PASSWORD)
    made = await api.ok(ACCOUNT, "POST", "/users", account(password=password), status=201)

    assert await api.log_in(made["email"], unicodedata.normalize("NFC", PASSWORD))


@pytest.mark.parametrize(
    "password",
    ["password1", "PASSWORD1", "12345678", "my HANA.k@example.com", "xHana.K9", "하나-HANA!!"],
)
async def test_weak_passwords_are_refused(api: Api, password: str) -> None:
    body = account(email="hana.k@example.com", username="하나-hana", password=password)

    assert await api.refused(422, "weak-password", "POST", "/users", body) == ["/password"]


@pytest.mark.parametrize("username", ["abc", "김-"])
async def test_a_short_name_may_be_part_of_the_password(api: Api, username: str) -> None:
    body = account(
        email=f"{username[0]}bc@example.com".replace("김", "k"),
        username=username,
        password=f"{username} bc kbc abc {PASSWORD}",
    )

    await api.ok(ACCOUNT, "POST", "/users", body, status=201)


@pytest.mark.parametrize("spelling", [str, str.upper, str.title])
async def test_an_email_is_taken_in_every_case(api: Api, spelling: Callable[[str], str]) -> None:
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
async def test_a_username_is_taken_in_every_spelling(api: Api, spelling: str) -> None:
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
async def test_availability_says_what_was_asked_for(
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
async def test_availability_of_what_nobody_can_have_is_refused(
    api: Api, query: dict[str, str], faults: list[str]
) -> None:
    found = await api.refused(422, "invalid", "GET", "/users/availability", query=query)

    assert found == faults


# -------------------------------------------------------------------------------------- log-in


async def test_logging_in_gives_tokens_that_are_not_kept_by_anybody(api: Api) -> None:
    person = await api.sign_up()
    body = {"email": person.email, "password": PASSWORD}

    response = await api.send("POST", "/sessions", body)

    assert response.headers["Cache-Control"] == "no-store"
    tokens = response.json()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    assert tokens["refresh_expires_in"] == 14 * 24 * 3600
    assert len(tokens["refresh_token"]) >= 43


async def test_each_log_in_is_a_session_of_its_own(api: Api) -> None:
    person = await api.sign_up()
    body = {"email": person.email, "password": PASSWORD}

    one, two = [await api.ok(TOKENS, "POST", "/sessions", body, status=201) for _ in range(2)]

    assert one["session_id"] != two["session_id"]
    assert one["refresh_token"] != two["refresh_token"]


async def test_logging_in_takes_the_email_in_every_case(api: Api) -> None:
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
async def test_a_log_in_that_does_not_fit_is_invalid(api: Api, body: Json, fault: str) -> None:
    assert await api.refused(422, "invalid", "POST", "/sessions", body) == [fault]


async def test_a_deactivated_person_is_told_so_with_the_right_password_alone(api: Api) -> None:
    person = await api.sign_up()
    await api.deactivate(person)
    right = {"email": person.email, "password": PASSWORD}

    await api.refused(403, "account-deactivated", "POST", "/sessions", right)
    wrong = {**right, "password": "something else"}
    await api.refused(401, "wrong-credentials", "POST", "/sessions", wrong)


async def test_a_user_agent_of_any_length_does_not_hinder_a_log_in(api: Api) -> None:
    person = await api.sign_up()
    body = {"email": person.email, "password": PASSWORD}

    response = await api.send("POST", "/sessions", body, headers={"User-Agent": "x" * 5_000})

    assert response.status_code == 201


# ------------------------------------------------------------------------ accounts and pages


async def test_one_sees_ones_own_account(api: Api) -> None:
    person = await api.sign_up()

    me = await api.get(ACCOUNT, "/me", by=person)

    assert (me["id"], me["email"], me["username"]) == (person.id, person.email, person.username)
    assert (me["profile"], me["is_admin"]) == (None, False)


async def test_an_administrator_is_told_so(api: Api) -> None:
    administrator = await api.administrator()

    assert (await api.get(ACCOUNT, "/me", by=administrator))["is_admin"] is True


async def test_a_token_of_an_account_that_is_gone_is_not_valid(api: Api) -> None:
    person = await api.sign_up()
    await api.execute("DELETE FROM users WHERE email = :email", person)

    await api.refused(401, "not-authenticated", "GET", "/me", by=person)


async def test_everybody_sees_a_users_page_and_no_email(api: Api) -> None:
    person = await api.sign_up()

    page = await api.get(USER, f"/users/{person.id}")

    assert (page["id"], page["username"], page["profile"]) == (person.id, person.username, None)


async def test_ones_own_page_is_the_public_one(api: Api) -> None:
    person = await api.sign_up()
    path = f"/users/{person.id}"

    assert await api.get(USER, path, by=person) == await api.get(USER, path)


@pytest.mark.parametrize("user_id", [NOBODY, "nonsense", "0", "%00", "%ff", "..%2f", "null"])
async def test_a_page_of_nobody_is_not_found(api: Api, user_id: str) -> None:
    await api.refused(404, "not-found", "GET", f"/users/{user_id}")

"""A log-in does not reveal who has an account, neither by its response nor by its time."""

from typing import Any

import argon2
import pytest

from tests.api.client import PASSWORD, Api

pytestmark = pytest.mark.anyio


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parameters of each hash against which a password was verified."""
    compared: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, password_hash: Any, password: Any) -> Any:
        compared.append(str(password_hash).rpartition("$")[0].rpartition("$")[0])
        return verify(self, password_hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    return compared


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each computed hash."""
    made: list[bool] = []
    make = argon2.PasswordHasher.hash

    def counted(self: argon2.PasswordHasher, *arguments: Any, **options: Any) -> Any:
        made.append(True)
        return make(self, *arguments, **options)

    monkeypatch.setattr(argon2.PasswordHasher, "hash", counted)
    return made


@pytest.mark.parametrize("email", ["nobody@example.com", "no email at all", "", "a\0@b.org"])
async def test_an_unknown_email_costs_the_same_hash_as_a_wrong_password(
    api: Api, verified: list[str], hashed: list[bool], email: str
) -> None:
    person = await api.sign_up()
    for each in (verified, hashed):
        each.clear()

    wrong = await api.send("POST", "/sessions", {"email": person.email, "password": "wrong"})
    unknown = await api.send("POST", "/sessions", {"email": email, "password": "wrong"})

    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert len(verified) == 2
    assert verified[0] == verified[1]
    assert verified[0].startswith("$argon2id$")
    assert hashed == []


async def test_an_unknown_email_and_a_wrong_password_get_the_same_response(api: Api) -> None:
    person = await api.sign_up()

    wrong = await api.send("POST", "/sessions", {"email": person.email, "password": "wrong"})
    unknown = await api.send("POST", "/sessions", {"email": "x@example.com", "password": "wrong"})

    assert wrong.text == unknown.text
    for response in (wrong, unknown):
        del response.headers["X-Request-ID"]
    assert wrong.headers == unknown.headers


async def test_a_deactivated_account_with_a_wrong_password_looks_like_an_unknown_email(
    api: Api, verified: list[str]
) -> None:
    person = await api.sign_up()
    await api.deactivate(person)
    verified.clear()

    closed = await api.send("POST", "/sessions", {"email": person.email, "password": "wrong"})
    unknown = await api.send("POST", "/sessions", {"email": "x@example.com", "password": "wrong"})

    assert closed.text == unknown.text
    assert len(verified) == 2


async def test_the_password_of_the_dummy_hash_is_not_accepted(api: Api) -> None:
    body = {"email": "nobody@example.com", "password": "nobody's password"}

    await api.refused(401, "wrong-credentials", "POST", "/sessions", body)


async def test_a_successful_log_in_verifies_once_and_hashes_nothing(
    api: Api, verified: list[str], hashed: list[bool]
) -> None:
    person = await api.sign_up()
    for each in (verified, hashed):
        each.clear()

    await api.log_in(person.email, PASSWORD)

    assert (len(verified), len(hashed)) == (1, 0)

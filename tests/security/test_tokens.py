"""Access tokens: only a valid signature, audience, time and kind are accepted."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from sidepro.adapters.security.tokens import derive_key
from tests.api.client import ADDRESS, PASSWORD, PREFIX, Api, ApiUser, Json
from tests.api.fixtures import serving
from tests.api.schemas import ACCOUNT, CARD, TOKENS
from tests.databases import Databases
from tests.servers import SECRET_KEY

pytestmark = pytest.mark.anyio

KEY = derive_key(SECRET_KEY, "access tokens")
HOSTS = (urlsplit(ADDRESS).hostname or "",)
HEADER = {"alg": "HS256", "typ": "JWT"}


@pytest.fixture(scope="module")
async def person(api: Api) -> ApiUser:
    return await api.sign_up()


def encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def decoded(token: str, part: int) -> Json:
    text = token.split(".")[part]
    found: Json = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def forged(
    claims: Json,
    header: Json | None = None,
    key: bytes = KEY,
    digest: str = "sha256",
) -> str:
    """A token built without the application."""
    parts = (json.dumps(header or HEADER).encode(), json.dumps(claims).encode())
    signed = b".".join(encoded(part) for part in parts)
    signature = hmac.new(key, signed, getattr(hashlib, digest)).digest()
    return b".".join((signed, encoded(signature))).decode()


def claims_of(person: ApiUser, **over: Any) -> Json:
    """The claims of the person's token with changes; `...` removes a claim."""
    claims = {**decoded(person.token, 1), **over}
    return {name: value for name, value in claims.items() if value is not ...}


async def accepted(api: Api, token: str) -> bool:
    response = await api.send("GET", "/me", headers={"Authorization": f"Bearer {token}"})
    if response.status_code == 401:
        assert response.json()["code"] == "not-authenticated"
        assert response.headers["WWW-Authenticate"] == "Bearer"
        return False
    assert response.status_code == 200
    return True


async def test_a_forged_token_with_the_right_key_is_accepted(api: Api, person: ApiUser) -> None:
    assert await accepted(api, forged(claims_of(person)))


async def test_a_token_has_only_the_necessary_claims(person: ApiUser) -> None:
    assert decoded(person.token, 0) == HEADER
    assert set(decoded(person.token, 1)) == {
        *("iss", "aud", "sub", "sid", "adm", "mod", "kind", "iat", "nbf", "exp"),
    }


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
async def test_a_token_without_a_signature_is_refused(
    api: Api, person: ApiUser, algorithm: str
) -> None:
    signed = forged(claims_of(person), {"alg": algorithm, "typ": "JWT"})

    assert not await accepted(api, signed)
    assert not await accepted(api, signed.rpartition(".")[0] + ".")
    assert not await accepted(api, signed.rpartition(".")[0])


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [("HS384", "sha384"), ("HS512", "sha512"), ("RS256", "sha256"), ("ES256", "sha256"),
     ("EdDSA", "sha256"), ("PS256", "sha256"), ("HS1", "sha1"), ("hs256", "sha256")],
)  # fmt: skip
async def test_another_algorithm_is_refused(
    api: Api, person: ApiUser, algorithm: str, digest: str
) -> None:
    token = forged(claims_of(person), {"alg": algorithm, "typ": "JWT"}, digest=digest)

    assert not await accepted(api, token)


async def test_a_token_without_an_algorithm_is_refused(api: Api, person: ApiUser) -> None:
    assert not await accepted(api, forged(claims_of(person), {"typ": "JWT"}))


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"secret",
        SECRET_KEY.encode(),
        derive_key(SECRET_KEY, "cursors"),
        KEY[:-1],
        KEY + b"\0x",
    ],
    ids=["empty", "secret", "the secret itself", "the cursors'", "a shorter", "a longer"],
)
async def test_another_key_is_refused(api: Api, person: ApiUser, key: bytes) -> None:
    assert not await accepted(api, forged(claims_of(person), key=key))


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example/keys.json"},
        {"jwk": {"kty": "oct", "k": base64.urlsafe_b64encode(b"evil" * 8).decode()}},
        {"x5u": "https://evil.example/cert.pem"},
        {"kid": "../../../dev/null"},
        {"kid": "' OR 1=1 --"},
    ],
    ids=lambda header: str(*header),
)
async def test_a_key_in_the_header_is_not_used(api: Api, person: ApiUser, header: Json) -> None:
    for key in (b"evil" * 8, b""):
        assert not await accepted(api, forged(claims_of(person), {**HEADER, **header}, key=key))


async def test_an_unknown_critical_extension_is_refused(api: Api, person: ApiUser) -> None:
    header = {**HEADER, "crit": ["http://example.com/x"], "http://example.com/x": True}

    assert not await accepted(api, forged(claims_of(person), header))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "sid", "kind", "iat", "nbf", "exp"])
async def test_a_token_without_one_of_its_claims_is_refused(
    api: Api, person: ApiUser, name: str
) -> None:
    assert not await accepted(api, forged(claims_of(person, **{name: ...})))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", "https://other.example"),
        ("iss", ""),
        ("iss", None),
        ("aud", "other"),
        ("aud", []),
        ("aud", ""),
        ("kind", "refresh"),
        ("kind", "ticket"),
        ("kind", None),
        ("kind", ["access"]),
        ("sub", "nonsense"),
        ("sub", 7),
        ("sub", None),
        ("sid", "nonsense"),
        ("sid", 7),
        ("exp", "nonsense"),
        ("exp", None),
        ("nbf", "nonsense"),
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(
    api: Api, person: ApiUser, name: str, value: object
) -> None:
    assert not await accepted(api, forged(claims_of(person, **{name: value})))


@pytest.mark.parametrize("seconds", [60, 3600, 10**9])
async def test_an_expired_token_is_refused(api: Api, person: ApiUser, seconds: int) -> None:
    past = int(time.time()) - seconds

    assert not await accepted(api, forged(claims_of(person, exp=past)))


@pytest.mark.parametrize("name", ["nbf", "iat"])
async def test_a_token_that_is_not_valid_yet_is_refused(
    api: Api, person: ApiUser, name: str
) -> None:
    future = int(time.time()) + 60

    assert not await accepted(api, forged(claims_of(person, **{name: future})))


async def test_a_token_of_an_unknown_user_is_refused(api: Api, person: ApiUser) -> None:
    assert not await accepted(api, forged(claims_of(person, sub=str(uuid4()))))


async def test_a_token_lives_as_long_as_the_log_in_announces(api: Api, person: ApiUser) -> None:
    claims = decoded(person.token, 1)

    assert claims["exp"] - claims["iat"] == 900


async def test_a_refresh_token_is_no_access_token(api: Api, person: ApiUser) -> None:
    body = {"email": person.email, "password": PASSWORD}
    tokens = await api.ok(TOKENS, "POST", "/sessions", body, status=201)

    assert not await accepted(api, tokens["refresh_token"])
    assert await accepted(api, tokens["access_token"])


async def test_a_modified_token_is_refused(api: Api, person: ApiUser) -> None:
    header, claims, signature = person.token.split(".")
    other = encoded(json.dumps(claims_of(person, adm=True)).encode()).decode()
    for token in (
        f"{header}.{other}.{signature}",
        f"{header}.{claims}.{signature[:-4]}AAAA",
        f"{header}.{claims}.{signature}.{signature}",
        f"{header}.{claims}",
        f"{person.token} {person.token}",
        person.token[1:],
    ):
        assert not await accepted(api, token)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer null", "Bearer a.b.c", "Bearer ..", "Basic eDp5",
     "Token x", "Bearer " + "a" * 5_000, "Bearer " + "." * 500, "Bearer é", "Bearer {}.{}.{}"],
)  # fmt: skip
async def test_a_malformed_header_is_refused_without_an_error(api: Api, header: str) -> None:
    response = await api.http.get(
        f"{PREFIX}/projects", headers=[(b"Authorization", header.encode("latin-1"))]
    )

    assert response.status_code == 401


async def test_the_scheme_is_case_insensitive(api: Api, person: ApiUser) -> None:
    response = await api.send("GET", "/me", headers={"Authorization": f"bEARER {person.token}"})

    assert response.status_code == 200


async def test_an_administrator_claim_needs_a_valid_signature(api: Api, person: ApiUser) -> None:
    made = await api.publish(await api.sign_up())
    token = forged(claims_of(person, adm=True), key=b"wrong" * 8)

    response = await api.send(
        "DELETE", f"/projects/{made['id']}", headers={"Authorization": f"Bearer {token}"}
    )

    assert response.status_code == 401


async def test_keys_rotate_without_ending_sessions_or_cursors(
    databases: Databases, tmp_path: Path
) -> None:
    old, new = "an old key of the platform's", "a new key of the platform's"
    with databases.fresh() as address:
        async with serving(address, tmp_path, secret_key=(old,)) as api:
            person = await api.sign_up()
            for _ in range(2):
                await api.publish(person)
            cursor = (await api.page(CARD, "/projects", limit=1))["next"]
        async with serving(address, tmp_path, secret_key=(new, old)) as api:
            assert (await api.get(ACCOUNT, "/me", by=person))["id"] == person.id
            assert len(await api.ids(CARD, "/projects", cursor=cursor)) == 1
            fresh = await api.log_in(person.email)
        async with serving(address, tmp_path, secret_key=(new,)) as api:
            assert await accepted(api, fresh)
            assert not await accepted(api, person.token)
            query = {"cursor": cursor}
            await api.refused(400, "bad-cursor", "GET", "/projects", query=query)


async def test_a_token_of_another_installation_is_refused(
    databases: Databases, tmp_path: Path
) -> None:
    with databases.fresh() as address:
        async with serving(
            address, tmp_path, public_url="https://one.example", allowed_hosts=HOSTS
        ) as api:
            person = await api.sign_up()
            assert await accepted(api, person.token)
        async with serving(
            address, tmp_path, public_url="https://two.example", allowed_hosts=HOSTS
        ) as api:
            assert not await accepted(api, person.token)

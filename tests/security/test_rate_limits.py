"""Rate limits: refusals, their headers, and that strangers cannot lock an owner out."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from sidepro.domain.rate_limiting import Limit
from sidepro.http.rate_limits import ALL_ELSE
from tests.api.client import PASSWORD, PREFIX, UNKNOWN_ID, Api, ApiUser, problem
from tests.api.fixtures import serving
from tests.databases import Databases

pytestmark = pytest.mark.anyio

WRONG = "Tr0ubadour & 3"
NEW_PROJECT = {"title": "T", "summary": "S", "content": "C", "skills": ["React"]}


@pytest.fixture
async def limited(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Api]:
    """An API with limits, for one test. Its clock stands still, so no bucket refills."""
    with databases.fresh() as address:
        async with serving(address, tmp_path, rate_limits=True) as api:
            monkeypatch.setattr(api.container.api.limiter, "_now", lambda: 0.0)
            yield api


def log_in_body(email: str, password: str = PASSWORD) -> dict[str, str]:
    return {"email": email, "password": password}


async def tried(http: httpx.AsyncClient, email: str, password: str = WRONG) -> httpx.Response:
    return await http.post(f"{PREFIX}/sessions", json=log_in_body(email, password))


def addresses() -> Any:
    """An endless iterator of addresses."""
    return (f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in itertools.count(1))


# --------------------------------------------------------------------------------------- log-in


async def test_wrong_log_ins_from_one_address_end_in_429(limited: Api) -> None:
    person = await limited.sign_up()
    async with limited.http_from("203.0.113.9") as http:
        answers = [await tried(http, person.email) for _ in range(30)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:10] == [401] * 10
    assert set(statuses[10:]) == {429}
    problem(answers[-1], 429, "rate-limited")
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 6


async def test_strangers_do_not_lock_an_owner_at_a_known_address_out(
    limited: Api,
) -> None:
    person = await limited.sign_up()
    strangers: list[int] = []
    for address in itertools.islice(addresses(), 500):
        async with limited.http_from(address) as http:
            strangers.append((await tried(http, person.email)).status_code)
    assert strangers[:20] == [401] * 20
    assert set(strangers[20:]) == {429}

    assert (await tried(limited.http, person.email, PASSWORD)).status_code == 201
    async with limited.http_from("198.51.100.1") as http:
        assert (await tried(http, person.email, PASSWORD)).status_code == 429, "one more stranger"


async def test_unknown_emails_are_counted_like_known_ones(limited: Api) -> None:
    person = await limited.sign_up()
    told, strangers = [], addresses()
    for email in (person.email, "nobody@example.com"):
        answers = []
        for address in itertools.islice(strangers, 22):
            async with limited.http_from(address) as http:
                answers.append(await tried(http, email))
        told.append(
            [(a.status_code, a.json()["code"], a.headers.get("RateLimit")) for a in answers]
        )
    assert told[0] == told[1]
    assert told[0][-1][:2] == (429, "rate-limited")


async def test_all_spellings_of_an_email_count_together(limited: Api) -> None:
    person = await limited.sign_up()
    spellings = [person.email, person.email.upper(), person.email.title()]
    statuses = []
    for number, address in enumerate(itertools.islice(addresses(), 21)):
        async with limited.http_from(address) as http:
            statuses.append((await tried(http, spellings[number % 3])).status_code)
    assert statuses == [401] * 20 + [429]


async def test_a_refused_log_in_verifies_no_password(
    limited: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(10):
        await tried(limited.http, "nobody@example.com")

    async def fails(*_: Any) -> bool:
        raise AssertionError("a password was verified")

    monkeypatch.setattr(limited.container.passwords, "verify", fails)
    assert (await tried(limited.http, "nobody@example.com")).status_code == 429


async def test_log_ins_with_a_token_count_by_address_too(limited: Api) -> None:
    person = await limited.sign_up()
    async with limited.http_from("203.0.113.9") as http:
        http.headers.update(person.headers)
        statuses = [(await tried(http, "a@example.com")).status_code for _ in range(11)]
        del http.headers["Authorization"]
        statuses.append((await tried(http, "a@example.com")).status_code)
    assert statuses == [401] * 10 + [429] * 2


# ----------------------------------------------------------------------------- the own password


async def asked_again(http: httpx.AsyncClient, person: ApiUser, number: int) -> httpx.Response:
    """A guess of one's own password, by one of the two routes in turn."""
    if number % 2:
        body = {"password": f"{WRONG}{number}"}
        return await http.request("DELETE", f"{PREFIX}/me", json=body, headers=person.headers)
    body = {"current_password": f"{WRONG}{number}", "new_password": "a long new passphrase"}
    return await http.put(f"{PREFIX}/me/password", json=body, headers=person.headers)


async def test_guesses_of_the_own_password_count_by_address_as_log_ins_do(limited: Api) -> None:
    one, other = await limited.sign_up(), await limited.sign_up()
    async with limited.http_from("203.0.113.9") as http:
        answers = [await asked_again(http, (one, other)[n // 2 % 2], n) for n in range(8)]
        answers += [await tried(http, one.email) for _ in range(2)]
        answers += [await asked_again(http, one, n) for n in range(2)]
    assert [answer.status_code for answer in answers] == [422] * 8 + [401] * 2 + [429] * 2
    problem(answers[-1], 429, "rate-limited")
    assert answers[-1].headers["RateLimit"].startswith('"log-in";r=0;t=')


async def test_guesses_of_the_own_password_count_by_account_over_all_addresses(
    limited: Api,
) -> None:
    person, other = await limited.sign_up(), await limited.sign_up()
    answers = []
    for number, address in enumerate(itertools.islice(addresses(), 22)):
        async with limited.http_from(address) as http:
            answers.append(await asked_again(http, person, number))
    assert [answer.status_code for answer in answers] == [422] * 20 + [429] * 2
    problem(answers[-1], 429, "rate-limited")
    assert answers[-1].headers["RateLimit"].startswith('"own-password";r=0;t=')
    assert int(answers[-1].headers["Retry-After"]) >= 1

    async with limited.http_from("198.51.100.1") as http:
        right = await http.request(
            "DELETE", f"{PREFIX}/me", json={"password": PASSWORD}, headers=person.headers
        )
        assert right.status_code == 429, "the right password is not told apart"
        assert (await asked_again(http, other, 0)).status_code == 422, "others are not limited"
        assert (await tried(http, person.email, PASSWORD)).status_code == 201, "nor are log-ins"


# ------------------------------------------------------------------------------ refused callers


@pytest.mark.parametrize("authorization", ["Bearer forged", "Basic x", None, "ended session"])
async def test_refused_callers_count_towards_the_limit_of_their_address(
    limited: Api, authorization: str | None
) -> None:
    person, ended = await limited.sign_up(), await limited.sign_up()
    await limited.send("DELETE", "/sessions/current", by=ended)
    headers = {"Authorization": authorization} if authorization else {}
    if authorization == "ended session":
        headers = ended.headers
    async with limited.http_from("203.0.113.9") as http:
        answers = [await http.get(f"{PREFIX}/me", headers=headers) for _ in range(601)]
        assert [answer.status_code for answer in answers] == [401] * 600 + [429]
        problem(answers[-1], 429, "rate-limited")
        assert answers[0].headers["RateLimit"].startswith('"default";r=599')
        valid = await http.get(f"{PREFIX}/me", headers=person.headers)
        assert valid.status_code == 200, "valid callers behind the address are counted apart"
        assert valid.headers["RateLimit"].startswith('"default";r=599')


# ------------------------------------------------------------------------------------- the rest


async def test_sign_ups_of_an_address_end_in_429(limited: Api) -> None:
    statuses = []
    for _ in range(11):
        name = uuid4().hex[:20]
        account = {"email": f"{name}@example.com", "username": name, "password": PASSWORD}
        statuses.append((await limited.send("POST", "/users", account)).status_code)
    assert statuses == [201] * 10 + [429]


ROUTES: list[tuple[str, str, str, int, Any]] = [
    # method, path, name of the limit, quota, body
    ("POST", "/projects", "projects", 30, NEW_PROJECT),
    ("POST", f"/projects/{UNKNOWN_ID}/comments", "comments", 120, {"body": "B"}),
    ("POST", "/images", "images", 60, {}),
    ("POST", "/rooms", "rooms", 60, {"user_id": UNKNOWN_ID}),
    ("POST", f"/rooms/{UNKNOWN_ID}/messages", "messages", 50, {"body": "B"}),
    ("POST", f"/rooms/{UNKNOWN_ID}/socket-tickets", "tickets", 60, None),
    ("GET", "/me", "default", 600, None),
]


@pytest.mark.parametrize(("method", "path", "name", "quota", "body"), ROUTES)
async def test_a_user_is_refused_after_the_quota_of_the_route(
    limited: Api, method: str, path: str, name: str, quota: int, body: Any
) -> None:
    person, other = await limited.sign_up(), await limited.sign_up()
    limiter = limited.container.api.limiter
    assert limiter is not None
    first = await limited.send(method, path, body, by=person)
    said = first.headers["RateLimit"]
    assert said.startswith(f'"{name}";r={quota - 1};t='), "the status of the call does not matter"
    window = {"default": 60, "messages": 5, "tickets": 60}.get(name, 3600)
    assert first.headers["RateLimit-Policy"] == f'"{name}";q={quota};w={window}'

    while (await limiter.take(Limit(name, quota, window), person.id)).retry_after is None:
        pass
    refused = await limited.send(method, path, body, by=person)

    problem(refused, 429, "rate-limited")
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.headers["RateLimit"].startswith(f'"{name}";r=0;t=')
    assert (await limited.send(method, path, body, by=other)).status_code != 429


async def test_anonymous_calls_count_by_address_apart_from_users(
    limited: Api,
) -> None:
    person = await limited.sign_up()

    async def left(http: httpx.AsyncClient, by: ApiUser | None = None) -> str:
        answer = await http.get(f"{PREFIX}/projects", headers=by.headers if by else {})
        return answer.headers["RateLimit"].partition(";t=")[0]

    one, other = limited.http_from("192.0.2.1"), limited.http_from("192.0.2.2")
    assert await left(one) == '"default";r=599'
    assert await left(one) == '"default";r=598'
    assert await left(other) == '"default";r=599'
    assert await left(one, person) == '"default";r=599'
    assert await left(other, person) == '"default";r=598'


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
    ],
)
async def test_an_ipv6_network_of_64_bits_counts_as_one_address(
    limited: Api, one: str, other: str, alike: bool
) -> None:
    left = []
    for address in (one, other):
        async with limited.http_from(address) as http:
            answer = await http.get(f"{PREFIX}/catalogue")
            left.append(answer.headers["RateLimit"].partition(";t=")[0])
    assert left == ['"default";r=599', '"default";r=598' if alike else '"default";r=599']


async def test_a_forwarded_address_without_a_trusted_proxy_is_ignored(
    limited: Api,
) -> None:
    answers = [
        await limited.send("GET", "/catalogue", headers={"X-Forwarded-For": f"192.0.2.{number}"})
        for number in range(2)
    ]
    assert answers[1].headers["RateLimit"].startswith('"default";r=598')


async def test_every_call_of_the_api_is_limited(limited: Api) -> None:
    person = await limited.sign_up()
    called = 0
    for method, path in sorted(_operations(limited.app)):
        answer = await limited.send(method, path, by=person)
        assert "RateLimit" in answer.headers, f"{method} {path}"
        assert "RateLimit-Policy" in answer.headers, f"{method} {path}"
        called += 1
    assert called > 30


def _operations(app: Litestar) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for route in app.routes:
        if isinstance(route, HTTPRoute) and route.path.startswith(PREFIX):
            path = route.path.removeprefix(PREFIX)
            for part in route.path_parameters.values():
                path = path.replace(f"{{{part.full}}}", UNKNOWN_ID)
            methods = set(route.route_handler_map) - {"OPTIONS"}
            found += [(method, path) for method in methods if (method, path) not in _LAST]
    return found


_LAST = {("DELETE", "/sessions"), ("DELETE", "/sessions/current"), ("DELETE", "/me")}
"""Calls that would end the session of the test."""


async def test_head_is_counted_once(limited: Api) -> None:
    left = []
    for method in ("GET", "HEAD", "HEAD", "GET"):
        response = await limited.send(method, "/catalogue")
        left.append(int(response.headers["RateLimit"].partition("r=")[2].partition(";")[0]))

    assert left == list(range(left[0], left[0] - 4, -1))


async def test_health_is_not_limited(limited: Api) -> None:
    assert "RateLimit" not in (await limited.send("GET", "//health/ready")).headers


async def test_without_limits_nothing_is_counted_and_no_header_is_sent(fresh_api: Api) -> None:
    answers = [await tried(fresh_api.http, "nobody@example.com") for _ in range(25)]
    assert {answer.status_code for answer in answers} == {401}
    assert not any("RateLimit" in answer.headers for answer in answers)


async def test_a_response_within_the_limit_has_no_retry_after(limited: Api) -> None:
    answer = await limited.send("GET", "/catalogue")
    assert "Retry-After" not in answer.headers
    assert answer.headers["RateLimit-Policy"] == f'"default";q={ALL_ELSE.quota};w=60'

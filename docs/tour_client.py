"""Calls SidePro's API over HTTP: log-in, problems and pages of lists.

The methods check the common parts of all responses and the schema of each. The chapters check only
their specific parts.
"""

import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx

from tour_schemas import (
    PROBLEM_MEMBERS,
    SESSION,
    Check,
    Mismatch,
    count,
    each,
    expect,
    expect_equal,
    field_error,
    fields_of,
    nullable,
    text,
)

Json = dict[str, Any]
Value = str | int | bool | Sequence[str]
Query = Mapping[str, Value]


class Page(NamedTuple):
    """One page of a list. Cursors and links are None at its ends."""

    items: list[Json]
    next: str | None
    previous: str | None
    total: int | None
    next_link: str | None
    previous_link: str | None

    def ids(self) -> list[str]:
        return [item["id"] for item in self.items]


class Caller:
    """A client of the API; anonymous until it has a token."""

    def __init__(self, server: httpx.Client) -> None:
        self.server = server
        self.token: str | None = None

    def send(
        self,
        status: int,
        method: str,
        path: str,
        body: Json | None = None,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Make a call, and check the common parts of its response."""
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        response = self.server.request(
            method, f"/api/v1{path}", params=query or None, json=body, headers=sent
        )

        where = f"{method} {path}"
        actual = f"{response.status_code} {response.text[:300]}".strip()
        expect(response.status_code == status, f"{where}: expected {status}, got {actual}")
        expect("X-Request-ID" in response.headers, f"{where}: expected an X-Request-ID")
        if self.token:
            expect_equal(f"{where}: Cache-Control", caching(response), "no-store")
        if status in (204, 304):
            expect(not response.content, f"{where}: expected no body with {status}, got one")
        return response

    def get(self, answer: Check, path: str, **query: Value) -> Json:
        return read(self.send(200, "GET", path, query=query), answer)

    def ask(
        self, answer: Check, method: str, path: str, body: Json | None = None, status: int = 200
    ) -> Json:
        """Make a call that must succeed. Returns its body."""
        return read(self.send(status, method, path, body), answer)

    def refused(
        self,
        status: int,
        code: str,
        method: str,
        path: str,
        body: Json | None = None,
        query: Query | None = None,
    ) -> list[str]:
        """Make a call that must be refused. Returns the invalid members or parameters."""
        response = self.send(status, method, path, body, query)
        problem = parse(response, "application/problem+json")
        where = f"the problem of {method} {path}"
        members = dict(PROBLEM_MEMBERS)
        if code == "invalid" or (status == 422 and "errors" in problem):
            members["errors"] = each(field_error)
        fields_of(**members)(where, problem)

        actual = (problem["status"], problem["code"], problem["type"])
        expect_equal(where, actual, (status, code, f"/problems/{code}"))
        if code == "not-authenticated":
            challenge = response.headers.get("WWW-Authenticate", "")
            expect(challenge.startswith("Bearer"), f"{where}: expected WWW-Authenticate: Bearer")
        errors = problem.get("errors", [])
        return [error.get("pointer", error.get("parameter")) for error in errors]

    def page(self, item: Check, path: str, **query: Value) -> Page:
        """Read a page, and check that its cursors equal those of its Link header."""
        response = self.send(200, "GET", path, query=query)
        members: dict[str, Check] = {"items": each(item)}
        members |= {"next": nullable(text), "previous": nullable(text)}
        if "total" in query:
            members["total"] = count
        page = read(response, fields_of(**members))

        links: dict[str, str | None] = {}
        for rel, member in (("next", "next"), ("prev", "previous")):
            url = urlsplit(response.links.get(rel, {}).get("url", ""))
            cursor = parse_qs(url.query).get("cursor", [None])[0]
            expect_equal(f"GET {path}: the cursor in its Link rel={rel}", cursor, page[member])
            links[rel] = f"{url.path}?{url.query}".removeprefix("/api/v1") if cursor else None
        return Page(
            page["items"],
            page["next"],
            page["previous"],
            page.get("total"),
            links["next"],
            links["prev"],
        )


class Person(Caller):
    """A new person with a unique email and username."""

    def __init__(self, server: httpx.Client, mailbox: str, nickname: str) -> None:
        super().__init__(server)
        unique = secrets.token_hex(5)
        self.email = f"{mailbox}.{unique}@example.com"
        self.username = f"{nickname}-{unique}"
        self.password = secrets.token_urlsafe(16)
        self.account: Json = {}

    @property
    def id(self) -> str:
        return str(self.account["id"])

    def log_in(self, email: str) -> Json:
        body = {"email": email, "password": self.password}
        session = self.ask(SESSION, "POST", "/sessions", body, status=201)
        self.token = session["access_token"]
        return session


def parse(response: httpx.Response, media_type: str) -> Json:
    where = f"{response.request.method} {response.request.url.path}"
    actual = response.headers.get("Content-Type", "")
    expect_equal(f"{where}: Content-Type", actual.split(";")[0].strip(), media_type)
    try:
        body = response.json()
    except ValueError:
        raise Mismatch(f"{where}: expected JSON, got {response.text[:200]!r}") from None
    expect(isinstance(body, dict), f"{where}: expected a JSON object, got {body!r}")
    return dict(body)


def read(response: httpx.Response, answer: Check) -> Json:
    body = parse(response, "application/json")
    answer(f"{response.request.method} {response.request.url.path}", body)
    return body


def caching(response: httpx.Response) -> str:
    return str(response.headers.get("Cache-Control", ""))


def check_location(response: httpx.Response, path: str) -> None:
    location = urlsplit(response.headers.get("Location", "")).path
    expect_equal(f"the Location of POST {response.request.url.path}", location, f"/api/v1{path}")


def check_etag(response: httpx.Response) -> None:
    etag = response.headers.get("ETag", "")
    valid = re.fullmatch(r'(W/)?"[^"]+"', etag) is not None
    expect(valid, f"{response.request.url.path}: expected a quoted ETag, got {etag!r}")


def decomposed(word: str) -> str:
    """The word in Unicode's form NFD, as some keyboards send it: 한 as ㅎ, ㅏ, ㄴ."""
    return unicodedata.normalize("NFD", word)


def chapter(title: str) -> None:
    print(f"\n{title}", flush=True)


def report(line: str) -> None:
    print(f"  {line}", flush=True)

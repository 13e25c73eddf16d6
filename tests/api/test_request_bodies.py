"""Request bodies: media types, sizes, and malformed JSON."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from sidepro.api.docs.openapi import document
from tests.api.client import PREFIX, UNKNOWN_ID, Api, ApiUser, Json, answer, problem, project
from tests.api.moderation.reporting import case_of, of_project, report
from tests.api.schemas import CATALOGUE, PROJECT

pytestmark = pytest.mark.anyio

MEBIBYTE = 2**20


@pytest.fixture(scope="module")
async def person(api: Api) -> ApiUser:
    """Somebody who may call every route."""
    return await api.administrator()


Routes = dict[tuple[str, str], Json]
"""A valid body by method and path."""


@pytest.fixture(scope="module")
async def routes(api: Api, person: ApiUser) -> Routes:
    """Every route with a JSON body in the OpenAPI document, for resources of `person`."""
    made = await api.publish(person)
    comment = await api.comment(person, made)
    room = await api.room(person, await api.sign_up())
    other = await api.sign_up()
    reported = of_project(await api.publish(other))
    await report(api, person, reported)
    case = await case_of(api, person, reported)
    ids = {"project_id": made["id"], "comment_id": comment["id"], "room_id": room["id"]}
    ids |= {"case_id": case["id"], "user_id": other.id}
    return {
        (method.upper(), path.removeprefix(PREFIX).format(**ids)): media["example"]
        for path, operations in document(api.app)["paths"].items()
        for method, operation in operations.items()
        for kind, media in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    }


# --------------------------------------------------------------------------------- malformed JSON

BROKEN = {
    "an open object": b'{"title": "T"',
    "a lone brace": b"{",
    "a word": b"hello",
    "single quotes": b"{'title': 'T'}",
    "a trailing comma": b'{"title": "T",}',
    "two documents": b"{} {}",
    "a comment": b"{} // no",
    "NaN": b'{"title": NaN}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"title": "T"}'.encode("utf-16"),
    "invalid UTF-8": b'{"title": "\xff\xfe"}',
    "a surrogate in UTF-8": b'{"title": "\xed\xa0\x80"}',
    "an overlong NUL": b'{"title": "\xc0\x80"}',
    "a NUL byte": b'{"title": "a\0b"}',
    "a form": b"title=T&summary=S",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
async def test_malformed_json_is_rejected_by_every_route(
    api: Api, person: ApiUser, routes: Routes, content: bytes
) -> None:
    for method, path in routes:
        response = await api.send(method, path, content=content, by=person)
        assert response.status_code in (400, 422), f"{method} {path}: {response.text}"
        if response.status_code == 400:
            problem(response, 400, "malformed")


@pytest.mark.parametrize(
    "content",
    [b"null", b"[]", b'"text"', b"7", b"true", b"[{}]", b"", b" "],
)
async def test_json_that_is_no_object_is_rejected_by_every_route(
    api: Api, person: ApiUser, routes: Routes, content: bytes
) -> None:
    for method, path in routes:
        response = await api.send(method, path, content=content, by=person)
        assert response.status_code in (400, 422), f"{method} {path}: {response.text}"


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"title":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"skills":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
        b'{"title":"T","summary":"S","content":' + b'{"a":' * 100_000,
    ],
    ids=["arrays", "objects", "in a text", "in a list", "in the last member"],
)
async def test_deeply_nested_json_is_rejected_by_every_route(
    api: Api, person: ApiUser, routes: Routes, content: bytes
) -> None:
    for method, path in routes:
        response = await api.send(method, path, content=content, by=person)
        assert response.status_code in (400, 422), f"{method} {path}: {response.text}"


@pytest.mark.parametrize("escape", [r"\ud800", r"\udc00", r"\ud800x", r"\udc00\ud800"])
async def test_unpaired_surrogates_are_rejected(api: Api, person: ApiUser, escape: str) -> None:
    content = b'{"title": "a%sb", "summary": "S", "content": "C", "skills": ["R"]}'

    response = await api.send("POST", "/projects", content=content % escape.encode(), by=person)

    assert response.status_code in (400, 422)


async def test_a_surrogate_pair_is_one_character(api: Api, person: ApiUser) -> None:
    content = rb'{"title": "\ud83d\ude42", "summary": "S", "content": "C", "skills": ["R"]}'

    response = await api.send("POST", "/projects", content=content, by=person)

    assert response.json()["title"] == "🙂"


async def test_an_escaped_nul_is_an_error_with_its_pointer(api: Api, person: ApiUser) -> None:
    content = rb'{"title": "a\u0000b", "summary": "S", "content": "C", "skills": ["R"]}'

    found = await api.refused(422, "invalid", "POST", "/projects", content=content, by=person)

    assert found == ["/title"]


@pytest.mark.parametrize("text", ["null", "true", "7", "1e3", "[]", "{}"])
async def test_strings_that_look_like_other_values_stay_strings(
    api: Api, person: ApiUser, text: str
) -> None:
    assert (await api.publish(person, title=text))["title"] == text


# -------------------------------------------------------------------------------- unknown members


async def test_the_tested_routes_include_known_ones(routes: Routes) -> None:
    assert {
        ("POST", "/sessions/refresh"),
        ("PUT", "/me/password"),
        ("DELETE", "/me"),
    } < routes.keys()


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("is_admin", True),
        ("is_active", True),
        ("author_id", UNKNOWN_ID),
        ("owner_id", UNKNOWN_ID),
        ("sender_id", UNKNOWN_ID),
        ("id", UNKNOWN_ID),
        ("view_count", 7),
        ("bookmark_count", 7),
        ("comment_count", 7),
        ("revision", 7),
        ("created_at", "2026-01-01T00:00:00.000000Z"),
        ("password_hash", "x"),
        ("content_html", "<p>"),
        ("nonsense", None),
    ],
)
async def test_unknown_and_privileged_members_are_rejected_by_every_route(
    api: Api, person: ApiUser, routes: Routes, member: str, value: Any
) -> None:
    for (method, path), body in routes.items():
        if member in body:  # the id of what is reported
            assert (member, path) == ("id", "/reports")
            continue
        found = await api.refused(422, "invalid", method, path, {**body, member: value}, by=person)
        assert f"/{member}" in found, f"{method} {path}"


# ------------------------------------------------------------------------------------ media types


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
     "application/xml", "application/jsonp", "application/problem+json", "json", "", "*/*"],
)  # fmt: skip
async def test_another_media_type_is_rejected_by_every_route(
    api: Api, person: ApiUser, routes: Routes, media_type: str
) -> None:
    for method, path in routes:
        response = await api.send(
            method, path, content=b"{}", by=person, headers={"Content-Type": media_type}
        )
        problem(response, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json;",
    ],
)
async def test_spellings_of_the_json_media_type_are_accepted(
    api: Api, person: ApiUser, media_type: str
) -> None:
    response = await api.send(
        "POST",
        "/projects",
        content=msgspec.json.encode(project()),
        by=person,
        headers={"Content-Type": media_type},
    )

    assert response.status_code == 201


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "text/plain;q=0.9"])
async def test_a_client_that_accepts_no_json_gets_406(api: Api, accept: str) -> None:
    response = await api.send("GET", "/catalogue", headers={"Accept": accept})

    problem(response, 406, "not-acceptable")


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/*", "application/json", "application/json; charset=utf-8",
     "text/html, */*;q=0.1", "text/html, application/json;q=0.5", "application/problem+json"],
)  # fmt: skip
async def test_a_client_that_also_accepts_json_gets_it(api: Api, accept: str) -> None:
    response = await api.send("GET", "/catalogue", headers={"Accept": accept})

    assert response.status_code == 200
    answer(response, CATALOGUE)


# ------------------------------------------------------------------------------------------ sizes


async def test_a_body_of_a_mebibyte_is_accepted(api: Api, person: ApiUser) -> None:
    body = msgspec.json.encode(project())

    response = await api.send("POST", "/projects", content=body.ljust(MEBIBYTE), by=person)

    assert response.status_code == 201


async def test_a_larger_body_is_rejected_by_every_route(
    api: Api, person: ApiUser, routes: Routes
) -> None:
    for method, path in routes:
        content = b"{}".ljust(MEBIBYTE + 1)
        await api.refused(413, "too-large", method, path, content=content, by=person)


async def test_a_larger_chunked_body_is_rejected(api: Api, person: ApiUser) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 2**16

    response = await api.http.post(
        f"{PREFIX}/projects",
        content=pieces(),
        headers={**person.headers, "Content-Type": "application/json"},
    )

    problem(response, 413, "too-large")


async def test_a_wrong_content_length_is_no_internal_error(api: Api, person: ApiUser) -> None:
    for length in ("nonsense", "-1", "99999999999"):
        headers = {"Content-Length": length}
        response = await api.send("POST", "/projects", content=b"{}", by=person, headers=headers)
        assert 400 <= response.status_code < 500


async def test_a_url_above_8_kibibytes_is_rejected(api: Api) -> None:
    path = "/projects?q="
    fits = path + "a" * (8 * 1024 - len(PREFIX) - len(path))

    await api.refused(422, "invalid", "GET", fits)
    await api.refused(413, "too-large", "GET", fits + "a")


async def test_a_long_path_is_rejected(api: Api) -> None:
    await api.refused(413, "too-large", "GET", "/users/" + "a" * 8 * 1024)


async def test_the_longest_project_is_accepted_in_any_escaping(api: Api, person: ApiUser) -> None:
    content = "\U0001f642" * 50_000

    response = await api.send("POST", "/projects", project(content=content), by=person)

    assert response.status_code == 201
    assert answer(response, PROJECT)["content"] == content


# ----------------------------------------------------------------------------------- other bodies


async def test_an_unexpected_body_is_ignored(api: Api, person: ApiUser) -> None:
    made = await api.publish(person)

    response = await api.send(
        "PUT", f"/projects/{made['id']}/bookmark", {"bookmarked": False}, by=person
    )

    assert response.json() == {"bookmarked": True, "bookmark_count": 1}


async def test_the_last_of_repeated_members_counts(api: Api, person: ApiUser) -> None:
    content = b'{"title": "one", "title": "two", "summary": "S", "content": "C", "skills": ["R"]}'

    response = await api.send("POST", "/projects", content=content, by=person)

    assert (response.status_code, response.json()["title"]) == (201, "two")

"""`SIDEPRO_WEB=off`: no pages, and the API as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from litestar.routes import HTTPRoute

from tests.api.client import ADDRESS
from tests.api.fixtures import serving
from tests.web.pages import routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.api.client import Api, ApiUser
    from tests.databases import Databases

pytestmark = pytest.mark.anyio

DOCUMENTS = ("/api/openapi.json", "/api/asyncapi.json", "/api/docs")
MAIL_PAGES = {"/email-verification", "/password-reset", "/unsubscribe"}

OF_A_CALL = {"date", "x-request-id", "location", "etag", "content-length"}
"""Headers that differ from call to call; the length goes with ids and times in the body."""


@pytest.fixture(scope="module")
async def bare(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Api]:
    """The application without pages."""
    with databases.fresh() as address:
        async with serving(address, tmp_path_factory.mktemp("bare"), web=False) as bare:
            yield bare


@pytest.mark.parametrize("path", ["/", "/nowhere", "/log-in", "/favicon.ico", "/static/x/a.css"])
async def test_pages_are_missing_and_the_answer_is_a_problem(bare: Api, path: str) -> None:
    response = await bare.http.get(path)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"


async def test_the_routes_of_the_api_are_the_same(api: Api, bare: Api) -> None:
    paths = {route.path for route in api.app.routes if isinstance(route, HTTPRoute)}
    bare_paths = {route.path for route in bare.app.routes if isinstance(route, HTTPRoute)}
    assert set(routes(bare, pages=False)) == set(routes(api, pages=False))
    assert {path for path in bare_paths if path in paths} == bare_paths
    assert {path for _, path in routes(bare)} == MAIL_PAGES


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_the_documents_are_the_same(api: Api, bare: Api, path: str) -> None:
    with_pages, without = [await each.http.get(path) for each in (api, bare)]
    assert with_pages.status_code == 200
    assert without.content == with_pages.content


@pytest.mark.parametrize("is_logged_in", [True, False])
async def test_every_call_has_the_same_status_and_headers(
    api: Api, bare: Api, is_logged_in: bool
) -> None:
    people: list[ApiUser | None] = [
        await each.sign_up() if is_logged_in else None for each in (api, bare)
    ]
    for method, path in routes(api, pages=False):
        if path in ("/api/v1/sessions", "/api/v1/me") and method == "DELETE":
            continue  # ends the session of the calls that follow
        answers = [
            await each.http.request(
                method,
                path,
                headers={"Origin": ADDRESS, **(person.headers if person else {})},
            )
            for each, person in zip((api, bare), people, strict=True)
        ]
        assert described(answers[1]) == described(answers[0]), (method, path)


def described(response: httpx.Response) -> tuple[int, dict[str, str]]:
    headers = {name: text for name, text in response.headers.items() if name not in OF_A_CALL}
    return response.status_code, headers


async def test_a_server_without_pages_sets_no_cookie(databases: Databases, tmp_path: Path) -> None:
    with databases.fresh() as address:
        async with serving(address, tmp_path, web=False) as bare:
            person = await bare.sign_up()
            responses = [await bare.http.get("/api/v1/me", headers=person.headers)]
            responses.append(await bare.http.get("/password-reset"))
    assert [response.headers.get("Set-Cookie") for response in responses] == [None, None]

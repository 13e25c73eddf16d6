"""Compression of JSON responses."""

import gzip
import json
import re
from typing import Any

import httpx
import pytest
from litestar.routes import HTTPRoute

from tests import image_files
from tests.api.client import PASSWORD, Api, ApiUser, Json
from tests.api.schemas import TOKENS

pytestmark = pytest.mark.anyio


async def called(
    api: Api, path: str, accept: str | None = "gzip", by: ApiUser | None = None, **over: Any
) -> tuple[httpx.Response, bytes]:
    """A response, and its body as sent."""
    method, body = over.get("method", "GET"), over.get("body")
    headers = {"Accept-Encoding": accept or "identity", **(by.headers if by else {})}
    url = path if path.startswith("/api") else f"/api/v1{path}"
    async with api.http.stream(method, url, json=body, headers=headers) as response:
        return response, b"".join([chunk async for chunk in response.aiter_raw()])


@pytest.fixture(scope="module")
async def author(api: Api) -> ApiUser:
    author = await api.sign_up()
    for _ in range(5):
        await api.publish(author, content="커피 한 잔. " * 200)
    return author


@pytest.mark.parametrize("accept", ["gzip", "deflate, GZIP;q=0.5", "br , gzip ; q=1"])
@pytest.mark.parametrize("path", ["/catalogue", "/projects", "/me/export", "/api/openapi.json"])
async def test_long_json_is_compressed(api: Api, author: ApiUser, path: str, accept: str) -> None:
    plain, plain_body = await called(api, path, None, author)
    response, body = await called(api, path, accept, author)

    assert response.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in response.headers.get_list("Vary", split_commas=True)
    assert json.loads(gzip.decompress(body)) == json.loads(plain_body)
    assert len(body) < 0.75 * len(plain_body)
    if "Content-Length" in response.headers:
        assert int(response.headers["Content-Length"]) == len(body)
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers.get_list("Vary", split_commas=True)


@pytest.mark.parametrize("accept", [None, "", "br", "gzip;q=0", "gzip; q=0.000, br", "xgzip"])
async def test_a_client_that_takes_no_gzip_gets_none(
    api: Api, author: ApiUser, accept: str | None
) -> None:
    response, body = await called(api, "/projects", accept)

    assert "Content-Encoding" not in response.headers
    assert len(json.loads(body)["items"]) >= 5


async def test_short_json_is_not_compressed(api: Api, author: ApiUser) -> None:
    for path in ("/me", "/unknown"):
        response, body = await called(api, path, by=author)
        assert "Content-Encoding" not in response.headers
        assert len(body) < 1024
        assert json.loads(body)


async def test_images_are_not_compressed_again(api: Api, author: ApiUser) -> None:
    image = await api.image(author, image_files.saved(image_files.picture((300, 200))))
    response = await api.http.get(image["url"], headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in response.headers


async def test_a_compressed_catalogue_is_304_by_its_tag(api: Api) -> None:
    tag = (await called(api, "/catalogue"))[0].headers["ETag"]

    again = await api.send("GET", "/catalogue", headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")


async def test_answers_about_sessions_and_tokens_are_never_compressed(api: Api) -> None:
    person = await api.sign_up("x" * 20)
    account = {"email": person.email, "password": PASSWORD}
    tokens: Json = {}
    for _ in range(15):
        tokens = await api.ok(TOKENS, "POST", "/sessions", account, status=201)

    listed, body = await called(api, "/sessions", by=person)
    assert len(body) > 1024
    assert "Content-Encoding" not in listed.headers

    refresh = {"refresh_token": tokens["refresh_token"]}
    for path, sent in (("/sessions", account), ("/sessions/refresh", refresh)):
        response, _ = await called(api, path, method="POST", body=sent)
        assert response.is_success
        assert "Content-Encoding" not in response.headers


async def test_every_route_of_sessions_and_tickets_is_left_out(api: Api) -> None:
    for route in api.app.routes:
        if isinstance(route, HTTPRoute) and re.match(r"/api/.*(/sessions|-tickets)", route.path):
            for method, (handler, _) in route.route_handler_map.items():
                if method != "OPTIONS":
                    assert handler.opt.get("uncompressed"), (method, route.path)

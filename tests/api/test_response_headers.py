"""Headers that responses set themselves, beside those that the middleware adds."""

import gzip
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from litestar import Litestar, MediaType, Response, get

from sidepro.http.middleware.middleware import Middleware

pytestmark = pytest.mark.anyio

OWN = {
    "Cache-Control": "private, max-age=5",
    "Content-Security-Policy": "default-src 'self'",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
COMPRESSED = gzip.compress(b'"' + b"x" * 5_000 + b'"')


@get("/own", media_type=MediaType.HTML)
async def own() -> Response[str]:
    return Response("<p>", headers=OWN)


@get("/plain", media_type=MediaType.HTML)
async def plain() -> str:
    return "<p>"


@get("/varying")
async def varying() -> Response[list[int]]:
    return Response([1], headers={"Vary": "Cookie"})


@get("/compressed")
async def compressed() -> Response[bytes]:
    return Response(COMPRESSED, headers={"Content-Encoding": "gzip"})


@get("/long")
async def long() -> list[int]:
    return list(range(1_000))


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app: Any = Middleware(Litestar([own, plain, varying, compressed, long]))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def values(response: httpx.Response, names: Mapping[str, str]) -> dict[str, list[str]]:
    return {name: response.headers.get_list(name) for name in names}


async def test_a_response_keeps_its_own_policies(http: httpx.AsyncClient) -> None:
    response = await http.get("/own")

    assert values(response, OWN) == {name: [value] for name, value in OWN.items()}


async def test_without_a_policy_of_its_own_a_response_gets_no_referrer(
    http: httpx.AsyncClient,
) -> None:
    response = await http.get("/plain")

    assert values(response, OWN) == {
        "Cache-Control": [],
        "Content-Security-Policy": [],
        "Referrer-Policy": ["no-referrer"],
    }


async def test_a_response_to_a_caller_with_a_token_is_not_stored(http: httpx.AsyncClient) -> None:
    response = await http.get("/own", headers={"Authorization": "Bearer x"})

    assert response.headers.get_list("Cache-Control") == ["no-store"]


async def test_all_reasons_to_vary_form_one_header(http: httpx.AsyncClient) -> None:
    response = await http.get("/varying")

    assert response.headers.get_list("Vary") == ["Cookie, Accept-Encoding, Origin"]


async def test_a_compressed_response_is_not_compressed_again(http: httpx.AsyncClient) -> None:
    async with http.stream("GET", "/compressed", headers={"Accept-Encoding": "gzip"}) as response:
        body = b"".join([chunk async for chunk in response.aiter_raw()])

    assert response.headers.get_list("Content-Encoding") == ["gzip"]
    assert body == COMPRESSED


async def test_head_tells_the_length_of_the_compressed_response(http: httpx.AsyncClient) -> None:
    headers = {"Accept-Encoding": "gzip"}

    got, head = await http.get("/long", headers=headers), await http.head("/long", headers=headers)

    assert head.content == b""
    for name in ("Content-Encoding", "Content-Length"):
        assert head.headers[name] == got.headers[name]

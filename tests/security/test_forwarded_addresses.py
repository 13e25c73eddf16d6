"""Forwarded addresses count only when a trusted proxy sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients import http_client
from tests.servers import SideProServer

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.anyio


async def left(http: httpx.AsyncClient, forwarded: str) -> str:
    """The remaining quota of the address to which the request is attributed."""
    body = {"email": "nobody@example.com", "password": "wrong"}
    headers = {"X-Forwarded-For": forwarded}
    answer = await http.post("/api/v1/sessions", json=body, headers=headers)
    return answer.headers["RateLimit"].partition(";t=")[0]


@pytest.mark.parametrize(
    ("trusted", "counts"),
    [
        # two trusted hops
        ({"SIDEPRO_TRUSTED_PROXIES": "127.0.0.0/8, 10.1.0.0/16"}, [9, 9, 8, 8]),
        ({"SIDEPRO_TRUSTED_PROXIES": "10.1.0.0/16"}, [9, 8, 7, 6]),
        ({}, [9, 8, 7, 6]),
    ],
)
async def test_a_forwarded_address_counts_when_a_trusted_proxy_sends_it(
    trusted: dict[str, str], counts: list[int]
) -> None:
    with SideProServer({"SIDEPRO_RATE_LIMITS": "on", **trusted}) as server:
        async with http_client(server.url) as http:
            told = [
                await left(http, "192.0.2.1"),
                await left(http, "192.0.2.2"),
                await left(http, "192.0.2.1"),
                # the first is invented by the client, the last added by our proxy
                await left(http, "203.0.113.5, 192.0.2.2, 10.1.0.9"),
            ]
        warnings = server.log().count("forwarded_headers_ignored")
    assert warnings == (0 if "127.0.0.0/8" in trusted.get("SIDEPRO_TRUSTED_PROXIES", "") else 1)
    assert told == [f'"log-in";r={count}' for count in counts]


@pytest.mark.parametrize(
    ("trusted", "header", "value", "warnings"),
    [
        ("", "X-Forwarded-For", "127.0.0.1", 1),
        ("", "X-Forwarded-Proto", "https", 1),
        ("", "Forwarded", "for=192.0.2.1", 1),
        ("127.0.0.0/8", "X-Forwarded-For", "2001:db8::1", 0),
        ("127.0.0.0/8", "X-Forwarded-For", "192.0.2.1:4711", 0),
        ("127.0.0.0/8", "X-Forwarded-Proto", "https", 0),
    ],
)
async def test_a_proxy_is_warned_of_once_unless_it_is_trusted(
    trusted: str, header: str, value: str, warnings: int
) -> None:
    with SideProServer({"SIDEPRO_TRUSTED_PROXIES": trusted}) as server:
        async with http_client(server.url) as http:
            for _ in range(2):
                await http.get("/api/v1/catalogue", headers={header: value})
        assert server.log().count("forwarded_headers_ignored") == warnings


async def test_an_ipv4_proxy_is_trusted_at_a_socket_of_both_families() -> None:
    trusted = {"SIDEPRO_TRUSTED_PROXIES": "127.0.0.0/8", "SIDEPRO_RATE_LIMITS": "on"}
    with SideProServer(trusted, "--host=::") as server:
        async with http_client(server.url) as http:
            told = [await left(http, address) for address in ("192.0.2.1", "192.0.2.2")]
        assert "forwarded_headers_ignored" not in server.log()
    assert told == ['"log-in";r=9', '"log-in";r=9']

"""Calls pages as a browser does, and lists the routes of the pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from litestar.routes import HTTPRoute

from sidepro.web.errors import is_page
from tests.api.client import PASSWORD, UNKNOWN_ID, Api, ApiUser

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
SAFE = {"GET", "HEAD", "OPTIONS"}


async def post(api: Api, path: str, cookie: str = "", **fields: str) -> httpx.Response:
    """Posts a form as a page of the site does."""
    return await call(api, "POST", path, {**SAME_ORIGIN, "Cookie": cookie}, fields)


async def get(api: Api, path: str, cookie: str = "") -> httpx.Response:
    return await call(api, "GET", path, {"Cookie": cookie})


async def call(
    api: Api,
    method: str,
    path: str,
    headers: Mapping[str, str],
    fields: Mapping[str, str] | None = None,
) -> httpx.Response:
    """A call of a client that keeps no cookies."""
    response = await api.http.request(method, path, headers=headers, data=fields)
    api.http.cookies.clear()
    return response


def cookie_of(response: httpx.Response) -> str:
    """The session cookie that a response sets, as a browser sends it."""
    found = re.search(r"\bsidepro=([^;]*)", ", ".join(response.headers.get_list("Set-Cookie")))
    assert found, response.text
    return f"sidepro={found[1]}"


async def log_in(api: Api, person: ApiUser) -> str:
    """The cookie of a new session."""
    return cookie_of(await post(api, "/log-in", email=person.email, password=PASSWORD))


def routes(api: Api, *, pages: bool = True) -> Iterator[tuple[str, str]]:
    """Method and path of each route of the pages, or else of the API, with ids of nothing."""
    for route in api.app.routes:
        if isinstance(route, HTTPRoute) and is_page(route.path) == pages:
            path = re.sub(r"\{[^}:]+(:[a-z]+)?\}", UNKNOWN_ID, route.path)
            yield from ((method, path) for method in sorted(route.methods - {"OPTIONS", "HEAD"}))

"""Shows the pages of the showcase in a browser, and takes pictures of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidepro.web.headers import content_security_policy
from sidepro.web.static_files import BASE, MEDIA_TYPES
from tests.web.showcase import STATIC, ShownPage, render

if TYPE_CHECKING:
    from playwright.async_api import Page, Route

ORIGIN = "http://showcase.invalid"


async def show(window: Page, name: str, page: ShownPage, origin: str = ORIGIN) -> None:
    """Opens a page of the showcase under the policy of the real pages, without a server."""

    async def send_page(route: Route) -> None:
        headers = {"Content-Security-Policy": content_security_policy("/media/")}
        await route.fulfill(content_type="text/html", headers=headers, body=render(name, page))

    async def send_static(route: Route) -> None:
        file = STATIC.get(route.request.url.removeprefix(f"{origin}{BASE}/{STATIC.version}/"))
        await route.fulfill(content_type=MEDIA_TYPES[file.suffix], body=file.content)

    await window.route(f"{origin}/showcase", send_page)
    await window.route(f"{origin}{BASE}/**", send_static)
    await window.goto(f"{origin}/showcase")

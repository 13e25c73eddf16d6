"""What holds for every screen of the list."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.browser.axe import assert_accessible
from tests.browser.measuring import Weight, observe_paints, paints, weigh
from tests.browser.windows import Look, Window, Windows, log_in
from tests.clients import http_client
from tests.servers import SideProServer
from tests.web.cast import Cast
from tests.web.screens import (
    HTML_BUDGET,
    REQUEST_BUDGET,
    SCREENS,
    SCRIPT_BUDGET,
    STYLE_BUDGET,
    Screen,
    rotated_looks,
)

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.anyio

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

MAX_SHIFT = 0.02
"""The cumulative layout shift of a page that loads."""


@pytest.fixture
def server(stage: SideProServer) -> SideProServer:
    """The windows of this module show the demo."""
    return stage


async def opened(windows: Windows, screen: Screen, cast: Cast, look: Look) -> Window:
    viewer = cast.people[screen.viewer] if screen.viewer else None
    window = await windows.open(viewer, look)
    if screen.status >= 400:
        window.expect_status(screen.status)
    return window


@pytest.mark.parametrize(("screen", "look"), rotated_looks(), ids=str)
async def test_axe_finds_nothing(windows: Windows, cast: Cast, screen: Screen, look: Look) -> None:
    window = await opened(windows, screen, cast, look)
    await window.page.goto(screen.address(cast))
    for status in screen.causes:
        window.expect_status(status)
    if screen.prepare:
        await screen.prepare(window.page)
    await assert_accessible(window.page)
    overflow = await window.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"the page scrolls sideways by {overflow} px"


@pytest.mark.parametrize("screen", SCREENS, ids=str)
async def test_a_screen_is_within_its_budgets(
    windows: Windows, cast: Cast, screen: Screen
) -> None:
    window = await opened(windows, screen, cast, Look())
    await observe_paints(window.page)
    weight = await weigh(window.page, screen.address(cast))
    shift = (await paints(window.page)).shift
    assert excess(weight, screen) == {}
    assert shift <= MAX_SHIFT


@pytest.mark.parametrize("screen", SCREENS, ids=str)
async def test_the_headings_of_a_screen_leave_out_no_level(
    stage: SideProServer, cast: Cast, screen: Screen
) -> None:
    page = (await response_of(stage, cast, screen)).text
    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert [two for two in pairwise(levels) if two[1] > two[0] + 1] == []


def excess(weight: Weight, screen: Screen) -> dict[str, object]:
    """What is over its budget."""
    found: dict[str, tuple[int, int]] = {
        "html": (weight.html, HTML_BUDGET),
        "styles": (weight.styles, STYLE_BUDGET),
        "scripts": (weight.scripts, SCRIPT_BUDGET[screen.script]),
        "requests": (len(weight.requests), REQUEST_BUDGET),
    }
    over: dict[str, object] = {
        name: f"{value} of {limit}" for name, (value, limit) in found.items() if value > limit
    }
    return {**over, "requested": weight.requests} if over else {}


@pytest.mark.parametrize("screen", SCREENS, ids=str)
async def test_a_screen_has_the_headers_of_a_page(
    stage: SideProServer, cast: Cast, screen: Screen
) -> None:
    is_personal = screen.viewer is not None or screen.status >= 400 or screen.has_token
    response = await response_of(stage, cast, screen)
    assert response.status_code == screen.status
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Content-Security-Policy"] == POLICY
    referrer = "no-referrer" if screen.has_token else "strict-origin-when-cross-origin"
    assert response.headers["Referrer-Policy"] == referrer
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == (
        "no-store" if is_personal else "private, no-cache"
    )


async def response_of(stage: SideProServer, cast: Cast, screen: Screen) -> httpx.Response:
    cookies = await log_in(stage.url, cast.people[screen.viewer]) if screen.viewer else {}
    async with http_client(stage.url) as http:
        headers = {"Cookie": "; ".join(f"{name}={text}" for name, text in cookies.items())}
        return await http.get(screen.address(cast), headers=headers)

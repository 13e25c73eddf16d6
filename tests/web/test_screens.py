"""What holds for every screen of the list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.browser.axe import findings
from tests.browser.measuring import Weight, observe_paints, paints, weigh
from tests.browser.windows import FAILURES, Look, Windows, log_in
from tests.clients import http_client
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
    from playwright.async_api import Browser

    from tests.servers import SideProServer
    from tests.web.cast import Cast

pytestmark = pytest.mark.anyio

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

MAX_SHIFT = 0.02
"""The cumulative layout shift of a page that loads."""

BELOW_FOOTER = """() => {
    const footer = document.querySelector(".site-footer")
    if (!footer) return null
    const { bottom } = footer.getBoundingClientRect()
    return document.documentElement.scrollHeight - scrollY - Math.ceil(bottom)
}"""


@dataclass(frozen=True)
class Shown:
    """What a screen is in one look: what it loads, its layout shifts, what axe finds on it, the
    pixels by which it is wider than the window and goes on below its footer (`None` without one),
    and the problems in the browser.
    """

    weight: Weight
    shift: float
    findings: list[str]
    overflow: int
    below_footer: int | None
    problems: list[str]


@pytest.fixture(scope="module")
async def shown(
    browser: Browser, stage: SideProServer, cast: Cast, request: pytest.FixtureRequest
) -> Shown:
    """The screen in the look of this case, opened once for all tests of it."""
    screen, look = request.param
    windows = Windows(browser, stage.url, traces=request.config.getoption("traces"))
    is_right = False
    try:
        found = await look_at(windows, screen, cast, look)
        is_right = not (found.findings or found.problems or found.overflow > 0)
        return found
    finally:
        if not is_right:
            await windows.keep(FAILURES / f"{screen}-{look}")
        await windows.close()


async def look_at(windows: Windows, screen: Screen, cast: Cast, look: Look) -> Shown:
    viewer = cast.people[screen.viewer] if screen.viewer else None
    window = await windows.open(viewer, look)
    if screen.status >= 400:
        window.expect_status(screen.status)
    await observe_paints(window.page)
    weight = await weigh(window.page, screen.address(cast))
    shift = (await paints(window.page)).shift
    for status in screen.causes:
        window.expect_status(status)
    if screen.prepare:
        await screen.prepare(window.page)
    return Shown(
        weight=weight,
        shift=shift,
        findings=await findings(window.page),
        overflow=await window.page.evaluate("document.documentElement.scrollWidth - innerWidth"),
        below_footer=await window.page.evaluate(BELOW_FOOTER),
        problems=await windows.problems(),
    )


every_screen = pytest.mark.parametrize(
    ("shown", "screen"),
    [
        pytest.param((screen, look), screen, id=f"{screen}-{look}")
        for screen, look in rotated_looks()
    ],
    indirect=["shown"],
    scope="module",
)


@every_screen
async def test_axe_finds_nothing(shown: Shown, screen: Screen) -> None:
    assert not shown.findings, "\n\n".join(shown.findings)


@every_screen
async def test_no_screen_scrolls_sideways(shown: Shown, screen: Screen) -> None:
    assert shown.overflow <= 0


@every_screen
async def test_a_screen_ends_with_its_footer(shown: Shown, screen: Screen) -> None:
    if screen.name == "offline":
        assert shown.below_footer is None
    else:
        assert shown.below_footer is not None
        assert shown.below_footer <= 0


@every_screen
async def test_a_screen_causes_no_problems_in_the_browser(shown: Shown, screen: Screen) -> None:
    assert shown.problems == []


@every_screen
async def test_a_screen_is_within_its_budgets(shown: Shown, screen: Screen) -> None:
    assert excess(shown.weight, screen) == {}


@every_screen
async def test_a_screen_moves_little_while_it_loads(shown: Shown, screen: Screen) -> None:
    assert shown.shift <= MAX_SHIFT


@pytest.fixture(scope="module")
async def response(
    stage: SideProServer, cast: Cast, request: pytest.FixtureRequest
) -> httpx.Response:
    """The page of a screen, asked for once for all tests of it."""
    return await response_of(stage, cast, request.param)


every_response = pytest.mark.parametrize(
    ("response", "screen"),
    [pytest.param(screen, screen, id=str(screen)) for screen in SCREENS],
    indirect=["response"],
    scope="module",
)


@every_response
async def test_the_headings_of_a_screen_leave_out_no_level(
    response: httpx.Response, screen: Screen
) -> None:
    page = response.text
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


@every_response
async def test_a_screen_has_the_headers_of_a_page(
    response: httpx.Response, screen: Screen
) -> None:
    is_personal = screen.viewer is not None or screen.status >= 400 or screen.has_token
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

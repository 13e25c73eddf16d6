"""At 400 % zoom, a window of 1280 by 1024 pixels is one of 320 by 256. With letters of 200 %, a
telephone of 320 pixels is one of 160.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.screens import SCREENS, Screen

if TYPE_CHECKING:
    from tests.browser.windows import Windows
    from tests.servers import SideProServer
    from tests.web.cast import Cast

pytestmark = pytest.mark.anyio

ZOOMED = {"width": 320, "height": 256}

NAMES = ("board-member", "project-member", "editor-new", "chat", "me-settings", "operator-people")

LARGE_LETTERS = ("board-member", "chat", "profile", "me-settings", "operator-people")

MOST_STOPS = 250

WALKED = """() => {
    const at = document.activeElement
    if (!at || at === document.body) return null
    const box = at.getBoundingClientRect()
    const [left, right] = [Math.max(0, box.left), Math.min(innerWidth, box.right)]
    const [top, bottom] = [Math.max(0, box.top), Math.min(innerHeight, box.bottom)]
    const points = [0.1, 0.5, 0.9].map(part => [(left + right) / 2, top + (bottom - top) * part])
    const shown = points.map(point => document.elementFromPoint(...point))
    const own = [at, ...(at.labels ?? [])]
    const isSeen = shown.some(each => own.some(one => one.contains(each)))
    return [isSeen, at.outerHTML.slice(0, 120)]
}"""
"""Whether a part of the element with the focus is seen, and what it is."""


@pytest.fixture
def server(stage: SideProServer) -> SideProServer:
    """The windows of this module show the demo."""
    return stage


@pytest.mark.parametrize("screen", [screen for screen in SCREENS if screen.name in NAMES], ids=str)
async def test_what_has_the_focus_is_seen_at_400_percent(
    windows: Windows, cast: Cast, screen: Screen
) -> None:
    assert screen.viewer
    window = await windows.open(cast.people[screen.viewer], width=ZOOMED["width"])
    page = window.page
    await page.set_viewport_size(ZOOMED)  # type: ignore[arg-type]  # a TypedDict of Playwright
    await page.goto(screen.address(cast))
    if screen.prepare:
        await screen.prepare(page)

    hidden = []
    for _ in range(MOST_STOPS):
        await page.keyboard.press("Tab")
        found = await page.evaluate(WALKED)
        if found is None:
            break
        is_seen, what = found
        if not is_seen:
            hidden.append(what)
    assert hidden == []


@pytest.mark.parametrize(
    "screen", [screen for screen in SCREENS if screen.name in LARGE_LETTERS], ids=str
)
async def test_large_letters_on_a_telephone_make_nothing_wider(
    windows: Windows, cast: Cast, screen: Screen
) -> None:
    assert screen.viewer
    window = await windows.open(cast.people[screen.viewer], width=160)

    await window.page.goto(screen.address(cast))

    assert await window.page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0

"""The look of the blocks that all screens are made of, on the pages of the showcase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidepro.domain.language import Language
from tests.browser.axe import assert_accessible
from tests.web.showcase import PAGES, STATIC, ShownPage
from tests.web.showcase.shooting import show

if TYPE_CHECKING:
    from tests.browser.windows import Windows

MAX_STYLES = 12_000
"""Bytes of all styles in gzip."""

MOVING = """() => [...document.querySelectorAll("*")].filter(each => {
    const { transitionDuration, animationName } = getComputedStyle(each)
    return animationName !== "none" || parseFloat(transitionDuration) > 0
}).length"""

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("width", "colours", "language"),
    [(320, "dark", Language.KOREAN), (1280, "light", Language.ENGLISH)],
)
async def test_blocks_are_accessible_and_never_wider_than_the_window(
    windows: Windows, width: int, colours: str, language: Language
) -> None:
    window = await windows.open(width=width, worker=False)
    window.expect_status(401)  # the page looks like that of somebody who is logged in
    for name in PAGES:
        await show(window.page, name, ShownPage(language, colours), window.origin)
        await assert_accessible(window.page)
        assert await window.page.evaluate(OVERFLOW) == 0, name


@pytest.mark.anyio
async def test_nothing_moves_for_who_prefers_no_motion(windows: Windows) -> None:
    moving = {}
    for motion in (True, False):
        window = await windows.open(motion=motion, worker=False)
        window.expect_status(401)
        moving[motion] = 0
        for name in PAGES:
            shown = ShownPage(Language.KOREAN, "light")
            await show(window.page, name, shown, window.origin)
            moving[motion] += await window.page.evaluate(MOVING)
    assert moving[True] > 0
    assert moving[False] == 0


@pytest.mark.anyio
async def test_lines_break_between_korean_words(windows: Windows) -> None:
    window = await windows.open(worker=False)
    await window.page.goto("/")
    broken = await window.page.evaluate(
        """() => [...document.querySelectorAll("main *")].filter(
            each => getComputedStyle(each).wordBreak !== "keep-all").map(each => each.outerHTML)"""
    )
    assert broken == []


def test_all_styles_weigh_at_most_12_kb() -> None:
    styles = [STATIC.get(f"css/{name}.css") for name in ("app", "chat", "prose")]
    assert sum(len(style.compressed or style.content) for style in styles) <= MAX_STYLES

"""The first paint of a page, in a browser on a slow network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.windows import Windows

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BYTES_A_SECOND = 4_000
"""A document takes a second. Style and icons are in the browser's cache."""

TIMES = """
() => [
    performance.getEntriesByName("first-contentful-paint")[0].startTime,
    performance.getEntriesByType("navigation")[0].responseEnd,
]
"""


async def test_the_first_paint_has_the_whole_page(windows: Windows) -> None:
    window = await windows.open()
    await window.page.goto("/")
    session = await window.page.context.new_cdp_session(window.page)
    await session.send("Network.enable")
    await session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": BYTES_A_SECOND,
            "uploadThroughput": BYTES_A_SECOND,
        },
    )
    await window.page.goto("/?sort=popular")
    await window.page.wait_for_function(
        "() => performance.getEntriesByName('first-contentful-paint').length > 0"
    )
    painted, received = await window.page.evaluate(TIMES)
    assert painted >= received

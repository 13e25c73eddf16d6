"""Accessibility checks by Deque's axe."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from axe_playwright_python.async_playwright import Axe

if TYPE_CHECKING:
    from playwright.async_api import Page

LEVELS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""WCAG 2.0 to 2.2, A and AA. Axe has no rule for the criteria of level A that 2.2 added."""

OPTIONS = {
    "runOnly": {"type": "tag", "values": LEVELS},
    "rules": {"target-size": {"enabled": True}},  # of WCAG 2.2, and off by default
    "resultTypes": ["violations"],
}


async def findings(page: Page) -> list[str]:
    """What axe finds on the page as it is: a paragraph for each rule, with the elements."""
    # Making the selectors of all elements takes a quarter of the time.
    results = await Axe().run(page, options={**OPTIONS, "selectors": False})
    if results.response["violations"]:
        results = await Axe().run(page, options=OPTIONS)
    return [_described(violation) for violation in results.response["violations"]]


async def assert_accessible(page: Page) -> None:
    """Fails with axe's findings on the page as it is."""
    found = await findings(page)
    assert not found, f"axe on {page.url}:\n\n" + "\n\n".join(found)


def _described(violation: dict[str, Any]) -> str:
    lines = [f"{violation['id']} ({violation['impact']}): {violation['help']}"]
    for node in violation["nodes"]:
        target = " ".join(map(str, node["target"]))
        lines += [f"  {target}", f"    {textwrap.shorten(node['html'], 150)}"]
        lines += [f"    {line}" for line in node["failureSummary"].splitlines()[1:]]
    return "\n".join(lines)

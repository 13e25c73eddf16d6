"""Measures all screens and prints a table: bytes, requests, processor time, painting.

python -m tests.web.budget [--only TEXT] [--requests N]
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.browser.chromium import chromium
from tests.browser.measuring import observe_paints, paints, slow_down, weigh
from tests.browser.windows import Windows, log_in
from tests.web.cast import cast_of, demo_server
from tests.web.page_cost import cost_meter
from tests.web.screens import SCREENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.browser.measuring import Paints, Weight
    from tests.servers import SideProServer
    from tests.web.cast import Cast
    from tests.web.page_cost import CostMeter, PageCost
    from tests.web.screens import Screen

COLUMNS = (
    "screen",
    "HTML",
    "CSS",
    "JavaScript",
    "requests",
    "page, ms",
    "rendering",
    "of it template",
    "LCP, ms",
    "CLS",
    "interaction, ms",
)
LOADS = 3
"""How often each screen is loaded on the slow telephone."""

LIMITS = (
    *("allowed", "15,000", "12,000", "15,000 or 25,000", "8"),
    *("", "0.5", "", "1,200", "0.02", "100"),
)


async def main(options: argparse.Namespace) -> None:
    for line in (COLUMNS, ("---",) * len(COLUMNS), LIMITS):
        show(line)
    with demo_server() as server:
        cast = await cast_of(server)
        async with chromium() as browser, cost_meter(server) as meter:
            windows = Windows(browser, server.url)
            for screen in SCREENS:
                if options.only in screen.name:
                    weight = await weighed(windows, screen, cast)
                    cost = await costs(meter, server, screen, cast, options.requests)
                    painted = best([await timed(windows, screen, cast) for _ in range(LOADS)])
                    show(row(screen, weight, cost, painted))


def show(cells: Sequence[str]) -> None:
    """Prints a line of the table."""
    print(f"| {' | '.join(cells)} |", flush=True)


async def weighed(windows: Windows, screen: Screen, cast: Cast) -> Weight:
    window = await windows.open(cast.people[screen.viewer] if screen.viewer else None)
    weight = await weigh(window.page, screen.address(cast))
    await windows.close()
    return weight


async def costs(
    meter: CostMeter, server: SideProServer, screen: Screen, cast: Cast, requests: int
) -> PageCost:
    viewer = cast.people[screen.viewer] if screen.viewer else None
    cookies = await log_in(server.url, viewer) if viewer else {}
    return await meter.cost(screen.address(cast), cookies, requests)


async def timed(windows: Windows, screen: Screen, cast: Cast) -> Paints:
    """The paints on a slow telephone, with a cold cache and then some interaction."""
    window = await windows.open(cast.people[screen.viewer] if screen.viewer else None, width=390)
    page = window.page
    await observe_paints(page)
    await slow_down(page)
    await page.goto(screen.address(cast), wait_until="networkidle")
    loaded = await paints(page)
    if screen.prepare:
        await screen.prepare(page)
    if screen.interact:
        await screen.interact(page)
    else:
        await page.keyboard.press("Tab")
        await page.locator("h1").first.click()
    slowest = (await paints(page)).slowest
    await windows.close()
    return replace(loaded, slowest=slowest)


def best(loads: list[Paints]) -> Paints:
    """The quickest times, since other programs only make them slower, and the largest shift."""
    quickest = min(loads, key=lambda load: load.largest)
    return replace(
        quickest,
        shift=max(load.shift for load in loads),
        slowest=min(load.slowest for load in loads),
    )


def row(screen: Screen, weight: Weight, cost: PageCost, painted: Paints) -> tuple[str, ...]:
    return (
        screen.name,
        f"{weight.html:,}",
        f"{weight.styles:,}",
        f"{weight.scripts:,}",
        str(len(weight.requests)),
        f"{cost.page:.2f}",
        f"{cost.rendering:.2f}",
        f"{cost.template:.2f}",
        f"{painted.largest:,.0f} ({painted.what})",
        f"{painted.shift:.3f}",
        f"{painted.slowest:.0f}",
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="screens whose names contain this text")
    parser.add_argument("--requests", type=int, default=50, help="requests of a round of costs")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(parse()))

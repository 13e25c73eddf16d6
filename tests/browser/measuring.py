"""What a page weighs on the wire, and when it is painted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.async_api import Page, Request

IMAGES = "/media/"
"""The path of people's images, which no budget counts."""


@dataclass
class Weight:
    """Bytes of responses as compressed on the wire, by the browser's type of resource, and the
    addresses that were requested.
    """

    bytes_of: Counter[str] = field(default_factory=Counter)
    requests: list[str] = field(default_factory=list)

    @property
    def html(self) -> int:
        return self.bytes_of["document"]

    @property
    def styles(self) -> int:
        return self.bytes_of["stylesheet"]

    @property
    def scripts(self) -> int:
        return self.bytes_of["script"]


async def weigh(page: Page, path: str) -> Weight:
    """Opens the path with a cold cache, and weighs all that it loads but people's images."""
    finished: list[Request] = []

    def keep(request: Request) -> None:
        finished.append(request)

    page.on("requestfinished", keep)
    await page.goto(path, wait_until="networkidle")
    page.remove_listener("requestfinished", keep)
    weight = Weight()
    for request in finished:
        address = urlsplit(request.url)
        if address.scheme == "data" or address.path.startswith(IMAGES):
            continue
        weight.requests.append(address.path)
        weight.bytes_of[request.resource_type] += (await request.sizes())["responseBodySize"]
    return weight


OBSERVE = """
window.paints = {largest: 0, what: "", shift: 0, slowest: 0}
new PerformanceObserver(list => {
    const last = list.getEntries().at(-1)
    paints.largest = last.startTime
    paints.what = last.element?.tagName.toLowerCase() ?? ""
}).observe({type: "largest-contentful-paint", buffered: true})
new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) paints.shift += entry.value
}).observe({type: "layout-shift", buffered: true})
new PerformanceObserver(list => {
    for (const entry of list.getEntries())
        if (entry.interactionId) paints.slowest = Math.max(paints.slowest, entry.duration)
}).observe({type: "event", buffered: true, durationThreshold: 16})
"""


@dataclass(frozen=True)
class Paints:
    """`largest` is the LCP and `slowest` the longest interaction, in milliseconds; `what` is the
    element of the LCP, `shift` the sum of the layout shifts, no less than the CLS.
    """

    largest: float
    what: str
    shift: float
    slowest: float


async def observe_paints(page: Page) -> None:
    """Observes the pages that this tab opens from now on."""
    await page.add_init_script(OBSERVE)


async def paints(page: Page) -> Paints:
    """What was observed on the page so far. An interaction under 16 ms counts as 0."""
    await page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
    return Paints(**await page.evaluate("paints"))


async def slow_down(page: Page) -> None:
    """A telephone on a slow network: 1.6 Mbit/s, 150 ms, a quarter of the processor."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 150,
            "downloadThroughput": 1_600_000 / 8,
            "uploadThroughput": 750_000 / 8,
        },
    )
    await session.send("Emulation.setCPUThrottlingRate", {"rate": 4})

"""The processor time of a page, and what rendering adds to it.

The application runs in this process, without a network and without an HTTP client, on the data of
a server. Milliseconds of all threads, so the database on SQLite is included.

Rendering is the difference between the page and the same request with an empty text in place of
the template's: the same session, limits, handler and reads, but no HTML to make, encode and
compress. Subtracting another response, or the times of the services, counts parts of the reads as
rendering: the threads of a read go on for a moment after its result has reached the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from sidepro import bootstrap
from sidepro import settings as configuration
from sidepro.adapters import logs
from sidepro.http.middleware.middleware import Middleware
from sidepro.server.uvicorn_config import tune_gc
from sidepro.web.display.renderer import Renderer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.servers import SideProServer

WARM_UP = 20
ROUNDS = 7


@dataclass(frozen=True)
class PageCost:
    """Milliseconds of processor time. `page` includes `rendering`, which includes `template`."""

    page: float
    rendering: float
    template: float


class CostMeter:
    """Measures pages of the application."""

    def __init__(self, app: Any, host: str) -> None:
        self._app = app
        self._host = host
        self._template_seconds = 0.0

    async def cost(self, path: str, cookies: Mapping[str, str], requests: int) -> PageCost:
        """The mean cost of a page over so many requests, one after the other. The cheapest of
        several rounds counts: other programs only make it dearer.
        """
        render = Renderer.render

        def timed(renderer: Renderer, name: str, context: Mapping[str, Any]) -> str:
            start = time.thread_time()
            text = render(renderer, name, context)
            self._template_seconds += time.thread_time() - start
            return text

        def nothing(renderer: Renderer, name: str, context: Mapping[str, Any]) -> str:
            return ""

        pages, empty, templates = [], [], []
        await self._spent(path, cookies, WARM_UP)
        for _ in range(ROUNDS):
            self._template_seconds = 0.0
            with patch.object(Renderer, "render", timed):
                pages.append(await self._spent(path, cookies, requests))
            templates.append(self._template_seconds)
            with patch.object(Renderer, "render", nothing):
                empty.append(await self._spent(path, cookies, requests))
        page, without, template = (
            1000 * min(each) / requests for each in (pages, empty, templates)
        )
        return PageCost(page, page - without, template)

    async def _spent(self, path: str, cookies: Mapping[str, str], requests: int) -> float:
        """Seconds of processor time for so many requests."""
        start = time.process_time()
        for _ in range(requests):
            await self._get(path, cookies)
        return time.process_time() - start

    async def _get(self, address: str, cookies: Mapping[str, str]) -> None:
        path, _, query = address.partition("?")
        cookie = "; ".join(f"{name}={text}" for name, text in cookies.items())
        headers = {
            "host": self._host,
            "accept": "text/html",
            "accept-encoding": "gzip, deflate, br",
            "accept-language": "ko-KR",
            "user-agent": "Mozilla/5.0",
            **({"cookie": cookie} if cookie else {}),
        }
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 80),
            "extensions": {},
        }
        request: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        request.put_nowait({"type": "http.request", "body": b"", "more_body": False})

        async def send(_message: object) -> None:
            """The response is not looked at."""

        await self._app(scope, request.get, send)


@asynccontextmanager
async def cost_meter(server: SideProServer) -> AsyncIterator[CostMeter]:
    """A meter on the data of this server, which may run or not."""
    logs.set_up("json", logging.WARNING)
    os.environ.update(
        {name: text for name, text in server.environment.items() if name.startswith("SIDEPRO_")}
    )
    container = bootstrap.build(configuration.load(), server.url)
    app = Middleware(
        bootstrap.application(container, with_jobs=False), address=container.service_address
    )
    tune_gc()
    try:
        yield CostMeter(app, server.url.removeprefix("http://"))
    finally:
        await container.close()

"""The processor time of a page, of the reads behind it, and of its template.

The application runs in this process, without a network and without an HTTP client, on the data of
a server. Milliseconds of all threads, so the reads include the database on SQLite.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sidepro import bootstrap
from sidepro import settings as configuration
from sidepro.adapters import logs
from sidepro.http.middleware.middleware import Middleware
from sidepro.server.uvicorn_config import tune_gc
from sidepro.web.display.renderer import Renderer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from tests.servers import SideProServer

WARM_UP = 20
ROUNDS = 5
BARE = "/health/live"


@dataclass(frozen=True)
class PageCost:
    """Milliseconds of processor time. `page` includes all others; `bare` is the cost of a response
    without reads and without a template.
    """

    page: float
    bare: float
    reads: float
    template: float

    @property
    def rendering(self) -> float:
        """What the page adds to its reads, compression included."""
        return self.page - self.bare - self.reads


class Stopwatch:
    """Adds up the processor time of functions. Calls within calls count once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._depth = 0
        self.seconds = 0.0

    def wrap(self, owner: type, name: str) -> None:
        """Replaces the method of a class."""
        method = inspect.getattr_static(owner, name)

        @functools.wraps(method)
        async def timed_async(*arguments: Any, **named: Any) -> Any:
            with self._running():
                return await method(*arguments, **named)

        @functools.wraps(method)
        def timed(*arguments: Any, **named: Any) -> Any:
            with self._running():
                return method(*arguments, **named)

        setattr(owner, name, timed_async if inspect.iscoroutinefunction(method) else timed)

    def _running(self) -> Stopwatch:
        return self

    def __enter__(self) -> None:
        if self._depth == 0:
            self.seconds -= self._clock()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.seconds += self._clock()


class CostMeter:
    """Measures pages of the application."""

    def __init__(self, app: Any, host: str, reads: Stopwatch, template: Stopwatch) -> None:
        self._app = app
        self._host = host
        self._reads = reads
        self._template = template

    async def cost(self, path: str, cookies: Mapping[str, str], requests: int) -> PageCost:
        """The mean cost of a page over so many requests, one after the other, in the cheapest of
        several rounds: other programs only make it dearer.
        """
        for warm_up in (BARE, path):
            await self._spent(warm_up, cookies, WARM_UP)
        rounds = [await self._round(path, cookies, requests) for _ in range(ROUNDS)]
        return min(rounds, key=lambda cost: cost.page)

    async def _round(self, path: str, cookies: Mapping[str, str], requests: int) -> PageCost:
        bare = await self._spent(BARE, {}, requests)
        page = await self._spent(path, cookies, requests)
        seconds = page, bare, self._reads.seconds, self._template.seconds
        return PageCost(*(1000 * each / requests for each in seconds))

    async def _spent(self, path: str, cookies: Mapping[str, str], requests: int) -> float:
        self._reads.seconds = self._template.seconds = 0.0
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
    reads, template = Stopwatch(time.process_time), Stopwatch(time.thread_time)
    services = container.api.services
    owners = {type(getattr(services, field.name)) for field in fields(services)}
    for owner in owners:
        for name, member in inspect.getmembers_static(owner, inspect.iscoroutinefunction):
            if not name.startswith("_") and member:
                reads.wrap(owner, name)
    template.wrap(Renderer, "render")
    app = Middleware(
        bootstrap.application(container, with_jobs=False), address=container.service_address
    )
    tune_gc()
    try:
        yield CostMeter(app, server.url.removeprefix("http://"), reads, template)
    finally:
        await container.close()

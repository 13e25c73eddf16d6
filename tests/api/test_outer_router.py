"""Routers of modules are parts of several applications of a process."""

from typing import Any

import httpx
import pytest
from litestar import Litestar, Router, get
from litestar.di import NamedDependency, Provide
from litestar.routes import HTTPRoute

from sidepro.http.app import Application
from sidepro.http.outer_router import OuterRouter

pytestmark = pytest.mark.anyio


@get(["/one", "/other"])
async def answer(name: NamedDependency[str]) -> str:
    return name


INNER = Router("/inner", route_handlers=[answer])
TOPIC = Router("/topic", route_handlers=[INNER])


def application(name: str) -> Litestar:
    provided = {"name": Provide(lambda: name, sync_to_thread=False)}
    outer = OuterRouter("/outer", route_handlers=[TOPIC], dependencies=provided)
    return Application([outer], openapi_config=None, logging_config=None)


async def test_each_application_has_its_own_copies_with_its_own_dependencies() -> None:
    first, second = application("first"), application("second")
    for app, name in ((first, "first"), (second, "second")):
        asgi: Any = app  # httpx types ASGI its own way
        transport = httpx.ASGITransport(app=asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://sidepro.test") as http:
            for path in ("one", "other"):
                response = await http.get(f"/outer/topic/inner/{path}")
                assert (response.status_code, response.text) == (200, name)
    assert (answer.owner, INNER.owner, TOPIC.owner) == (INNER, None, None)


def test_the_copies_share_what_they_refer_to() -> None:
    """Litestar's own copies do not. If it no longer calls our methods, nothing else shows it."""
    apps = application("first"), application("second")  # both live, so ids differ
    copies = [
        handler
        for app in apps
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.fn is answer.fn
    ]
    assert len({id(handler) for handler in copies}) == len(apps)
    assert len({id(handler.parsed_fn_signature) for handler in copies}) == 1

"""The Litestar application: routes and limits on the body's size."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.openapi import OpenAPIConfig
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import ControllerRouterHandler, RouteHandlerType, Scope

MAX_BODY = 2**20
"""Bytes; a route may set another limit."""

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]
ExceptionHandler = Callable[[Request[Any, Any, Any], Exception], Response[Any]]
AfterException = Callable[[Exception, Scope], Awaitable[None]]


class Application(Litestar):
    """Litestar without its plugins for models of Pydantic and attrs.

    It loads them because Pydantic is installed, for taskiq: 3 MB with Pydantic's old version.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]

    def _validate_registration_value(
        self, value: ControllerRouterHandler
    ) -> "RouteHandlerType | Router":
        """Takes a new router as it is. The deep copy would be a fifth of the time of a start."""
        if isinstance(value, Router) and value.owner is None:
            value.owner = self
            return value
        return super()._validate_registration_value(value)


def create_app(
    route_handlers: Sequence[ControllerRouterHandler],
    *,
    exception_handler: ExceptionHandler,
    after_exception: AfterException,
    openapi_config: OpenAPIConfig | None,
    lifespan: Sequence[Lifespan],
) -> Litestar:
    """The application. Serve it inside `sidepro.http.middleware.middleware.Middleware`."""
    return Application(
        route_handlers=route_handlers,
        exception_handlers={Exception: exception_handler},
        after_exception=[after_exception],
        request_max_body_size=MAX_BODY,
        openapi_config=openapi_config,
        lifespan=list(lifespan),
        logging_config=None,
        debug=False,
    )

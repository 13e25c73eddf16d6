"""A router of routers, which are parts of every application of a process."""

from copy import copy
from typing import Any

from litestar import Router
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler, RouteHandlerType


class OuterRouter(Router):
    """Has copies of its routers with their routes and handlers, and shares what those refer to.

    Litestar copies that too, down to the types of parameters: a fifth of the time of a start.
    """

    # Private, as Litestar has no hook for it: tests/api/test_outer_router.py notices a change.
    def _validate_registration_value(
        self, value: ControllerRouterHandler
    ) -> "RouteHandlerType | Router":
        if isinstance(value, Router):
            return self._copy(value)
        return super()._validate_registration_value(value)

    def _copy(self, router: Router) -> Router:
        copies: dict[int, Any] = {id(None): self}

        def copied(layer: Any) -> Any:
            """The one copy of a router or a handler, below copies of the routers it is in."""
            if id(layer) not in copies:
                if not isinstance(layer, Router):
                    _ = layer.parsed_fn_signature  # kept, also for copies in other applications
                made = copy(layer)
                made.owner = copied(layer.owner)
                copies[id(layer)] = made
            return copies[id(layer)]

        own: Router = copied(router)
        own.routes = []
        for route in router.routes:
            made = copy(route)
            if isinstance(made, HTTPRoute):
                made.route_handlers = [copied(handler) for handler in made.route_handlers]
            else:
                made.route_handler = copied(made.route_handler)
            own.routes.append(made)
        return own

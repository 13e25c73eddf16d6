"""Routes for people with a verified email address alone."""

from typing import cast

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from sidepro.domain.identity import Caller, WriterGate

VERIFIED_ONLY = "verified_only"
"""The key of a route's `opt`."""


class VerifiedEmailMiddleware(ASGIMiddleware):
    """Refuses callers without a verified address where a route is for others alone.

    Raises:
        EmailNotVerified: see `WriterGate`.
    """

    scopes: tuple[ScopeType, ...] = (ScopeType.HTTP,)

    def __init__(self, authorize_writer: WriterGate) -> None:
        self._authorize_writer = authorize_writer

    def __deepcopy__(self, _memo: object) -> "VerifiedEmailMiddleware":
        # Litestar deep-copies routers together with their middleware. The gate must be shared.
        return self

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        caller = cast("Caller | None", scope["user"])
        if caller is not None and scope["route_handler"].opt.get(VERIFIED_ONLY):
            await self._authorize_writer(caller)
        await next_app(scope, receive, send)

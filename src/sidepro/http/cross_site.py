"""Requests that other sites make in a person's name (CSRF) are refused.

Browsers send `Sec-Fetch-Site` to https and loopback addresses, and `Origin` with every POST. So no
form needs a token, and none expires.
"""

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from sidepro.domain.errors import Forbidden

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class CrossSiteProtection(ASGIMiddleware):
    """Lets unsafe requests of our own pages through.

    Raises:
        Forbidden: another site sent the request, or it is not known which one.
    """

    scopes: tuple[ScopeType, ...] = (ScopeType.HTTP,)

    def __init__(self, *own_origins: str) -> None:
        self._own_origins = [[origin.encode()] for origin in own_origins]

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if scope["type"] == ScopeType.HTTP and scope["method"] not in SAFE_METHODS:
            self._check(scope)
        await next_app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        sites = [value for name, value in scope["headers"] if name == b"sec-fetch-site"]
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        is_own = sites == [b"same-origin"] if sites else origins in self._own_origins
        if not is_own:
            raise Forbidden

"""uvicorn's trust in forwarded headers, with a warning of a proxy that is not trusted."""

import structlog
from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from sidepro.http.client_address import client_address

log = structlog.get_logger(__name__)

FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"forwarded"})
"""Headers by which a proxy is known."""

MAPPED = "::ffff:"
"""Start of the address of an IPv4 peer at a socket of both families, as of `--host ::`."""


class ProxyHeaders(ProxyHeadersMiddleware):
    """Replaces the address and scheme of requests that a trusted proxy forwards."""

    def __init__(self, app: ASGI3Application, trusted: list[str]) -> None:
        """`trusted` are addresses and networks."""
        super().__init__(app, trusted)
        self._has_warned = False
        self._proxy = ""
        """The last address that forwarded headers and is trusted. To parse one takes a while."""

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] != "lifespan":
            client = scope["client"]
            if client and client[0].startswith(MAPPED):
                client = scope["client"] = client[0].removeprefix(MAPPED), client[1]
            if FORWARDED.isdisjoint([name for name, _ in scope["headers"]]):
                await self.app(scope, receive, send)  # uvicorn would parse the address in vain
                return
            if client and not self._has_warned and client[0] != self._proxy:
                self._check(client)
        await super().__call__(scope, receive, send)

    def _check(self, client: tuple[str, int]) -> None:
        """Warn once of a proxy that is not trusted: all people behind it count as one."""
        if client[0] in self.trusted_hosts:
            self._proxy = client[0]
            return
        self._has_warned = True
        log.warning("forwarded_headers_ignored", address=client_address(client))

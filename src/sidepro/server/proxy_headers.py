"""uvicorn's trust in forwarded headers, with a warning of a proxy that is not trusted."""

from collections.abc import Iterable

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

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] != "lifespan":
            client = scope["client"]
            if client and client[0].startswith(MAPPED):
                scope["client"] = client[0].removeprefix(MAPPED), client[1]
            if not self._has_warned:
                self._check(scope["client"], scope["headers"])
        await super().__call__(scope, receive, send)

    def _check(
        self, client: tuple[str, int] | None, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        """Warn once of a proxy that is not trusted: all people behind it count as one."""
        is_forwarded = any(name in FORWARDED for name, _ in headers)
        if is_forwarded and client and client[0] not in self.trusted_hosts:
            self._has_warned = True
            log.warning("forwarded_headers_ignored", address=client_address(client))

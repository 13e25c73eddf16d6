"""Who calls: the bearer token, decoded once for each request."""

from typing import cast
from uuid import UUID

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from sidepro.domain.accounts.ports import AccessTokens, SessionRegistry
from sidepro.domain.errors import NotAuthenticated, NotFound
from sidepro.domain.identity import Caller

PUBLIC = {"public": True}
"""The `opt` of a route that needs no token. A token that is sent must be valid all the same."""


class Authentication(ASGIMiddleware):
    """Puts the caller into the scope, or `None`.

    Raises:
        NotAuthenticated: a token was sent and is not valid or its session has ended, or none was
            sent and the route needs one.
    """

    scopes: tuple[ScopeType, ...] = (ScopeType.HTTP,)

    def __init__(self, tokens: AccessTokens, gate: SessionRegistry) -> None:
        self._tokens = tokens
        self._gate = gate

    def __deepcopy__(self, _memo: object) -> "Authentication":
        # Litestar copies routers with all that hangs on them; what knows the sessions is one.
        return self

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        caller = bearer(Headers.from_scope(scope).get("authorization"), self._tokens)
        preflight = cast("HTTPScope", scope)["method"] == "OPTIONS"
        is_open = preflight or scope["route_handler"].opt.get("public")
        if caller is None and not is_open:
            raise NotAuthenticated
        if caller is not None and not await self._gate.is_active(caller.session_id):
            raise NotAuthenticated
        path = scope["path"].lower()
        for value in cast("dict[str, object]", scope["path_params"]).values():
            # Python takes more spellings of a UUID (urn:uuid:…, {…}, no hyphens) than we do.
            if isinstance(value, UUID) and str(value) not in path.split("/"):
                raise NotFound
        scope["user"] = caller
        scope["auth"] = None
        await next_app(scope, receive, send)


def bearer(header: str | None, tokens: AccessTokens) -> Caller | None:
    """The caller behind an Authorization header; `None` when there is no header.

    Raises:
        NotAuthenticated: the header is not a valid bearer token.
    """
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticated
    return tokens.read(token.strip())

"""Authentication by bearer token, decoded once per request."""

from litestar.enums import ScopeType
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp, Scope

from sidepro.api.dependencies import ApiConnection
from sidepro.domain.accounts.ports import AccessTokens, SessionRegistry
from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.identity import Caller
from sidepro.domain.rate_limiting import RateLimiter
from sidepro.http.path_ids import reject_other_spellings
from sidepro.http.rate_limits import count_refused_caller

PUBLIC = {"public": True}
"""The `opt` of a route for which a token is optional. An invalid token is still an error."""

TOKENLESS = {**PUBLIC, "tokenless": True}
"""The `opt` of a route that ignores tokens: it creates or renews a session, and callers may still
send an old token.
"""


class Authentication(AbstractAuthenticationMiddleware):
    """Sets the connection's user to the `Caller`, or to `None` without a token.

    Raises:
        NotAuthenticated: the token is invalid, its session has ended, or the route requires one.
        RateLimited: too many such requests came from the address.
        NotFound: an id in the path is not in canonical form.
    """

    def __init__(
        self,
        app: ASGIApp,
        tokens: AccessTokens,
        session_registry: SessionRegistry,
        limiter: RateLimiter | None,
    ) -> None:
        """If `limiter` is `None`, refused callers are not limited."""
        super().__init__(app, scopes={ScopeType.HTTP})
        self._tokens = tokens
        self._session_registry = session_registry
        self._limiter = limiter

    async def authenticate_request(self, connection: ApiConnection) -> AuthenticationResult:
        try:
            caller = await self._caller(connection)
        except NotAuthenticated:
            if self._limiter:
                await count_refused_caller(connection.scope, self._limiter)
            raise
        reject_other_spellings(connection)
        return AuthenticationResult(user=caller, auth=None)

    async def _caller(self, connection: ApiConnection) -> Caller | None:
        opt = connection.route_handler.opt
        header = None if opt.get("tokenless") else _authorization(connection.scope)
        caller = bearer_caller(header, self._tokens)
        if caller is None:
            if not opt.get("public"):
                raise NotAuthenticated
        elif not await self._session_registry.is_active(caller.session_id):
            raise NotAuthenticated
        return caller


def _authorization(scope: Scope) -> str | None:
    """The first Authorization header. Litestar's `Headers` would decode all headers."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            return value.decode("latin-1")
    return None


def bearer_caller(header: str | None, tokens: AccessTokens) -> Caller | None:
    """The caller of an Authorization header; `None` without a header.

    Raises:
        NotAuthenticated: the header is not a valid bearer token.
    """
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticated
    return tokens.read(token.strip())

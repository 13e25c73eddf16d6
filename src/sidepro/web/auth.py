"""Authentication by the session cookie. Bearer tokens mean nothing to the pages."""

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp

from sidepro.domain.accounts.session_service import SessionService
from sidepro.domain.accounts.views import SessionViewer
from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.identity import Caller
from sidepro.domain.rate_limiting import RateLimiter
from sidepro.http.path_ids import reject_other_spellings
from sidepro.http.rate_limits import count_refused_caller
from sidepro.web.forms import is_form_of_another

WebConnection = ASGIConnection[HTTPRouteHandler, Caller | None, SessionViewer | None, State]

WebRequest = Request[Caller | None, SessionViewer | None, State]

PUBLIC = {"public": True}
"""The `opt` of a page that anonymous people may see. All other pages ask to log in first."""


class CookieAuthentication(AbstractAuthenticationMiddleware):
    """Sets the connection's user to the `Caller` and its auth to the `SessionViewer`, or both to
    `None` without an active session. A form of somebody who was logged in before has none.

    Raises:
        NotAuthenticated: the route requires a session.
        RateLimited: too many such requests came from the address.
        NotFound: an id in the path is not in canonical form.
    """

    def __init__(
        self,
        app: ASGIApp,
        sessions: SessionService,
        cookie_name: str,
        limiter: RateLimiter | None,
    ) -> None:
        """If `limiter` is `None`, refused callers are not limited."""
        super().__init__(app, scopes={ScopeType.HTTP})
        self._limiter = limiter
        self._sessions = sessions
        self._cookie_name = cookie_name

    async def authenticate_request(self, connection: WebConnection) -> AuthenticationResult:
        cookie = connection.cookies.get(self._cookie_name)
        viewer = await self._sessions.viewer(cookie) if cookie else None
        if viewer is not None and is_form_of_another(connection.scope, viewer.user.id):
            viewer = None
        if viewer is None and not connection.route_handler.opt.get("public"):
            if self._limiter:
                await count_refused_caller(connection.scope, self._limiter)
            raise NotAuthenticated
        reject_other_spellings(connection)
        caller = None if viewer is None else viewer.caller
        return AuthenticationResult(user=caller, auth=viewer)

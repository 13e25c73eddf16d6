"""Log-in and sessions."""

from functools import partial
from typing import Literal
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.params import JSONBody

from sidepro.api.auth import TOKENLESS
from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.api.pagination import LIMIT, LINK, CursorText, Limit, ListOf, Total, page_response
from sidepro.api.schemas import (
    Moment,
    Positive,
)
from sidepro.domain.accounts import session as domain
from sidepro.domain.accounts.session_service import Tokens
from sidepro.domain.errors import (
    AccountDeactivated,
    AccountSuspended,
    SessionEnded,
    WrongCredentials,
)
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId
from sidepro.http.client_address import client_address
from sidepro.http.cursors import page_request, scope_of
from sidepro.http.middleware.compression import SECRET
from sidepro.http.path_ids import PathId
from sidepro.http.rate_limits import LOG_IN
from sidepro.http.services import InjectedServices
from sidepro.http.timestamps import moment


class LogIn(msgspec.Struct, forbid_unknown_fields=True):
    """Email and password."""

    email: str
    password: str


class SessionTokens(msgspec.Struct):
    """Tokens of a session. Lifetimes are in seconds."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Positive
    refresh_token: str
    refresh_expires_in: Positive
    session_id: UUID


class Refresh(msgspec.Struct, forbid_unknown_fields=True):
    """The refresh token of the latest log-in or refresh."""

    refresh_token: str


class Session(msgspec.Struct):
    """A session. `current` is true for the session of this access token."""

    id: UUID
    created_at: Moment
    last_used_at: Moment
    user_agent: str | None
    current: bool


@post(
    "/sessions",
    opt={
        **TOKENLESS,
        **LOG_IN,
        "problems": (WrongCredentials, AccountDeactivated, AccountSuspended),
    },
    summary="Log in",
)
async def log_in(
    request: ApiRequest, data: JSONBody[LogIn], services: InjectedServices
) -> Response[SessionTokens]:
    """Creates a session."""
    tokens = await services.sessions.log_in(
        data.email,
        data.password,
        address=client_address(request.client),
        user_agent=request.headers.get("user-agent"),
    )
    return _tokens(tokens, 201)


def _session(session: domain.Session, caller: Caller) -> Session:
    return Session(
        id=session.id,
        created_at=moment(session.created_at),
        last_used_at=moment(session.last_used_at),
        user_agent=session.user_agent,
        current=session.id == caller.session_id,
    )


def _tokens(tokens: Tokens, status: int) -> Response[SessionTokens]:
    body = SessionTokens(
        access_token=tokens.access_token,
        token_type="Bearer",  # noqa: S106 - the name of a scheme (RFC 6750)
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token,
        refresh_expires_in=tokens.refresh_expires_in,
        session_id=tokens.session_id,
    )
    return Response(body, status_code=status, headers={"Cache-Control": "no-store"})


@post(
    "/sessions/refresh",
    status_code=200,
    opt={**TOKENLESS, "problems": (SessionEnded, AccountSuspended)},
    summary="Refresh the tokens of a session",
)
async def refresh_session(
    data: JSONBody[Refresh], services: InjectedServices
) -> Response[SessionTokens]:
    """Returns new tokens. A refresh token works once."""
    return _tokens(await services.sessions.refresh(data.refresh_token), 200)


@get(
    "/sessions",
    response_headers=[LINK],
    summary="List the caller's sessions, last used first",
)
async def list_sessions(
    request: ApiRequest,
    services: InjectedServices,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[Session]]:
    """The caller's active sessions."""
    caller = caller_of(request)
    scope = scope_of("sessions", {"user": caller.id})
    page = await services.sessions.sessions(caller, page_request(services, limit, cursor, scope))
    size = await services.sessions.session_count(caller) if total else None
    return page_response(request, services, page, scope, partial(_session, caller=caller), size)


@delete("/sessions", summary="Log out everywhere")
async def end_all_sessions(request: ApiRequest, services: InjectedServices) -> None:
    """Ends all of the caller's sessions, including this one."""
    await services.sessions.end_all_sessions(caller_of(request))


@delete("/sessions/current", summary="Log out")
async def end_current_session(request: ApiRequest, services: InjectedServices) -> None:
    """Ends the session of this access token."""
    caller = caller_of(request)
    await services.sessions.end_session(caller, caller.session_id)


@delete("/sessions/{session_id:uuid}", summary="Log out on another device")
async def end_session(request: ApiRequest, session_id: PathId, services: InjectedServices) -> None:
    """Ends one of the caller's sessions."""
    await services.sessions.end_session(caller_of(request), SessionId(session_id))


router = Router(
    "/",
    route_handlers=[
        log_in,
        refresh_session,
        list_sessions,
        end_all_sessions,
        end_current_session,
        end_session,
    ],
    opt=SECRET,
    tags=["Sessions"],
)

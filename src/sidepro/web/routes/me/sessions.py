"""The devices where the person is logged in."""

from contextlib import suppress
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from sidepro.domain.errors import NotFound
from sidepro.domain.ids import SessionId
from sidepro.http.cursors import page_cursors, page_request, scope_of
from sidepro.http.services import InjectedServices
from sidepro.web.page import InjectedPage

LIMIT = 20


@get("/sessions")
async def list_sessions(
    page: InjectedPage, services: InjectedServices, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """The active sessions, the last used first."""
    scope = scope_of("sessions", {"user": page.caller.id})
    found = await services.sessions.sessions(
        page.caller, page_request(services, LIMIT, cursor, scope)
    )
    return page.render(
        "me/sessions.html",
        sessions=found.items,
        current=page.caller.session_id,
        cursors=page_cursors(services, found, scope),
    )


@post("/sessions/{session_id:uuid}/end")
async def end_session(
    page: InjectedPage, services: InjectedServices, session_id: FromPath[UUID]
) -> Response[str]:
    """Ends a session. One that has ended already is what the person wanted."""
    with suppress(NotFound):
        await services.sessions.end_session(page.caller, SessionId(session_id))
    if session_id == page.caller.session_id:
        return page.redirect("/", done="logged-out", cookies=[page.cookies.no_session()])
    return page.redirect("/me/sessions", done="session-ended")


@post("/sessions/end-others")
async def end_other_sessions(page: InjectedPage, services: InjectedServices) -> Response[str]:
    """Ends all sessions but this one."""
    await services.sessions.end_all_sessions(page.caller, but=page.caller.session_id)
    return page.redirect("/me/sessions", done="others-ended")


@post("/sessions/end-all")
async def end_all_sessions(page: InjectedPage, services: InjectedServices) -> Response[str]:
    """Ends all sessions, this one too."""
    await services.sessions.end_all_sessions(page.caller)
    return page.redirect("/", done="sessions-ended", cookies=[page.cookies.no_session()])


router = Router(
    "/", route_handlers=[list_sessions, end_session, end_other_sessions, end_all_sessions]
)

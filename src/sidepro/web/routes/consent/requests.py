"""Asking for a coffee chat, and the requests received and sent."""

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import MAX_INTRODUCTION, REQUEST_TTL, RequestState
from sidepro.domain.coffee_chats.views import Box, ChatRequestView, RequestQuery
from sidepro.domain.errors import (
    ChatClosed,
    InvalidInput,
    RateLimited,
    SideProError,
    TooManyRequestsPending,
)
from sidepro.domain.ids import ChatRequestId
from sidepro.http.cursors import page_cursors, page_request, scope_of
from sidepro.http.problems.documents import status_of
from sidepro.http.problems.retries import retry_headers
from sidepro.http.rate_limits import ROOMS
from sidepro.http.services import InjectedServices, Services
from sidepro.web.forms import Form, InjectedForm
from sidepro.web.page import InjectedPage, Page
from sidepro.web.routes.people import address_of

REQUESTS_PER_PAGE = 20


@get("/people/{username:str}/ask")
async def ask_form(
    page: InjectedPage, services: InjectedServices, username: FromPath[str]
) -> Response[str]:
    """The form of a request to this person. The page of somebody who takes none says so."""
    person = await services.accounts.user_named(username, page.viewer_id)
    if person.id == page.viewer_id or person.chat_policy is ChatPolicy.CLOSED:
        return page.redirect(address_of(person.username))
    return await _ask_page(page, services, username, Form())


@post("/people/{username:str}/ask", opt=ROOMS)
async def ask(
    page: InjectedPage, services: InjectedServices, username: FromPath[str], form: InjectedForm
) -> Response[str]:
    """Sends a request. One that is accepted at once leads to its room."""
    person = await services.accounts.user_named(username, page.viewer_id)
    try:
        result = await services.consent.ask(page.caller, person.id, form.text("introduction"))
    except (InvalidInput, ChatClosed, TooManyRequestsPending, RateLimited) as error:
        rejected = form.rejected(error, page.texts.errors)
        return await _ask_page(page, services, username, rejected, error)
    if result.request.state is RequestState.ACCEPTED and result.request.room_id:
        return page.redirect(f"/chats/{result.request.room_id}")
    return page.redirect("/chats/requests?box=sent", done="asked" if result.created else None)


async def _ask_page(
    page: Page,
    services: Services,
    username: str,
    form: Form,
    error: SideProError | None = None,
) -> Response[str]:
    person = await services.accounts.user_named(username, page.viewer_id)
    return page.render(
        "consent/ask.html",
        status=status_of(error) if error else 200,
        headers=retry_headers(error) if error else None,
        person=person,
        address=address_of(person.username),
        form=form,
        max_introduction=MAX_INTRODUCTION,
    )


@get("/chats/requests")
async def list_requests(
    page: InjectedPage,
    services: InjectedServices,
    box: FromQuery[Box] = Box.RECEIVED,
    cursor: FromQuery[str | None] = None,
) -> Response[str]:
    """The requests that the viewer received or sent, newest first."""
    scope = scope_of("requests", {"box": box})
    requests = await services.consent.requests(
        page.caller, RequestQuery(box), page_request(services, REQUESTS_PER_PAGE, cursor, scope)
    )
    return page.render(
        "consent/requests.html",
        box=box,
        requests=requests.items,
        acceptable=_acceptable(requests.items, services),
        cursors=page_cursors(services, requests, scope),
    )


def _acceptable(
    requests: tuple[ChatRequestView, ...], services: Services
) -> frozenset[ChatRequestId]:
    """The requests that their recipient can still accept, also after a decline."""
    now = services.consent.clock()
    return frozenset(
        one.id
        for one in requests
        if one.state in (RequestState.PENDING, RequestState.DECLINED)
        if now < one.created_at + REQUEST_TTL
    )


@post("/chats/requests/{request_id:uuid}/accept")
async def accept(
    page: InjectedPage, services: InjectedServices, request_id: FromPath[UUID]
) -> Response[str]:
    """Accepts a request, also after a decline, and opens the room."""
    room = await services.consent.accept(page.caller, ChatRequestId(request_id))
    return page.redirect(f"/chats/{room.id}")


@post("/chats/requests/{request_id:uuid}/decline")
async def decline(
    page: InjectedPage, services: InjectedServices, request_id: FromPath[UUID]
) -> Response[str]:
    """Declines a request quietly."""
    await services.consent.decline(page.caller, ChatRequestId(request_id))
    return page.redirect("/chats/requests", done="declined")


@post("/chats/requests/{request_id:uuid}/withdraw")
async def withdraw(
    page: InjectedPage, services: InjectedServices, request_id: FromPath[UUID]
) -> Response[str]:
    """Takes back a request."""
    await services.consent.withdraw(page.caller, ChatRequestId(request_id))
    return page.redirect("/chats/requests?box=sent", done="withdrew-request")


router = Router("/", route_handlers=[ask_form, ask, list_requests, accept, decline, withdraw])

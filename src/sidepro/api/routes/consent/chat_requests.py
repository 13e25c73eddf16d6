"""Routes of consent: requests for coffee chats."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, Parameter, QueryParameter

from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.api.pagination import LIMIT, LINK, CursorText, Limit, ListOf, Total, page_response
from sidepro.api.query_parameters import reject_null
from sidepro.api.routes.rooms import Room, room_schema
from sidepro.api.schemas import NOT_BLANK, Moment, UserSummary, user_summary
from sidepro.domain.coffee_chats import views
from sidepro.domain.coffee_chats.chat_request import MAX_INTRODUCTION, RequestState
from sidepro.domain.errors import (
    CannotChatWithYourself,
    ChatClosed,
    Forbidden,
    NotFound,
    RequestSettled,
    TooManyRequestsPending,
)
from sidepro.domain.ids import ChatRequestId, UserId
from sidepro.http.cursors import page_request, scope_of
from sidepro.http.path_ids import PathId
from sidepro.http.services import InjectedServices
from sidepro.http.timestamps import moment
from sidepro.http.verified_email import VERIFIED_ONLY

Introduction = Annotated[
    str, msgspec.Meta(extra_json_schema={**NOT_BLANK, "maxLength": MAX_INTRODUCTION})
]


class ChatRequest(msgspec.Struct, rename={"asker": "from", "recipient": "to"}):
    """A request for a coffee chat, as the caller sees it.

    To its asker, a declined request reads `pending` until it expires.
    """

    id: UUID
    asker: UserSummary
    recipient: UserSummary
    introduction: str
    state: RequestState
    room_id: UUID | None
    created_at: Moment
    settled_at: Moment | None


class NewChatRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The person to ask, and what to say to them."""

    user_id: UUID
    introduction: Introduction


class OpenedRoom(msgspec.Struct):
    """The room that the acceptance opened."""

    room: Room


def chat_request_schema(view: views.ChatRequestView) -> ChatRequest:
    """A request as JSON."""
    return ChatRequest(
        id=view.id,
        asker=user_summary(view.asker),
        recipient=user_summary(view.recipient),
        introduction=view.introduction,
        state=view.state,
        room_id=view.room_id,
        created_at=moment(view.created_at),
        settled_at=None if view.settled_at is None else moment(view.settled_at),
    )


@post(
    "/chat-requests",
    opt={
        VERIFIED_ONLY: True,
        "problems": (NotFound, CannotChatWithYourself, ChatClosed, TooManyRequestsPending),
    },
    response_description="A new, pending request.",
    responses={
        200: ResponseSpec(
            ChatRequest,
            description="The caller's pending request to this person, or an accepted one.",
        )
    },
    summary="Ask another user for a coffee chat",
)
async def create_chat_request(
    request: ApiRequest, data: JSONBody[NewChatRequest], services: InjectedServices
) -> Response[ChatRequest]:
    """201 with a pending request, or 200 with the one that is pending already. It is accepted at
    once (200) if this person has asked the caller, takes chats from everybody, or is in a room
    with the caller. At most ten requests may be pending, and an account may send three a day in
    its first week.
    """
    result = await services.consent.ask(
        caller_of(request), UserId(data.user_id), data.introduction
    )
    body = chat_request_schema(result.request)
    return Response(body, status_code=201 if result.created else 200)


@get(
    "/chat-requests",
    response_headers=[LINK],
    summary="List the caller's chat requests, newest first",
)
async def list_chat_requests(
    request: ApiRequest,
    services: InjectedServices,
    box: Annotated[
        views.Box, Parameter(description="The requests to the caller, or those by the caller.")
    ] = views.Box.RECEIVED,
    of_state: Annotated[
        RequestState | None,
        QueryParameter(name="state", description="Only requests that read so to the caller."),
    ] = None,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[ChatRequest]]:
    """The requests that the caller received or sent."""
    reject_null(request, "state")
    caller = caller_of(request)
    query = views.RequestQuery(box, of_state)
    scope = scope_of("chat-requests", {"user": caller.id, "box": box, "state": of_state})
    page = await services.consent.requests(
        caller, query, page_request(services, limit, cursor, scope)
    )
    size = await services.consent.request_count(caller, query) if total else None
    return page_response(request, services, page, scope, chat_request_schema, size)


@post(
    "/chat-requests/{request_id:uuid}/acceptance",
    status_code=200,
    opt={"problems": (Forbidden, RequestSettled)},
    summary="Accept a chat request",
)
async def accept_chat_request(
    request: ApiRequest, request_id: PathId, services: InjectedServices
) -> OpenedRoom:
    """Opens the room for both. A request that the caller has declined can still be accepted until
    it expires.
    """
    room = await services.consent.accept(caller_of(request), ChatRequestId(request_id))
    return OpenedRoom(room_schema(room))


@post(
    "/chat-requests/{request_id:uuid}/decline",
    status_code=204,
    opt={"problems": (Forbidden, RequestSettled)},
    summary="Decline a chat request",
)
async def decline_chat_request(
    request: ApiRequest, request_id: PathId, services: InjectedServices
) -> None:
    """Quietly: the asker sees a pending request until it expires, and cannot ask the caller again
    for 30 days.
    """
    await services.consent.decline(caller_of(request), ChatRequestId(request_id))


@delete(
    "/chat-requests/{request_id:uuid}",
    opt={"problems": (Forbidden, RequestSettled)},
    summary="Withdraw a chat request",
)
async def withdraw_chat_request(
    request: ApiRequest, request_id: PathId, services: InjectedServices
) -> None:
    """Takes back a request of the caller that reads pending."""
    await services.consent.withdraw(caller_of(request), ChatRequestId(request_id))


router = Router(
    "/",
    route_handlers=[
        create_chat_request,
        list_chat_requests,
        accept_chat_request,
        decline_chat_request,
        withdraw_chat_request,
    ],
    tags=["Consent"],
)

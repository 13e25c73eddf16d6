"""Routes of coffee chats: rooms, messages, read positions and socket tickets."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, Parameter

from sidepro.api.dependencies import (
    LOCATION,
    PREFIX,
    ApiConnection,
    ApiRequest,
    caller_of,
    created,
)
from sidepro.api.idempotency import IdempotencyKeyHeader, existing, idempotent_response
from sidepro.api.pagination import LIMIT, LINK, CursorText, Limit, ListOf, Total, page_response
from sidepro.api.query_parameters import reject_null
from sidepro.api.schemas import (
    NOT_BLANK,
    ONE_LINE,
    Count,
    Moment,
    Positive,
    UserSummary,
    user_summary,
)
from sidepro.domain.errors import (
    CannotChatWithYourself,
    ChatClosed,
    ConsentRequired,
    FieldError,
    InvalidInput,
    NotFound,
    RoomPending,
)
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms import room as domain
from sidepro.domain.rooms.message_writer import WriteResult
from sidepro.domain.rooms.ticket_service import TICKET_TTL
from sidepro.domain.rooms.views import OpenResult, RoomView
from sidepro.domain.violations import FieldCode, Violation
from sidepro.http.cursors import page_request, scope_of
from sidepro.http.middleware.compression import SECRET
from sidepro.http.path_ids import PathId
from sidepro.http.rate_limits import (
    MESSAGES,
    ROOMS,
    TICKETS,
)
from sidepro.http.services import InjectedServices, Services
from sidepro.http.timestamps import moment

_BOTH_WAYS = Violation(FieldCode.CONFLICTING, "cannot be combined with before")

HISTORY_LIMIT = 50
MAX_SEQ = 2**31 - 1
"""The largest integer of the column. Larger numbers from a client are treated as this one."""

Seq = Annotated[
    int | None,
    # Litestar's document leaves a minimum of zero out.
    Parameter(ge=0, description="The number of a message.", schema_extra={"minimum": 0}),
]
MessageBody = Annotated[str, msgspec.Meta(extra_json_schema={**NOT_BLANK, "maxLength": 4_000})]
ClientId = Annotated[
    str,
    msgspec.Meta(
        description="Chosen by the sender. A message with the same `client_id` is stored once.",
        extra_json_schema={**ONE_LINE, "maxLength": 64},
    ),
]


class Message(msgspec.Struct):
    """A message. `sender_id` is null if the sender closed their account. `body` is empty if
    moderators have hidden it.
    """

    room_id: UUID
    seq: Positive
    sender_id: UUID | None
    body: str
    client_id: str | None
    sent_at: Moment
    hidden: bool


class Room(msgspec.Struct):
    """A room for the caller. `participant` is the other person, or null if they withdrew."""

    id: UUID
    participant: UserSummary | None
    status: domain.RoomStatus
    left_by: UUID | None
    last_message: Message | None
    last_seq: Count
    read_seq: Count
    participant_read_seq: Count
    unread_count: Count
    created_at: Moment
    updated_at: Moment
    writable: bool


class OpenRoomRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The person to chat with."""

    user_id: UUID


class NewMessage(msgspec.Struct, forbid_unknown_fields=True):
    """A message to send."""

    body: MessageBody
    client_id: ClientId | None = None


class ReadMark(msgspec.Struct, forbid_unknown_fields=True):
    """The number of the last message that the caller has read."""

    seq: Count


class SocketTicket(msgspec.Struct):
    """Opens one socket at `path` with `?ticket=`, within `expires_in` seconds."""

    ticket: str
    expires_in: Positive
    path: str


class Unread(msgspec.Struct):
    """The number of rooms with unread messages, and the number of these messages."""

    rooms: Count
    messages: Count


class History(msgspec.Struct):
    """Messages in ascending order, and the number of the room's last message."""

    items: list[Message]
    last_seq: Count


def message_schema(message: domain.Message) -> Message:
    """A message as JSON."""
    return Message(
        room_id=message.room_id,
        seq=message.seq,
        sender_id=message.sender_id,
        body=message.body,
        client_id=message.client_id,
        sent_at=moment(message.sent_at),
        hidden=message.is_hidden,
    )


def room_schema(view: RoomView) -> Room:
    """A room as JSON."""
    return Room(
        id=view.id,
        participant=None if view.participant is None else user_summary(view.participant),
        status=view.status,
        left_by=view.left_by,
        last_message=None if view.last_message is None else message_schema(view.last_message),
        last_seq=view.last_seq,
        read_seq=view.read_seq,
        participant_read_seq=view.participant_read_seq,
        unread_count=view.unread_count,
        created_at=moment(view.created_at),
        updated_at=moment(view.updated_at),
        writable=view.writable,
    )


async def check_participant(services: Services, connection: ApiConnection) -> None:
    room_id = RoomId(connection.path_params["room_id"])
    await services.rooms.authorize(caller_of(connection), room_id)


@post(
    "/rooms",
    opt={
        **ROOMS,
        "problems": (NotFound, CannotChatWithYourself, ChatClosed, ConsentRequired),
    },
    response_headers=[LOCATION],
    response_description="A new room.",
    responses={200: ResponseSpec(Room, description="The existing room of the pair.")},
    summary="Open a coffee chat with another user",
)
async def open_room(
    request: ApiRequest,
    data: JSONBody[OpenRoomRequest],
    services: InjectedServices,
    key: IdempotencyKeyHeader = None,
) -> Response[Room]:
    """200 with the existing room, which is reopened if the caller had left it, or 201 with a new
    one if this person takes coffee chats from everybody. Others are asked with a chat request.
    """

    def build_response(opened: OpenResult) -> Response[Room]:
        room = room_schema(opened.room)
        return (
            created(room, f"/rooms/{room.id}")
            if opened.created
            else Response(room, status_code=200)
        )

    return await idempotent_response(
        request,
        key,
        data,
        build_response,
        lambda idempotent: services.consent.open_room(
            caller_of(request), UserId(data.user_id), idempotent
        ),
        lambda made: services.rooms.authorize(caller_of(request), RoomId(existing(made))),
    )


@get(
    "/rooms",
    response_headers=[LINK],
    summary="List the caller's rooms, latest activity first",
)
async def list_rooms(
    request: ApiRequest,
    services: InjectedServices,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[Room]]:
    """The rooms that the caller has not left."""
    caller = caller_of(request)
    scope = scope_of("rooms", {"user": caller.id})
    page = await services.rooms.rooms(caller, page_request(services, limit, cursor, scope))
    size = await services.rooms.room_count(caller) if total else None
    return page_response(request, services, page, scope, room_schema, size)


@get("/me/unread", summary="Count the caller's unread messages")
async def count_unread(request: ApiRequest, services: InjectedServices) -> Unread:
    """Counts in all rooms that the caller has not left."""
    found = await services.rooms.unread(caller_of(request))
    return Unread(found.rooms, found.messages)


@get("/rooms/{room_id:uuid}", summary="Get one of the caller's rooms")
async def get_room(request: ApiRequest, room_id: PathId, services: InjectedServices) -> Room:
    """A room."""
    return room_schema(await services.rooms.room(caller_of(request), RoomId(room_id)))


@delete("/rooms/{room_id:uuid}", summary="Leave a room")
async def leave_room(request: ApiRequest, room_id: PathId, services: InjectedServices) -> None:
    """The other person can still read the room. It is deleted when both have left."""
    await services.rooms.leave(caller_of(request), RoomId(room_id))


@get(
    "/rooms/{room_id:uuid}/messages",
    opt={"access": check_participant},
    summary="List the messages of a room",
)
async def list_messages(
    request: ApiRequest,
    room_id: PathId,
    services: InjectedServices,
    before: Seq = None,
    after: Seq = None,
    limit: Limit = HISTORY_LIMIT,
) -> History:
    """The last messages, or those before or after a number."""
    reject_null(request, "before", "after")
    if before is not None and after is not None:
        raise InvalidInput(FieldError(_BOTH_WAYS, parameter="after"))
    found = await services.rooms.history(
        caller_of(request),
        RoomId(room_id),
        after=None if after is None else min(after, MAX_SEQ),
        before=None if before is None else min(before, MAX_SEQ),
        limit=limit,
    )
    return History([message_schema(message) for message in found.items], found.last_seq)


@post(
    "/rooms/{room_id:uuid}/messages",
    opt={**MESSAGES, "access": check_participant, "problems": (RoomPending,)},
    response_description="A new message.",
    responses={
        200: ResponseSpec(Message, description="The existing message with this `client_id`.")
    },
    summary="Send a message",
)
async def send_message(
    request: ApiRequest,
    room_id: PathId,
    data: JSONBody[NewMessage],
    services: InjectedServices,
    key: IdempotencyKeyHeader = None,
) -> Response[Message]:
    """201, or 200 with the existing message for a repeated `client_id`."""

    def build_response(sent: WriteResult) -> Response[Message]:
        return Response(message_schema(sent.message), status_code=200 if sent.duplicate else 201)

    return await idempotent_response(
        request,
        key,
        data,
        build_response,
        lambda idempotent: services.rooms.send(
            caller_of(request), RoomId(room_id), data.body, data.client_id, idempotent
        ),
        lambda _: services.rooms.authorize(caller_of(request), RoomId(room_id)),
    )


@put(
    "/rooms/{room_id:uuid}/read",
    status_code=204,
    opt={"access": check_participant},
    summary="Update the read position",
)
async def mark_room_read(
    request: ApiRequest, room_id: PathId, data: JSONBody[ReadMark], services: InjectedServices
) -> None:
    """The position never goes back, and never beyond the last message."""
    await services.rooms.mark_read(caller_of(request), RoomId(room_id), data.seq)


@post(
    "/rooms/{room_id:uuid}/socket-tickets",
    opt={**TICKETS, **SECRET},
    summary="Get a ticket for the room's socket",
)
async def create_socket_ticket(
    request: ApiRequest, room_id: PathId, services: InjectedServices
) -> SocketTicket:
    """For browsers, which cannot send `Authorization` with a socket. The ticket is valid once, for
    this room and the current session.
    """
    ticket = await services.tickets.issue_for_room(caller_of(request), RoomId(room_id))
    path = f"{services.base_path}{PREFIX}/rooms/{room_id}/socket"
    return SocketTicket(ticket, TICKET_TTL, path)


@post(
    "/me/socket-tickets",
    opt={**TICKETS, **SECRET},
    summary="Get a ticket for the caller's own socket",
)
async def create_person_ticket(request: ApiRequest, services: InjectedServices) -> SocketTicket:
    """For the socket that tells of changes in all rooms and of notifications. The ticket is valid
    once, for the current session.
    """
    ticket = await services.tickets.issue_for_person(caller_of(request))
    return SocketTicket(ticket, TICKET_TTL, f"{services.base_path}{PREFIX}/me/socket")


router = Router(
    "/",
    route_handlers=[
        open_room,
        list_rooms,
        count_unread,
        get_room,
        leave_room,
        list_messages,
        send_message,
        mark_room_read,
        create_socket_ticket,
        create_person_ticket,
    ],
    tags=["Rooms"],
)

"""The coffee chats: the list of rooms, and a room with its messages.

Scripts open the room's socket with a ticket from here. Without them, messages are read and sent
by page and form.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from sidepro.domain.accounts.views import ProfileView
from sidepro.domain.errors import ConsentRequired, InvalidInput, NotFound, RoomPending
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.pagination import PageRequest
from sidepro.domain.rooms.room import MAX_BODY, Message, RoomStatus
from sidepro.domain.rooms.ticket_service import TICKET_TTL
from sidepro.domain.rooms.views import RoomView
from sidepro.http.cursors import page_cursors, page_request, scope_of
from sidepro.http.middleware.compression import SECRET
from sidepro.http.rate_limits import MESSAGES, ROOMS, TICKETS
from sidepro.http.services import InjectedServices, Services
from sidepro.web.forms import Form, InjectedForm, number
from sidepro.web.page import InjectedPage, Page
from sidepro.web.routes.people import address_of

ROOMS_PER_PAGE = 20
MESSAGES_PER_PAGE = 50

SOCKET = "/api/v1/rooms/{id}/socket"


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message of a page. `day` is the date above it, if it is the first of a day; `body` is
    empty if moderators have hidden it.
    """

    seq: int
    body: str
    sender: UserId | None
    is_mine: bool
    is_first: bool
    is_read: bool
    day: str | None
    date: str
    time: Any


@get("/chats")
async def list_rooms(
    page: InjectedPage, services: InjectedServices, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """The caller's rooms, latest activity first."""
    scope = scope_of("chats", {})
    rooms = await services.rooms.rooms(
        page.caller, page_request(services, ROOMS_PER_PAGE, cursor, scope)
    )
    return page.render(
        "chats/index.html",
        rooms=rooms.items,
        cursors=page_cursors(services, rooms, scope),
    )


@post("/chats", opt=ROOMS)
async def open_room(
    page: InjectedPage, services: InjectedServices, form: InjectedForm
) -> Response[str]:
    """Opens the room with a person, or the one that stands. Others are asked first."""
    try:
        invited = UserId(UUID(form.text("user_id")))
    except ValueError:
        raise NotFound from None
    try:
        opened = await services.consent.open_room(page.caller, invited)
    except ConsentRequired:
        person = await services.accounts.user(invited, page.viewer_id)
        return page.redirect(f"{address_of(person.username)}/ask")
    return page.redirect(f"/chats/{opened.room.id}")


@get("/chats/{room_id:uuid}")
async def show_room(
    page: InjectedPage,
    services: InjectedServices,
    room_id: FromPath[UUID],
    before: FromQuery[str] = "",
) -> Response[str]:
    """A room: its latest messages, or those before a number."""
    return await _room_page(page, services, RoomId(room_id), before=number(before) or None)


@post("/chats/{room_id:uuid}/messages", opt=MESSAGES)
async def send(
    page: InjectedPage, services: InjectedServices, room_id: FromPath[UUID], form: InjectedForm
) -> Response[str]:
    """Sends a message. The form has its client id, so sending it twice stores it once."""
    client_id = form.text("client_id") or None
    try:
        await services.rooms.send(page.caller, RoomId(room_id), form.text("body"), client_id)
    except (InvalidInput, RoomPending) as error:
        rejected = form.rejected(error, page.texts.errors)
        status = 409 if isinstance(error, RoomPending) else 422
        return await _room_page(page, services, RoomId(room_id), form=rejected, status=status)
    return page.redirect(f"/chats/{room_id}#end")


@post("/chats/{room_id:uuid}/leave")
async def leave(
    page: InjectedPage, services: InjectedServices, room_id: FromPath[UUID]
) -> Response[str]:
    """Leaves the room."""
    await services.rooms.leave(page.caller, RoomId(room_id))
    return page.redirect("/chats", done="left-room")


@post("/chats/{room_id:uuid}/socket-tickets", opt={**TICKETS, **SECRET})
async def issue_ticket(
    page: InjectedPage, services: InjectedServices, room_id: FromPath[UUID]
) -> Response[dict[str, object]]:
    """A ticket for one socket of the room. No token ever reaches a script."""
    ticket = await services.tickets.issue_for_room(page.caller, RoomId(room_id))
    path = services.base_path + SOCKET.format(id=room_id)
    return Response(
        {"ticket": ticket, "path": path, "expires_in": TICKET_TTL},
        headers={"Cache-Control": "no-store"},
    )


router = Router("/", route_handlers=[list_rooms, open_room, show_room, send, leave, issue_ticket])


async def _room_page(
    page: Page,
    services: Services,
    room_id: RoomId,
    *,
    before: int | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    room = await services.rooms.room(page.caller, room_id)
    history = await services.rooms.history(
        page.caller, room_id, before=before, limit=MESSAGES_PER_PAGE
    )
    is_latest = before is None
    if is_latest and room.unread_count and not page.is_prefetch:
        await services.rooms.mark_read(page.caller, room_id, history.last_seq)
        page.badges = page.badges.without_room(room.unread_count)
    rooms = await services.rooms.rooms(page.caller, PageRequest(ROOMS_PER_PAGE))
    messages = history.items
    return page.render(
        "chats/room.html",
        status=status,
        rooms=rooms.items,
        room=room,
        profile=await _profile(services, room),
        messages=_shown(page, room, messages),
        last_seq=history.last_seq,
        older=messages[0].seq if messages and messages[0].seq > 1 else None,
        is_latest=is_latest,
        is_pending=room.status is RoomStatus.PENDING,
        form=form or Form.of(client_id=uuid4().hex),
        max_body=MAX_BODY,
    )


async def _profile(services: Services, room: RoomView) -> ProfileView | None:
    if room.participant is None:
        return None
    try:
        return (await services.accounts.user(room.participant.id, None)).profile
    except NotFound:  # they withdrew a moment ago
        return None


def _shown(page: Page, room: RoomView, messages: Sequence[Message]) -> Iterator[ShownMessage]:
    mine = [message.seq for message in messages if message.sender_id == page.viewer_id]
    last_read = max((seq for seq in mine if seq <= room.participant_read_seq), default=None)
    last_date: str | None = None
    last_sender: UserId | None = None
    for message in messages:
        date = page.dates.date_text(message.sent_at)
        is_new_day = date != last_date
        yield ShownMessage(
            seq=message.seq,
            body=message.body,
            sender=message.sender_id,
            is_mine=message.sender_id == page.viewer_id,
            is_first=is_new_day or last_sender != message.sender_id,
            is_read=message.seq == last_read,
            day=date if is_new_day else None,
            date=date,
            time=page.dates.time(message.sent_at),
        )
        last_date, last_sender = date, message.sender_id

"""The door of the chat socket: from which pages, who, to which room, and how many at once.

A page of a foreign origin is refused before the upgrade. All others are let in to be told with a
close code why they are sent away: of a refusal before the upgrade browsers tell a page nothing.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import msgspec
from litestar import WebSocket
from litestar.datastructures import State

from sidepro.api.auth import bearer_caller
from sidepro.api.chat.limits import SocketLimits
from sidepro.api.routes.rooms import MAX_SEQ
from sidepro.domain.accounts.ports import AccessTokens, SessionRegistry
from sidepro.domain.errors import FieldError, InvalidInput, NotAuthenticated, NotFound
from sidepro.domain.identity import Caller
from sidepro.domain.ids import RoomId
from sidepro.domain.rooms.room_service import RoomService
from sidepro.domain.rooms.ticket_service import TicketService
from sidepro.http.problems import MEDIA_TYPE, problem_document

Socket = WebSocket[Any, Any, State]


@dataclass(frozen=True, slots=True)
class Handshake:
    """Whoever opens a socket comes through here. Without `limits` nothing is limited."""

    tokens: AccessTokens
    session_registry: SessionRegistry
    rooms: RoomService
    tickets: TicketService
    limits: SocketLimits | None
    allowed_origins: Collection[str]

    def takes_page_of(self, socket: Socket) -> bool:
        """Whether the page that opens the socket may; programs say nothing of an origin."""
        origin = _header(socket, b"origin")
        return origin is None or origin in self.allowed_origins

    async def authorize(self, socket: Socket, room: str) -> tuple[Caller, RoomId, int | None]:
        """Who comes in to which room, and the last message that they know.

        Raises:
            NotAuthenticated: nobody that we know, or their session has ended.
            RateLimited: they come too often.
            NotFound: the room is not there for them.
            InvalidInput: `after` is no number.
            Unavailable: a store that must be asked is away.
        """
        caller = await self._caller(socket, room)
        if not await self.session_registry.is_active(caller.session_id):
            raise NotAuthenticated
        if self.limits:
            await self.limits.count_opening(caller)
        room_id = _id(room)
        await self.rooms.authorize(caller, room_id)
        return caller, room_id, _after(socket)

    @asynccontextmanager
    async def reserve(self, caller: Caller, connection: str) -> AsyncIterator[None]:
        """Count the open socket for as long as the block lasts.

        Raises:
            RateLimited: the caller has as many as they may.
        """
        if self.limits is None:
            yield
            return
        async with self.limits.reserve(caller, connection):
            yield

    async def _caller(self, socket: Socket, room: str) -> Caller:
        """By an access token when one is sent, else by a ticket."""
        caller = bearer_caller(_header(socket, b"authorization"), self.tokens)
        if caller is not None:
            return caller
        ticket = socket.query_params.get("ticket")
        if ticket is None:
            raise NotAuthenticated
        try:
            return await self.tickets.redeem(ticket, _id(room))
        except NotFound as error:
            raise NotAuthenticated from error  # there are no tickets for what is no room


ORIGIN_REFUSED = problem_document(
    403, "origin-not-allowed", "Pages of this origin may not connect."
)


async def deny(socket: Socket) -> None:
    """403 before the upgrade: a browser page of another site is no client of ours."""
    start = {
        "type": "websocket.http.response.start",
        "status": 403,
        "headers": [(b"content-type", MEDIA_TYPE.encode())],
    }
    body = {
        "type": "websocket.http.response.body",
        "body": msgspec.json.encode(ORIGIN_REFUSED),
        "more_body": False,
    }
    # Litestar's types know no other answer to an upgrade than accept and close.
    await socket.send(cast("Any", start))
    await socket.send(cast("Any", body))


def _header(socket: Socket, name: bytes) -> str | None:
    """Read from what the server gave: Litestar would keep a table of all headers for as long as
    the socket is open.
    """
    for key, value in socket.scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def _id(text: str) -> RoomId:
    try:
        room_id = UUID(text)
    except ValueError as error:
        raise NotFound from error
    if str(room_id) != text.lower():
        raise NotFound  # another spelling of a UUID than ours
    return RoomId(room_id)


def _after(socket: Socket) -> int | None:
    text = socket.query_params.get("after")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise InvalidInput(FieldError("must be a number", parameter="after"))
    return min(int(text[:4_000]), MAX_SEQ)

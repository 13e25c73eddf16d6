"""The handshake of the sockets: origin, authentication, access and limits.

A request from a foreign origin is denied before the upgrade. All others are accepted first. The
socket is then closed with a code if a check fails, because browsers hide the reason of a denied
upgrade from the page.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from litestar import WebSocket
from litestar.datastructures import State

from sidepro.api.auth import bearer_caller
from sidepro.api.chat.limits import SocketLimits
from sidepro.api.query_parameters import query_pairs, reject_unexpected_names
from sidepro.api.routes.rooms import MAX_SEQ
from sidepro.domain.accounts.ports import AccessTokens, SessionRegistry
from sidepro.domain.errors import FieldError, InvalidInput, NotAuthenticated, NotFound
from sidepro.domain.identity import Caller
from sidepro.domain.ids import RoomId
from sidepro.domain.rooms.room_service import RoomService
from sidepro.domain.rooms.ticket_service import TicketService
from sidepro.domain.violations import wrong_type

Socket = WebSocket[Any, Any, State]

_PARAMETERS = {"ticket": False, "after": False, "epoch": False}
"""The query parameters of a room's socket. None may be repeated."""

_PERSON_PARAMETERS = {"ticket": False}
"""The query parameters of a person's socket."""


class Resumption(NamedTuple):
    """Where a client continues: the number of the last message that it has, and the epoch of the
    data that it is of. `None` for what the client did not tell.
    """

    after: int | None = None
    epoch: str | None = None


@dataclass(frozen=True, slots=True)
class Handshake:
    """Authorizes the opening of a socket. `limits` is `None` if limits are turned off."""

    tokens: AccessTokens
    session_registry: SessionRegistry
    rooms: RoomService
    tickets: TicketService
    limits: SocketLimits | None
    allowed_origins: Collection[str]

    def is_origin_allowed(self, socket: Socket) -> bool:
        """Whether the `Origin` is allowed: that of a page of the same host always is, whichever of
        its names the browser uses. Programs send none, which is allowed too.
        """
        origin = _header(socket, b"origin")
        if origin is None or origin in self.allowed_origins:
            return True
        # The host is one of ours: the middleware has checked it.
        scheme, _, host = origin.partition("://")
        return scheme in ("http", "https") and host == _header(socket, b"host")

    async def authorize(self, socket: Socket, room: str) -> tuple[Caller, RoomId, Resumption]:
        """The caller, the room, and where the client continues.

        Raises:
            NotAuthenticated: no valid token or ticket, or the session has ended.
            RateLimited: the caller opens sockets too often.
            NotFound: the caller has no such room.
            InvalidInput: a query parameter is unknown or repeated, or `after` is not a number.
            Unavailable: a store is down.
        """
        caller = await self._authenticate(
            socket, lambda ticket: self.tickets.redeem_for_room(ticket, _room_id(room))
        )
        room_id = _room_id(room)
        await self.rooms.authorize(caller, room_id)
        reject_unexpected_names(query_pairs(socket.scope), _PARAMETERS)
        return caller, room_id, Resumption(_after(socket), socket.query_params.get("epoch"))

    async def authorize_person(self, socket: Socket) -> Caller:
        """The caller of a socket to their own stream.

        Raises: as `authorize`, without `NotFound`.
        """
        caller = await self._authenticate(socket, self.tickets.redeem_for_person)
        reject_unexpected_names(query_pairs(socket.scope), _PERSON_PARAMETERS)
        return caller

    @asynccontextmanager
    async def reserve(
        self, caller: Caller, connection: str, channel_kind: str
    ) -> AsyncIterator[None]:
        """Count the open socket to this kind of channel during the block.

        Raises:
            RateLimited: the caller has too many sockets open.
        """
        if self.limits is None:
            yield
            return
        async with self.limits.reserve(caller, connection, channel_kind):
            yield

    async def _authenticate(
        self, socket: Socket, redeem: Callable[[str], Awaitable[Caller]]
    ) -> Caller:
        """By the access token if one is sent, otherwise by the ticket. Counts the opening.

        Raises:
            NotAuthenticated, RateLimited, Unavailable: see `authorize`.
        """
        caller = bearer_caller(_header(socket, b"authorization"), self.tokens)
        if caller is None:
            ticket = socket.query_params.get("ticket")
            if ticket is None:
                raise NotAuthenticated
            try:
                caller = await redeem(ticket)
            except NotFound as error:
                # no ticket is valid for a malformed room id
                raise NotAuthenticated from error
        if not await self.session_registry.is_active(caller.session_id):
            raise NotAuthenticated
        if self.limits:
            await self.limits.count_opening(caller)
        return caller


def _header(socket: Socket, name: bytes) -> str | None:
    """A header from the ASGI scope. Litestar's `headers` would keep a copy of all headers in
    memory while the socket is open.
    """
    for key, value in socket.scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def _room_id(text: str) -> RoomId:
    try:
        room_id = UUID(text)
    except ValueError as error:
        raise NotFound from error
    if str(room_id) != text.lower():
        raise NotFound  # a valid UUID in another format, such as without hyphens
    return RoomId(room_id)


def _after(socket: Socket) -> int | None:
    text = socket.query_params.get("after")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise InvalidInput(FieldError(wrong_type("a number"), parameter="after"))
    return min(int(text[:4_000]), MAX_SEQ)  # Python converts at most 4,300 digits

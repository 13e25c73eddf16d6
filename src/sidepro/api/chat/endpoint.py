"""The route of the chat socket."""

import secrets
from asyncio import timeout
from contextlib import suppress

import structlog
from litestar import Router, get, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.params import FromPath

from sidepro.api.auth import TOKENLESS
from sidepro.api.chat.close_codes import CloseCode, close_code
from sidepro.api.chat.handshake import Handshake, Socket
from sidepro.api.chat.hub import Hub
from sidepro.api.chat.session import ChatSession
from sidepro.domain.errors import SideProError, Unavailable
from sidepro.domain.rooms.room_service import RoomService
from sidepro.http.client_address import client_address
from sidepro.http.middleware.middleware import deny_socket
from sidepro.http.problems.documents import ORIGIN_DENIED, RequestRejected
from sidepro.http.services import InjectedServices

log = structlog.get_logger(__name__)

CLOSE_TIMEOUT = 5.0
"""Seconds for sending the close frame. A client that does not read can delay it."""


def socket_router(handshake: Handshake, hub: Hub) -> Router:
    """The router of the socket."""

    @websocket("/rooms/{room_id:str}/socket")
    async def room_socket(
        socket: Socket, room_id: FromPath[str], services: InjectedServices
    ) -> None:
        if not handshake.is_origin_allowed(socket):
            await deny_socket(socket.scope, socket.send, ORIGIN_DENIED)
            return
        await socket.accept()
        code = await _serve(socket, room_id, handshake, hub, services.rooms)
        if code is not None:
            with suppress(OSError, TimeoutError, WebSocketDisconnect):
                async with timeout(CLOSE_TIMEOUT):
                    await socket.close(code)

    @get(
        "/rooms/{room_id:str}/socket",
        opt={**TOKENLESS, "any_query": True},
        include_in_schema=False,
        name="plain_get_of_a_socket",
    )
    async def upgrade_required() -> None:
        raise RequestRejected(426, headers={"Upgrade": "websocket", "Connection": "Upgrade"})

    return Router("/", route_handlers=[room_socket, upgrade_required])


async def _serve(
    socket: Socket, room: str, handshake: Handshake, hub: Hub, rooms: RoomService
) -> CloseCode | None:
    """Serve an accepted socket. Returns its close code, or `None` if the client disconnected."""
    is_open = False
    try:
        caller, room_id, after = await handshake.authorize(socket, room)
        connection = secrets.token_hex(8)
        async with handshake.reserve(caller, connection):
            is_open = True
            session = ChatSession(
                socket, caller, room_id, hub, rooms, connection, handshake.limits
            )
            return await session.run(after)
    except (OSError, WebSocketDisconnect):
        return None
    except SideProError as error:
        if not is_open:
            address = client_address(socket.scope.get("client"))
            reason = error.reason if isinstance(error, Unavailable) else error.code
            log.warning("socket_refused", reason=reason, address=address)
        return close_code(error)
    except Exception:  # Litestar has no exception handlers for sockets
        log.exception("socket_failed", room_id=room)
        return CloseCode.INTERNAL_ERROR

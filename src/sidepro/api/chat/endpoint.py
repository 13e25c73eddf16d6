"""The routes of the sockets: of a room, and of a person's stream."""

import secrets
import time
from asyncio import timeout
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog
from litestar import Router, get, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.params import FromPath

from sidepro.api.auth import TOKENLESS
from sidepro.api.chat.close_codes import CloseCode, close_code
from sidepro.api.chat.handshake import Handshake, Socket
from sidepro.api.chat.hub import Hub
from sidepro.api.chat.person_session import PersonSession
from sidepro.api.chat.session import ChatSession
from sidepro.domain.channels import PERSON, ROOM
from sidepro.domain.errors import SideProError, Unavailable
from sidepro.domain.identity import Caller
from sidepro.domain.waiting import begin_waits
from sidepro.http.middleware.middleware import deny_socket
from sidepro.http.monitoring.request_log import caller_ids
from sidepro.http.problems.documents import ORIGIN_DENIED, RequestRejected
from sidepro.http.services import InjectedServices

log = structlog.get_logger(__name__)

CLOSE_TIMEOUT = 5.0
"""Seconds for sending the close frame. A client that does not read can delay it."""


def socket_router(handshake: Handshake, hub: Hub) -> Router:
    """The router of the sockets."""

    @websocket("/rooms/{room_id:str}/socket")
    async def room_socket(
        socket: Socket, room_id: FromPath[str], services: InjectedServices
    ) -> None:
        async def serve(opening: "_Opening") -> CloseCode | None:
            caller, room, resumption = await handshake.authorize(socket, room_id)
            opening.ids["room"] = str(room)
            async with opening.reserve(caller, ROOM) as connection:
                session = ChatSession(
                    socket, caller, room, hub, services.rooms, connection, handshake.limits
                )
                return await session.run(resumption)

        await _serve(socket, handshake, serve)

    @websocket("/me/socket")
    async def person_socket(socket: Socket, services: InjectedServices) -> None:
        async def serve(opening: "_Opening") -> CloseCode | None:
            caller = await handshake.authorize_person(socket)
            async with opening.reserve(caller, PERSON):
                return await PersonSession(socket, caller, hub, services.person_stream).run()

        await _serve(socket, handshake, serve)

    @get(
        ["/rooms/{room_id:str}/socket", "/me/socket"],
        opt={**TOKENLESS, "any_query": True},
        include_in_schema=False,
        name="plain_get_of_a_socket",
    )
    async def upgrade_required() -> None:
        raise RequestRejected(426, headers={"Upgrade": "websocket", "Connection": "Upgrade"})

    return Router("/", route_handlers=[room_socket, person_socket, upgrade_required])


class _Opening:
    """How far the handshake of a socket is, and the ids that are known of it, for the log."""

    def __init__(self, handshake: Handshake) -> None:
        self._handshake = handshake
        self.is_complete = False
        self.ids: dict[str, str] = {}

    @asynccontextmanager
    async def reserve(self, caller: Caller, channel_kind: str) -> AsyncIterator[str]:
        """Count the open socket during the block. Gives it a unique name."""
        connection = secrets.token_hex(8)
        self.ids |= caller_ids(caller)
        async with self._handshake.reserve(caller, connection, channel_kind):
            self.is_complete = True
            yield connection


async def _serve(
    socket: Socket,
    handshake: Handshake,
    serve: Callable[[_Opening], Awaitable[CloseCode | None]],
) -> None:
    """Accept a socket, serve it, and close it."""
    if not handshake.is_origin_allowed(socket):
        await deny_socket(socket.scope, socket.send, ORIGIN_DENIED)
        return
    started = time.perf_counter()
    opening = _Opening(handshake)
    await socket.accept()
    begin_waits()
    code = await _serve_accepted(socket, opening, serve)
    if opening.is_complete:  # else its refusal is logged
        ids = opening.ids if code is None else {"code": int(code), **opening.ids}
        seconds = round(time.perf_counter() - started, 1)
        log.info("socket", path=socket.scope["path"], seconds=seconds, **ids)
    if code is not None:
        with suppress(OSError, TimeoutError, WebSocketDisconnect):
            async with timeout(CLOSE_TIMEOUT):
                await socket.close(code)


async def _serve_accepted(
    socket: Socket, opening: _Opening, serve: Callable[[_Opening], Awaitable[CloseCode | None]]
) -> CloseCode | None:
    """Returns the close code, or `None` if the client disconnected."""
    try:
        return await serve(opening)
    except (OSError, WebSocketDisconnect):
        return None
    except SideProError as error:
        if not opening.is_complete:
            reason = error.reason if isinstance(error, Unavailable) else error.code
            log.warning("socket_refused", reason=reason, **opening.ids)
        return close_code(error)
    except Exception:  # Litestar has no exception handlers for sockets
        log.exception("socket_failed", path=socket.scope["path"], **opening.ids)
        return CloseCode.INTERNAL_ERROR

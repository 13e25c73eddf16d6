"""The chat socket: `hello`, what was missed, one `status`, then live; in exactly this order."""

import asyncio
import secrets
from contextlib import suppress
from typing import Any, cast

import msgspec
import structlog
from litestar import Router, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.params import FromPath

from sidepro.api.chat.frames import (
    ClientFrame,
    ClientReadFrame,
    ClientTypingFrame,
    ErrorFrame,
    HelloFrame,
    MessageFrame,
    SendFrame,
    decode,
    encode,
)
from sidepro.api.chat.handshake import (
    Handshake,
    Socket,
    deny,
)
from sidepro.api.chat.hub import (
    NO_SUCH_ROOM,
    NOT_AUTHENTICATED,
    Frame,
    Hub,
    SocketOutbox,
    status_frame,
)
from sidepro.api.chat.limits import FrameCount, SocketLimits
from sidepro.api.dependencies import GivenServices
from sidepro.api.routes.rooms import (
    MAX_SEQ,
    message_shape,
    room_shape,
)
from sidepro.api.validation_errors import decoding_error
from sidepro.domain.errors import (
    FieldError,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    RateLimited,
    SideProError,
    Unavailable,
)
from sidepro.domain.identity import Caller
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.room_service import MAX_REPLAY, RoomService

log = structlog.get_logger(__name__)

BAD_FRAMES_IN_A_ROW = 10
REPLAYED_AT_ONCE = 100
CLOSING = 5.0
"""Seconds that a close may take: the peer may not be reading."""

GONE = 1000
INTERNAL = 1011
TRY_LATER = 1013
TOO_MANY_BAD_FRAMES = 4400
TOO_MANY_FRAMES = 4429

CLOSE_CODES: dict[type[SideProError], int] = {
    NotAuthenticated: NOT_AUTHENTICATED,
    NotFound: NO_SUCH_ROOM,
    InvalidInput: TOO_MANY_BAD_FRAMES,
    RateLimited: TOO_MANY_FRAMES,
    Unavailable: TRY_LATER,
}


def close_code(error: Exception) -> int:
    """The close code of an error: that of the nearest class of the tree in the table."""
    for kind in type(error).__mro__:
        if kind in CLOSE_CODES:
            return CLOSE_CODES[kind]
    return INTERNAL


class ChatSession:
    """One socket of one person in one room."""

    def __init__(
        self,
        socket: Socket,
        caller: Caller,
        room_id: RoomId,
        hub: Hub,
        rooms: RoomService,
        connection: str,
        limits: SocketLimits | None = None,
    ) -> None:
        """The caller has been admitted; `connection` is a name that no other socket has."""
        self._socket = socket
        self._caller = caller
        self._room_id = room_id
        self._hub = hub
        self._rooms = rooms
        self._connection = connection
        self._limits = limits
        self._frame_count = FrameCount()
        self._outbox = SocketOutbox(caller.id, caller.session_id)
        self._delivered = 0
        self._marks: dict[UserId, int] = {}
        self._status: str | None = None
        self._bad_in_a_row = 0
        self._opened = asyncio.get_running_loop().create_future()

    async def run(self, after: int | None) -> int:
        """Talk until either side ends; the close code.

        Raises:
            NotFound: the room is no longer there for the caller.
        """
        await self._hub.join(self._room_id, self._outbox)
        try:
            await self._rooms.connect(self._caller, self._room_id, self._connection)
            tasks = [
                asyncio.create_task(self._send_all(after)),
                asyncio.create_task(self._receive_all()),
            ]
            for task in tasks:
                task.add_done_callback(self._outbox.end_with)
            try:
                return await self._outbox.ended
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            try:
                await self._hub.leave(self._room_id, self._outbox)
            finally:
                await self._rooms.disconnect(self._caller, self._room_id, self._connection)

    # -------------------------------------------------------------------------------- sending

    async def _send_all(self, after: int | None) -> int:
        await self._begin(after)
        self._opened.set_result(None)
        while True:
            await self._send_frame(await self._outbox.frames.get())

    async def _begin(self, after: int | None) -> None:
        room = await self._rooms.room(self._caller, self._room_id)
        recovered = after is None or room.last_seq - after <= MAX_REPLAY
        await self._send(encode(HelloFrame(room_shape(room), room.last_seq, after, recovered)))
        self._marks[self._caller.id] = room.read_seq
        if room.participant:
            self._marks[room.participant.id] = room.participant_read_seq
        self._delivered = room.last_seq
        if after is not None and recovered:
            self._delivered = min(after, room.last_seq)
            await self._fill(upto=room.last_seq)
        self._outbox.forget_statuses()
        await self._send_frame(status_frame(await self._rooms.presence_snapshot(self._room_id)))

    async def _send_frame(self, frame: Frame) -> None:
        if frame.is_status:
            if frame.text == self._status:
                return
            self._status = frame.text
        elif frame.reader:
            # One from before the hello, or looked up anew, may be older than what was told.
            if frame.seq <= self._marks.get(frame.reader, 0):
                return
            self._marks[frame.reader] = frame.seq
        elif frame.seq:
            if frame.seq <= self._delivered:
                return
            await self._fill(upto=frame.seq - 1 if frame.text else frame.seq)
            self._delivered = frame.seq
        if frame.text:
            await self._send(frame.text)

    async def _fill(self, upto: int) -> None:
        """Send what lies between the last message delivered and this number."""
        while self._delivered < upto:
            batch = min(upto, self._delivered + REPLAYED_AT_ONCE)
            for message in await self._rooms.messages_in_range(
                self._room_id, self._delivered, batch
            ):
                await self._send(encode(MessageFrame(message_shape(message))))
            self._delivered = batch

    async def _send(self, text: str) -> None:
        await self._socket.send({"type": "websocket.send", "text": text, "bytes": None})

    # ------------------------------------------------------------------------------ receiving

    async def _receive_all(self) -> int:
        # What is sent before the hello would be in its `last_seq`, and never be acknowledged.
        await self._opened
        code = None
        while code is None:
            code = await self._take(await self._socket.receive())
        return code

    async def _take(self, event: Any) -> int | None:
        """Do what a frame asks for; the close code when it is the last one."""
        if event["type"] == "websocket.disconnect":
            return GONE
        if self._limits and self._frame_count.is_too_many():
            return TOO_MANY_FRAMES
        text = cast("str | None", event.get("text"))
        try:
            frame = self._understood(text)
            if isinstance(frame, SendFrame):
                await self._store(frame)
            else:
                await self._do_to_the_end(frame)
            self._bad_in_a_row = 0
        except SideProError as error:
            is_bad = isinstance(error, InvalidInput)
            self._bad_in_a_row = self._bad_in_a_row + 1 if is_bad else 0
            self._tell_error(error, _client_id(text))
            # Frames that wait are given without a pause: who is told of this needs one.
            await asyncio.sleep(0)
        return TOO_MANY_BAD_FRAMES if self._bad_in_a_row >= BAD_FRAMES_IN_A_ROW else None

    @staticmethod
    def _understood(text: str | None) -> ClientFrame:
        """The frame.

        Raises:
            InvalidInput: it is none.
        """
        try:
            frame: ClientFrame = decode(text or "")
            return frame
        except msgspec.ValidationError as error:
            fault = decoding_error(error)
            raise InvalidInput(fault) from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidInput(FieldError("is not a JSON object")) from error

    async def _store(self, frame: SendFrame) -> None:
        """A message that came in is stored and told, also when the socket ends meanwhile."""
        if self._limits:
            await self._limits.count_message(self._caller)
        message, repeated = await self._rooms.send(
            self._caller, self._room_id, frame.body, frame.client_id
        )
        if repeated:
            # On this socket alone, whatever its place in the order.
            self._outbox.put(Frame(encode(MessageFrame(message_shape(message)))))

    async def _do_to_the_end(self, frame: ClientReadFrame | ClientTypingFrame) -> None:
        """Do it, also when the socket ends meanwhile: a transaction that is broken off on SQLite
        may leave its lock behind.
        """
        doing = asyncio.create_task(self._do(frame))
        try:
            await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.gather(doing, return_exceptions=True)
            raise

    async def _do(self, frame: ClientReadFrame | ClientTypingFrame) -> None:
        match frame:
            case ClientReadFrame(seq=seq):
                seen = min(seq, MAX_SEQ)
                await self._rooms.mark_read(self._caller, self._room_id, seen)
            case ClientTypingFrame():
                if self._limits is None or await self._limits.may_type(
                    self._caller, self._room_id
                ):
                    await self._rooms.typing(self._caller, self._room_id)

    def _tell_error(self, error: SideProError, client_id: str | None) -> None:
        self._outbox.put(Frame(encode(ErrorFrame(error.code, error.detail, client_id))))


def socket_router(door: Handshake, hub: Hub) -> Router:
    """The route of the socket."""

    @websocket("/rooms/{room_id:str}/socket")
    async def room_socket(socket: Socket, room_id: FromPath[str], services: GivenServices) -> None:
        if not door.takes_page_of(socket):
            await deny(socket)
            return
        await socket.accept()
        try:
            caller, room, after = await door.authorize(socket, room_id)
            connection = secrets.token_hex(8)
            async with door.reserve(caller, connection):
                conversation = ChatSession(
                    socket, caller, room, hub, services.rooms, connection, door.limits
                )
                code = await conversation.run(after)
        except (OSError, WebSocketDisconnect):
            return
        except SideProError as error:
            code = close_code(error)
        except Exception:  # Litestar has no exception handlers for sockets
            log.exception("socket_failed", room_id=room_id)
            code = INTERNAL
        if code != GONE:
            with suppress(OSError, TimeoutError, WebSocketDisconnect):
                async with asyncio.timeout(CLOSING):
                    await socket.close(code)

    return Router("/", route_handlers=[room_socket])


class _Named(msgspec.Struct):
    client_id: str | None = None


def _client_id(text: str | None) -> str | None:
    """The name of the message in a frame that may be wrong in every other way."""
    try:
        return msgspec.json.decode(text or "", type=_Named).client_id
    except (msgspec.DecodeError, RecursionError):
        return None

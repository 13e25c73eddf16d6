"""One socket of a room: `hello`, missed messages, one `status`, live frames, in this order."""

import asyncio
import json
from typing import Any, cast

import msgspec
import structlog

from sidepro.api.chat.close_codes import CloseCode
from sidepro.api.chat.frames import (
    ClientFrame,
    ClientReadFrame,
    ClientTypingFrame,
    ErrorFrame,
    HelloFrame,
    SendFrame,
    decode,
    encode,
)
from sidepro.api.chat.handshake import Resumption, Socket
from sidepro.api.chat.hub import Hub
from sidepro.api.chat.limits import MAX_BAD_FRAMES, FrameCounter, SocketLimits
from sidepro.api.chat.outbox import Frame, Outbox
from sidepro.api.chat.room_events import message_frame, status_frame
from sidepro.api.routes.rooms import MAX_SEQ, room_schema
from sidepro.api.validation_errors import decoding_error
from sidepro.domain.channels import Channel
from sidepro.domain.errors import FieldError, InvalidInput, SideProError, Unavailable
from sidepro.domain.identity import Caller
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.room_service import MAX_REPLAY, RoomService
from sidepro.domain.violations import wrong_type
from sidepro.domain.waiting import begin_waits, continue_waits, end_waits

log = structlog.get_logger(__name__)

REPLAY_BATCH = 100
"""Missed messages per read."""


class ChatSession:
    """One socket of one participant in one room."""

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
        """The caller is authorized. `connection` is unique among all sockets."""
        self._socket = socket
        self._caller = caller
        self._room_id = room_id
        self._hub = hub
        self._rooms = rooms
        self._connection = connection
        self._limits = limits
        self._frame_counter = FrameCounter()
        self._outbox = Outbox(caller.id, caller.session_id)
        self._last_sent_seq = 0
        self._read_positions: dict[UserId, int] = {}
        self._status: str | None = None
        self._bad_frames = 0
        self._started = asyncio.get_running_loop().create_future()

    async def run(self, resumption: Resumption) -> CloseCode | None:
        """Serve the socket. Returns its close code, or `None` if the client disconnected.

        Raises:
            NotFound: the caller no longer has this room.
            Unavailable: a store is down.
        """
        channel = Channel.room(self._room_id)
        await self._hub.join(channel, self._outbox)
        try:
            await self._rooms.connect(self._caller, self._room_id, self._connection)
            return await self._outbox.run(self._send_loop(resumption), self._receive_loop())
        finally:
            end_waits()
            try:
                await self._hub.leave(channel, self._outbox)
            finally:
                await self._rooms.disconnect(self._caller, self._room_id, self._connection)

    # -------------------------------------------------------------------------------- sending

    async def _send_loop(self, resumption: Resumption) -> CloseCode | None:
        continue_waits()  # of the opening
        await self._start(resumption)
        end_waits()
        self._started.set_result(None)
        while True:
            await self._send_frame(await self._outbox.frames.get())

    async def _start(self, resumption: Resumption) -> None:
        after = resumption.after
        epoch = await self._rooms.epochs.current()
        room = await self._rooms.room(self._caller, self._room_id)
        recovered = resumption.epoch in (None, epoch) and (
            after is None or room.last_seq - after <= MAX_REPLAY
        )
        hello = HelloFrame(room_schema(room), room.last_seq, after, recovered, epoch)
        await self._send(encode(hello))
        self._read_positions[self._caller.id] = room.read_seq
        if room.participant:
            self._read_positions[room.participant.id] = room.participant_read_seq
        self._last_sent_seq = room.last_seq
        if after is not None and recovered:
            self._last_sent_seq = min(after, room.last_seq)
            await self._send_missing(upto=room.last_seq)
        self._outbox.drop_statuses()
        snapshot = await self._rooms.room_snapshot(self._room_id)
        # A block that begins or ends during the read is handled by its event, after which the room
        # is read again.
        self._outbox.is_muted |= snapshot.room.is_blocked
        await self._send_frame(status_frame(snapshot.presence(self._caller.id)))

    async def _send_frame(self, frame: Frame) -> None:
        """Send a frame of the outbox, unless the client already has it or a newer one."""
        if frame.is_signal and self._outbox.is_muted:
            return
        if frame.is_status:
            if frame.text == self._status:
                return
            self._status = frame.text
        elif frame.reader:
            if frame.seq <= self._read_positions.get(frame.reader, 0):
                return
            self._read_positions[frame.reader] = frame.seq
        elif frame.seq:
            if frame.seq <= self._last_sent_seq:
                return
            await self._send_missing(upto=frame.seq - 1 if frame.text else frame.seq)
            self._last_sent_seq = frame.seq
        if frame.text:
            await self._send(frame.text)

    async def _send_missing(self, upto: int) -> None:
        """Send the messages after the last one sent, up to this number."""
        while self._last_sent_seq < upto:
            if self._started.done():
                begin_waits()
            end = min(upto, self._last_sent_seq + REPLAY_BATCH)
            for message in await self._rooms.messages_in_range(
                self._caller, self._room_id, self._last_sent_seq, end
            ):
                await self._send(message_frame(message).text)
            self._last_sent_seq = end

    async def _send(self, text: str) -> None:
        await self._socket.send({"type": "websocket.send", "text": text, "bytes": None})

    # ------------------------------------------------------------------------------ receiving

    async def _receive_loop(self) -> CloseCode | None:
        # `hello` counts a message stored before it in `last_seq`, so the message would never be
        # delivered.
        await self._started
        while True:
            event = await self._socket.receive()
            if event["type"] == "websocket.disconnect":
                return None
            if self._limits and not self._frame_counter.count():
                return CloseCode.RATE_LIMITED
            await self._handle_text(cast("str | None", cast("Any", event).get("text")))
            if self._bad_frames >= MAX_BAD_FRAMES:
                return CloseCode.INVALID

    async def _handle_text(self, text: str | None) -> None:
        """Handle a frame. The response to an error is an `error` frame."""
        begin_waits()
        try:
            await self._handle(_decode(text))
            self._bad_frames = 0
        except SideProError as error:
            if isinstance(error, Unavailable):
                log.warning("unavailable", reason=error.reason)
            self._bad_frames = self._bad_frames + 1 if isinstance(error, InvalidInput) else 0
            self._outbox.put(Frame(encode(ErrorFrame(error.code, error.detail, _client_id(text)))))
        # Received frames may be queued: let the send loop run between them.
        await asyncio.sleep(0)

    async def _handle(self, frame: ClientFrame) -> None:
        match frame:
            case SendFrame(body=body, client_id=client_id):
                await self._store(body, client_id)
            case ClientReadFrame(seq=seq):
                await self._mark_read(min(seq, MAX_SEQ))
            case ClientTypingFrame() if self._outbox.is_muted:
                pass
            case ClientTypingFrame():
                if not self._limits or await self._limits.count_typing(
                    self._caller, self._room_id
                ):
                    await self._rooms.typing(self._caller, self._room_id)

    async def _store(self, body: str, client_id: str) -> None:
        if self._limits:
            await self._limits.count_message(self._caller)
        result = await self._rooms.send(self._caller, self._room_id, body, client_id)
        if result.duplicate:
            # Answered on this socket only, regardless of the order of messages.
            self._outbox.put(Frame(message_frame(result.message).text))

    async def _mark_read(self, seq: int) -> None:
        """Completes even if the socket closes: a cancelled transaction on SQLite may leave its
        lock behind.
        """

        async def mark() -> None:
            continue_waits()
            await self._rooms.mark_read(self._caller, self._room_id, seq)

        marking = asyncio.create_task(mark())
        try:
            await asyncio.shield(marking)
        except asyncio.CancelledError:
            await asyncio.gather(marking, return_exceptions=True)
            raise


class _ClientId(msgspec.Struct):
    client_id: str | None = None


def _decode(text: str | None) -> ClientFrame:
    """Decode a frame.

    Raises:
        InvalidInput: the text is not a valid frame.
    """
    try:
        frame: ClientFrame = decode(text or "")
        return frame
    except msgspec.ValidationError as error:
        raise InvalidInput(decoding_error(error, ClientFrame)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(FieldError(wrong_type("a JSON object"))) from error


def _client_id(text: str | None) -> str | None:
    """The client id of a frame that may be otherwise invalid."""
    try:
        return msgspec.json.decode(text or "", type=_ClientId).client_id
    except msgspec.ValidationError:
        return None
    except (msgspec.DecodeError, RecursionError):
        return _client_id_beside_a_surrogate(text or "")


def _client_id_beside_a_surrogate(text: str) -> str | None:
    """As `_client_id`. Python's own decoder takes lone surrogates, as JavaScript sends them."""
    try:
        found = json.loads(text)
        client_id = found.get("client_id") if isinstance(found, dict) else None
        if isinstance(client_id, str):
            client_id.encode()  # fails if the surrogate is here
            return client_id
    except (ValueError, RecursionError):
        pass
    return None

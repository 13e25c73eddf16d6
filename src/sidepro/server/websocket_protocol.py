"""uvicorn's WebSocket protocol with bounds on frames, time and memory.

- Pings, pongs and fragments count: a socket that sends more than `FRAMES_PER_SECOND` of them in
  the long run is closed with 4429. The application counts whole messages. A frame before the
  response to the handshake ends the connection.
- A socket parses a slice of its input at a time, and only after the application has taken the
  previous message. So sockets take turns and queue no messages.
- A closed connection ends within `CLOSE_TIMEOUT`. Otherwise a peer that stopped reading would keep
  it and its buffers as long as the peer's kernel answers.
- A head that the HTTP protocol took, up to 64 KiB, is taken here too.
- A client whose answer to a ping waits behind messages that the application has not taken yet is
  not disconnected: the server is slow, not the client.
- Data of the handshake is freed after it, and the queue is small, because a socket is open for
  hours.
"""

import asyncio
from typing import Any, cast

import msgspec
import structlog
from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets import http11
from websockets.frames import Frame
from websockets.http11 import Request, Response

from sidepro.api.chat.close_codes import CloseCode
from sidepro.api.chat.outbox import CompactQueue
from sidepro.http.problems.documents import MEDIA_TYPE, REJECTIONS, problem_document
from sidepro.server.http_protocol import MAX_HEAD, ServerConfig

log = structlog.get_logger(__name__)

CLOSE_TIMEOUT = 4.0
"""Seconds for a closed connection to read the remaining output, including the close frame."""

FRAME_BURST = 300
FRAMES_PER_SECOND = 50
"""The longest message in fragments of half a kilobyte fits into the burst."""

SLICE = 2048
"""Bytes parsed at a time: at most 341 frames."""

SLICES_PER_TURN = 8

# The HTTP protocol has bounded the head already. Without an answer to its own, lower bounds,
# websockets would keep the connection of a browser with many cookies waiting.
http11.MAX_LINE_LENGTH = MAX_HEAD
http11.MAX_NUM_HEADERS = MAX_HEAD // len("a:\r\n")


class TimeoutWebSocketProtocol(WebSocketsSansIOProtocol):
    """One socket."""

    _close_timer: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # An empty asyncio.Queue takes 3 kB.
        self.queue = cast("Any", CompactQueue())
        # A stopping server adds `Connection: close`, which would refuse the upgrade.
        self.default_headers = [pair for pair in self.default_headers if pair[0] != b"connection"]
        self._unparsed = memoryview(b"")
        self._resumed_at = 0.0
        self._frames_left = float(FRAME_BURST)
        self._counted_at = self.loop.time()
        self._base_path = cast("ServerConfig", self.config).base_path
        self._accept = self.conn.accept
        self.conn.accept = self._accept_or_explain  # type: ignore[method-assign] # no hook for it

    def _accept_or_explain(self, request: Request) -> Response:
        """The response to the handshake. A problem document if it is refused."""
        response = self._accept(request)
        if response.status_code != 101:
            log.warning(
                "socket_refused",
                reason="bad-handshake",
                address=self.client and self.client[0],
            )
            status = 426 if response.status_code == 426 else 400
            detail = REJECTIONS[status][1] if status == 426 else "The handshake is not valid."
            code = REJECTIONS[status][0]
            body = msgspec.json.encode(
                problem_document(response.status_code, code, detail, base_path=self._base_path)
            )
            for name, value in (
                ("Content-Type", MEDIA_TYPE),
                ("Content-Length", str(len(body))),
            ):
                del response.headers[name]
                response.headers[name] = value
            response.headers["Sec-WebSocket-Version"] = "13"  # the client may have sent another
            response.body = body
        return response

    # --------------------------------------------------------------------------------- reading

    def data_received(self, data: bytes) -> None:
        if len(self._unparsed) or len(data) > SLICE:
            self._unparsed = memoryview(bytes(self._unparsed) + data)
            self._parse_slices()
        else:
            super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._refuse_head()

    def _parse_slices(self) -> None:
        for _ in range(SLICES_PER_TURN):
            if not len(self._unparsed) or self.read_paused:
                return
            if self.transport.is_closing():
                self._unparsed = memoryview(b"")
                return
            piece, self._unparsed = self._unparsed[:SLICE], self._unparsed[SLICE:]
            super().data_received(bytes(piece))
        if len(self._unparsed) and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()
            self.loop.call_soon(self._continue_parsing)

    def _continue_parsing(self) -> None:
        if self.queue.empty():
            self._resume_reading()
        self._parse_slices()

    def _refuse_head(self) -> None:
        """Answer a head that the HTTP protocol took and the WebSocket parser did not."""
        log.warning(
            "socket_refused", reason="bad-handshake", address=self.client and self.client[0]
        )
        code, _ = REJECTIONS[400]
        body = msgspec.json.encode(
            problem_document(400, code, "The handshake is not valid.", base_path=self._base_path)
        )
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.handshake_initiated = self.handshake_complete = self.close_sent = True
        self._unparsed = memoryview(b"")
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _resume_reading(self) -> None:
        if self.read_paused and not self.transport.is_closing():
            self.read_paused = False
            self._resumed_at = self.loop.time()
            self.transport.resume_reading()

    async def receive(self) -> ASGIReceiveEvent:
        was_paused = self.read_paused
        message = await super().receive()
        if was_paused:
            self._resumed_at = self.loop.time()
        self._parse_slices()
        return message

    # ---------------------------------------------------------------------------------- frames

    def send_receive_event_to_app(self) -> None:
        # uvicorn logs a traceback for text that is not UTF-8.
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                address = self.client and self.client[0]
                log.warning("socket_refused", reason="invalid_utf8", address=address)
                self.conn.fail(CloseCode.INVALID_TEXT)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_cont(self, event: Frame) -> None:
        if self._counts_frame():
            super().handle_cont(event)

    def handle_text(self, event: Frame) -> None:
        if self._counts_frame(is_message=event.fin):
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        if self._counts_frame(is_message=event.fin):
            super().handle_bytes(event)

    def handle_ping(self) -> None:
        if self._counts_frame():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if self._counts_frame():
            super().handle_pong(event)

    def _counts_frame(self, *, is_message: bool = False) -> bool:
        """Count a frame unless it is a whole message. Returns whether to handle it."""
        if self.close_sent:
            return False
        if not self.handshake_complete:
            # A client waits for the response before it sends (RFC 6455, section 4.1).
            self._close_at_once("frame_before_handshake")
            return False
        if is_message:
            return True
        now = self.loop.time()
        earned = (now - self._counted_at) * FRAMES_PER_SECOND
        self._frames_left = min(FRAME_BURST, self._frames_left + earned) - 1
        self._counted_at = now
        if self._frames_left >= 0:
            return True
        self.conn.fail(CloseCode.RATE_LIMITED, "too many frames")
        self.handle_parser_exception()
        self._close_at_once("too_many_frames")
        return False

    def _close_at_once(self, reason: str) -> None:
        log.warning("socket_refused", reason=reason, address=self.client and self.client[0])
        self._unparsed = memoryview(b"")
        if self.close_sent:
            self._start_close_timer()
        else:
            self.close_sent = True
            self.transport.abort()

    # ------------------------------------------------------------------------------------- end

    async def send(self, message: ASGISendEvent) -> None:
        try:
            await super().send(message)
        except RuntimeError as error:
            # uvloop raises it until uvicorn has noticed that the connection is closed.
            if self.transport.is_closing():
                raise ClientDisconnected from error
            raise
        if message["type"] == "websocket.accept":
            # The application has its own copy. The parser would keep the request.
            self.request.headers.clear()
            del self.request, self.response

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._start_close_timer()

    def keepalive_timeout(self) -> None:
        timeout = self.ping_timeout or 0.0
        is_behind = self.read_paused or len(self._unparsed) > 0
        was_behind = self.loop.time() - self._resumed_at < timeout
        if not self.close_sent and (is_behind or was_behind):
            self.pong_timer = self.loop.call_later(timeout, self.keepalive_timeout)
            return
        super().keepalive_timeout()
        self._start_close_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._close_timer:
            self._close_timer.cancel()
        self._unparsed = memoryview(b"")
        super().connection_lost(exc)

    def _start_close_timer(self) -> None:
        if not self.disconnected and self._close_timer is None:
            self._close_timer = self.loop.call_later(CLOSE_TIMEOUT, self.transport.abort)

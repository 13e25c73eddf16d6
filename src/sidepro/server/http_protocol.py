"""uvicorn's HTTP protocol with bounds on input before it reaches the application.

uvicorn bounds neither the size of a request's head nor the time that a client takes to send it,
and it reads on while pipelined requests queue. This protocol adds bounds:

- A head has at most `MAX_HEAD` bytes (431) and arrives within `HEAD_TIMEOUT` (408).
- A client sends at least `MIN_PROGRESS` bytes of a body per `PROGRESS_WINDOW` (408), and reads at
  least as much of a response per `WRITE_TIMEOUT`, or the connection is dropped.
- The server does not read while a request of the same connection waits for an earlier one.
- A process has at most `max_connections`. A further connection replaces the one that has waited
  longest for its client. If none is waiting, it is refused with 503.
"""

import asyncio
import resource
from typing import Any, NoReturn, cast

import httptools
import msgspec
import structlog
import uvicorn
from litestar.types import ASGIApp
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from sidepro.domain.errors import Unavailable
from sidepro.http.middleware.middleware import ResponseAborted
from sidepro.http.problems.documents import MEDIA_TYPE, REJECTIONS, problem_document

log = structlog.get_logger(__name__)

MAX_HEAD = 64 * 1024
"""Bytes of a request line with its header fields."""

HEAD_TIMEOUT = 10.0
"""Seconds from the connection, or from the first byte of a later request, to the head's end."""

PROGRESS_WINDOW = 10.0
"""Seconds in which a client must send `MIN_PROGRESS` bytes of a body."""

MIN_PROGRESS = 1024
"""Bytes."""

WRITE_TIMEOUT = 30.0
"""Seconds in which a client must read `MIN_PROGRESS` bytes of a response that waits for it."""

SLICE = 4096
"""Bytes parsed at a time. Bounds the pipelined requests that one read can queue."""

LINGER = 1.0
"""Seconds for the client to read a refusal before the connection is closed."""

MAX_DISCARDED = 256 * 1024
"""Maximum bytes that a refused client may still send meanwhile."""

RESERVED_FILES = 96
"""Open files reserved for databases, Redis, images and logs."""

REFUSALS = {
    400: REJECTIONS[400],
    408: ("request-timeout", "The request did not arrive in time."),
    431: ("head-too-large", "The request line and header fields exceed 64 KiB."),
    503: (Unavailable.code, Unavailable.detail),
}
"""Code and detail by status."""


def default_max_connections() -> int:
    """The number of connections that the limit of open files allows."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(soft - RESERVED_FILES, soft // 4)


class ServerConfig(uvicorn.Config):
    """uvicorn's settings, and the state that the connections of a server share."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_connections: int | None = None,
        base_path: str = "",
        **options: Any,
    ) -> None:
        """`base_path` is the path of the public address."""
        super().__init__(cast("Any", app), http=BoundedHttpProtocol, **options)
        self.max_connections = max_connections or default_max_connections()
        self.base_path = base_path
        self.waiting: dict[BoundedHttpProtocol, None] = {}
        """Connections that wait for data of their client, the longest wait first."""


class _Flow(FlowControl):
    """Flow control that does not resume reading while requests queue."""

    holds_reading = False

    def resume_reading(self) -> None:
        if not self.holds_reading:
            super().resume_reading()


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection. `check_progress` is called about once a second."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._app = self.app
        self.app = self._serve
        self._max_connections = config.max_connections
        self._waiting = config.waiting
        self._base_path = config.base_path
        self._unparsed = memoryview(b"")
        self._head_deadline: float | None = None
        self._head_size = 0
        self._fed_of_head = 0
        self._receives_message = False
        self._refusal: int | None = None
        self._is_refused = False
        self._discarded = 0
        self._flow: _Flow
        self._body_size = 0
        self._body_checked = (0.0, 0)
        self._write_checked: tuple[float, int] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a response is in progress."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # uvicorn's type leaves `None` out
        return cycle is not None and not cycle.response_complete

    # ------------------------------------------------------------------------------ connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it alike
        super().connection_made(transport)
        self.flow = self._flow = _Flow(transport)
        self._head_deadline = self.loop.time() + HEAD_TIMEOUT
        if len(self.connections) > self._max_connections:
            longest = next(iter(self._waiting), None)
            if longest is None:
                self._refuse(503)
                return
            log.warning("connection_evicted", address=_address(longest))
            del self._waiting[longest]
            longest.transport.close()
        self._waiting[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.pop(self, None)
        self._unparsed = memoryview(b"")
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._waiting.pop(self, None)
        super().handle_websocket_upgrade()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        """Call the application, and close the connection if it aborts a response.

        Drops data that it sends to a closed connection: uvloop raises until uvicorn has noticed
        the end.
        """

        async def send_if_open(message: Any) -> None:
            try:
                await send(message)
            except RuntimeError:
                if not self.transport.is_closing():
                    raise

        try:
            await self._app(scope, receive, send_if_open)
        except ResponseAborted:
            self.cycle.disconnected = True  # else uvicorn logs that the response is incomplete
            self.transport.close()

    # --------------------------------------------------------------------------------- reading

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            self._discarded += len(data)
            if self._discarded > MAX_DISCARDED:
                self.transport.abort()
            return
        if self._head_deadline is None and not self._receives_message:
            self._head_deadline = self.loop.time() + HEAD_TIMEOUT
        if len(self._unparsed) or len(data) > SLICE:
            self._unparsed = memoryview(bytes(self._unparsed) + data)
            self._parse_slices()
        else:
            self._parse(data)
            self._hold_reading_while_queued()

    def _parse_slices(self) -> None:
        while len(self._unparsed) and not self.pipeline and not self._is_refused:
            piece, self._unparsed = self._unparsed[:SLICE], self._unparsed[SLICE:]
            self._parse(bytes(piece))
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                self._unparsed = memoryview(b"")
                return
        self._hold_reading_while_queued()

    def _parse(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_deadline is not None:
            # The parser reports a field only when it is complete.
            self._fed_of_head += len(data)
            if self._fed_of_head > MAX_HEAD and not self._is_refused:
                self._refuse(431)

    def _hold_reading_while_queued(self) -> None:
        self._flow.holds_reading = bool(self.pipeline)
        if self._flow.holds_reading:
            self.flow.pause_reading()

    # ------------------------------------------------------------------------- parser callbacks

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_deadline is None:
            self._head_deadline = self.loop.time() + HEAD_TIMEOUT
        self._head_size = 0
        self._fed_of_head = 0
        self._receives_message = True

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._head_size += len(url)
        if self._head_size > MAX_HEAD:
            self._reject_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head_size += len(name) + len(value) + 4
        if self._head_size > MAX_HEAD:
            self._reject_head()

    def _reject_head(self) -> NoReturn:
        self._refusal = 431
        raise httptools.HttpParserError("head too large")

    def on_headers_complete(self) -> None:
        self._head_deadline = None
        self._body_size = 0
        self._body_checked = (self.loop.time(), 0)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._receives_message = False
        self._waiting.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if not self.pipeline:
            self._waiting[self] = None
            self._flow.holds_reading = False
            if len(self._unparsed):
                # Not here, because a response can complete inside the parser.
                self.loop.call_soon(self._parse_slices)
        self._hold_reading_while_queued()

    # -------------------------------------------------------------------------------- refusing

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        self._refuse(self._refusal or 400)

    def _refuse(self, status: int) -> None:
        """Respond to a request without calling the application, and close."""
        self._is_refused = True
        self._unparsed = memoryview(b"")
        self._waiting.pop(self, None)
        log.warning("request_refused", status=status, address=_address(self))
        if self.is_busy and not self._takes_over(self.cycle):
            # The response in progress must not be mixed with this one.
            self.transport.close()
            return
        body = msgspec.json.encode(
            problem_document(status, *REFUSALS[status], base_path=self._base_path)
        )
        lines = [
            STATUS_LINE[status],
            *(b"%b: %b\r\n" % pair for pair in self.server_state.default_headers),
            b"content-type: %b\r\n" % MEDIA_TYPE.encode(),
            b"content-length: %d\r\n" % len(body),
            *((b"retry-after: 1\r\n",) if status == 503 else ()),
            b"connection: close\r\n\r\n",
            body,
        ]
        self.transport.write(b"".join(lines))
        # Closing with unread input resets the connection, so the client would miss the response.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.abort)

    def _takes_over(self, cycle: RequestResponseCycle) -> bool:
        """Respond instead of the application, unless it has started its response."""
        if cycle.response_started or self.pipeline:
            return False
        cycle.disconnected = True
        cycle.message_event.set()
        return True

    # ------------------------------------------------------------------------------- deadlines

    def check_progress(self, now: float) -> None:
        """Refuse or drop a client that is too slow."""
        if self._is_refused:
            return
        if self._is_blocked_too_long(now):
            log.warning("slow_reader_dropped", address=_address(self))
            self.transport.abort()
        elif self.flow.read_paused:
            # The application is slow, not the client.
            self._body_checked = (now, self._body_size)
            if self._head_deadline is not None:
                self._head_deadline = now + HEAD_TIMEOUT
        elif self._head_deadline is not None:
            if now > self._head_deadline:
                self._refuse(408)
        elif self._receives_message:
            since, size = self._body_checked
            if now - since > PROGRESS_WINDOW:
                if self._body_size - size < MIN_PROGRESS:
                    self._refuse(408)
                self._body_checked = (now, self._body_size)

    def _is_blocked_too_long(self, now: float) -> bool:
        size = self.transport.get_write_buffer_size()
        if not self.flow.write_paused and not (size and self.transport.is_closing()):
            self._write_checked = None
            return False
        if self._write_checked is None or self._write_checked[1] - size >= MIN_PROGRESS:
            self._write_checked = (now, size)
        return now - self._write_checked[0] > WRITE_TIMEOUT


def _address(connection: HttpToolsProtocol) -> str | None:
    return connection.client[0] if connection.client else None

"""uvicorn's WebSocket protocol with a timeout on closing, and with less memory per socket.

A closed transport waits until the peer has read everything that was written. A peer that stops
reading, or that is gone, would keep the connection and its buffers until the kernel gives up,
which is never if the peer's kernel still responds.

A socket is open for hours, so what only the handshake needs is released.
"""

import asyncio
from typing import Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from sidepro.api.chat.outbox import CompactQueue

CLOSE_TIMEOUT = 4.0
"""Seconds that the peer gets to read what was written, with the close frame at the end."""


class TimeoutWebSocketProtocol(WebSocketsSansIOProtocol):
    """Aborts a connection that does not close in time."""

    _close_timer: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # An empty asyncio.Queue takes 3 kB.
        self.queue = cast("Any", CompactQueue())
        # A stopping server adds `Connection: close` to responses; it would refuse the upgrade.
        self.default_headers = [pair for pair in self.default_headers if pair[0] != b"connection"]

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.accept":
            # The application has its own copy of the headers; the parser keeps the request.
            self.request.headers.clear()
            del self.request, self.response

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._start_close_timer()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._start_close_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._close_timer:
            self._close_timer.cancel()
        super().connection_lost(exc)

    def _start_close_timer(self) -> None:
        if not self.disconnected and self._close_timer is None:
            self._close_timer = self.loop.call_later(CLOSE_TIMEOUT, self.transport.abort)

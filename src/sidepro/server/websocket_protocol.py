"""uvicorn's WebSocket protocol, with an end to its patience, and with less to carry.

A transport that is closed waits until the peer has taken all that was written. One that reads no
more, or that is no longer there, would keep its connection and its buffers for as long as the
kernel hopes, which is for ever when the peer's kernel still answers.

A socket is open for hours: what only its opening needed is let go, and its queue is a small one.
"""

import asyncio
from typing import Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from sidepro.api.chat.outbox import CompactQueue

ENDED_WITHIN = 4.0
"""Seconds that a closed connection gets to take what was written, the close frame last."""


class TimeoutWebSocketProtocol(WebSocketsSansIOProtocol):
    """Breaks a connection off that does not end by itself."""

    _last_moment: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.queue = cast("Any", CompactQueue())
        # A server that stops gives one to every answer; here it would refuse the upgrade.
        self.default_headers = [pair for pair in self.default_headers if pair[0] != b"connection"]

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.accept":
            # The application has its own copy. The parser holds on to the request itself.
            self.request.headers.clear()
            del self.request, self.response

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._end_soon()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._end_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._last_moment:
            self._last_moment.cancel()
        super().connection_lost(exc)

    def _end_soon(self) -> None:
        if not self.disconnected and self._last_moment is None:
            self._last_moment = self.loop.call_later(ENDED_WITHIN, self.transport.abort)

"""uvicorn's server, with an end that loses no call.

uvicorn closes the listening socket although connections wait to be accepted, and connections whose
request has not been read yet: calls that come at the moment of the end are reset. This one takes
in all that came, lets every answer say that it is the last one of its connection, and closes what
stays idle. Who is refused after that, such as a proxy, knows that nothing was done.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

IDLE_FOR = 0.5
"""Seconds that a connection without a request under way gets to send one when the server stops."""

LOOK_EVERY = 0.02


class DrainingServer(uvicorn.Server):
    """Calls `on_start` as soon as it serves."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.server_state.default_headers = [
            *self.server_state.default_headers,
            (b"connection", b"close"),
        ]
        await self._take_in(sockets or [])
        await self._answer_what_came()
        await super().shutdown(sockets)

    async def _take_in(self, sockets: Sequence[socket.socket]) -> None:
        """Stop listening, with nobody left who was connected already."""
        listeners = [one.dup() for one in sockets]
        for server in self.servers:
            server.close()
        came = []
        for listener, original in zip(listeners, sockets, strict=True):
            with listener:
                listener.setblocking(False)
                original.close()
                while (connection := _accepted(listener)) is not None:
                    came.append(connection)
        for connection in came:
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> HttpToolsProtocol:
        return HttpToolsProtocol(self.config, self.server_state, self.lifespan.state)

    async def _answer_what_came(self) -> None:
        """Give what is or may be on its way a moment; answers end their connections."""
        loop = asyncio.get_running_loop()
        until = loop.time() + IDLE_FOR
        while loop.time() < until:
            may_send = False
            for connection in tuple(self.server_state.connections):
                if not isinstance(connection, HttpToolsProtocol):
                    continue
                cycle: RequestResponseCycle | None = connection.cycle  # uvicorn's type is wrong
                if cycle is None or cycle.response_complete:
                    may_send = True
                else:
                    connection.shutdown()  # once it is answered
            if not may_send:
                return
            await asyncio.sleep(LOOK_EVERY)


def _accepted(listener: socket.socket) -> socket.socket | None:
    """A connection that waits, if there is one."""
    try:
        connection, _ = listener.accept()
    except OSError:  # nobody, or somebody who has gone
        return None
    connection.setblocking(False)
    return connection

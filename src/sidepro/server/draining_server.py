"""A uvicorn server with deadlines that drops no request when it stops.

uvicorn closes the listening socket while connections wait to be accepted, and closes connections
whose request it has not read yet: clients see a reset. This server accepts the waiting
connections, sends `Connection: close` with every response, and gives idle connections half a
second for a last request. After that, a client or proxy whose connection is refused can safely
retry.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence

import uvicorn

from sidepro.server.http_protocol import BoundedHttpProtocol, ServerConfig

IDLE_TIMEOUT = 0.5
"""Seconds for an idle connection to send a last request when the server stops."""

POLL_INTERVAL = 0.02


class DrainingServer(uvicorn.Server):
    """Calls `on_start` when it is ready to serve."""

    def __init__(self, config: ServerConfig, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._config = config
        self._on_start = on_start

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.server_state.connections):
                if isinstance(connection, BoundedHttpProtocol):
                    connection.check_progress(now)
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.server_state.default_headers = [
            *self.server_state.default_headers,
            (b"connection", b"close"),
        ]
        await self._accept_backlog(sockets or [])
        await self._drain_connections()
        await super().shutdown(sockets)

    async def _accept_backlog(self, sockets: Sequence[socket.socket]) -> None:
        """Stop listening, and serve the connections in the listeners' backlogs."""
        listeners = [listener.dup() for listener in sockets]
        for server in self.servers:
            server.close()
        accepted = []
        for listener, original in zip(listeners, sockets, strict=True):
            with listener:
                listener.setblocking(False)
                original.close()
                while (connection := _accept(listener)) is not None:
                    accepted.append(connection)
        for connection in accepted:
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> BoundedHttpProtocol:
        return BoundedHttpProtocol(self._config, self.server_state, self.lifespan.state)

    async def _drain_connections(self) -> None:
        """Wait until no connection is idle: a busy one closes after its response."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + IDLE_TIMEOUT
        while loop.time() < deadline:
            has_idle = False
            for connection in tuple(self.server_state.connections):
                if not isinstance(connection, BoundedHttpProtocol):
                    continue
                if not connection.is_busy:
                    has_idle = True
                else:
                    connection.shutdown()  # closes after the response
            if not has_idle:
                return
            await asyncio.sleep(POLL_INTERVAL)


def _accept(listener: socket.socket) -> socket.socket | None:
    """A connection of the backlog; `None` if it is empty."""
    try:
        connection, _ = listener.accept()
    except OSError:  # no connection, or its client has disconnected
        return None
    connection.setblocking(False)
    return connection

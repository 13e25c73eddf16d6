"""A server with our protocols and an application of the test, and what its clients do."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from sidepro.server.draining_server import DrainingServer
from sidepro.server.uvicorn_config import uvicorn_config
from sidepro.settings import Settings
from tests.clients import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = (
    HEAD + b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Server:
    """An application that answers each request with its number, or does what a test says."""

    def __init__(self, serve: Callable[..., Awaitable[None]] | None, **options: Any) -> None:
        config = uvicorn_config(Settings(), self)
        config.lifespan = "off"
        for name, value in options.items():
            setattr(config, name, value)
        self._serve = serve
        self.config = config
        self.served = 0
        self.longest_queue = self.most_unparsed = 0
        self.errors: list[BaseException] = []
        self.server = DrainingServer(config, lambda: None)
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.served += 1
        connections: Any = self.server.server_state.connections
        queues = [len(one.pipeline) for one in connections if hasattr(one, "pipeline")]
        self.longest_queue = max(self.longest_queue, *queues, 0)
        unparsed = [len(one._unparsed) for one in connections if hasattr(one, "pipeline")]
        self.most_unparsed = max(self.most_unparsed, *unparsed, 0)
        try:
            await (self._serve or self._answer)(scope, receive, send)
        except BaseException as error:
            self.errors.append(error)
            raise

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while (await receive())["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": "received"})
            return
        while (await receive()).get("more_body"):
            pass
        await answer(send, str(self.served).encode())

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        return reader, writer

    async def close(self) -> None:
        """Close all connections, then the server."""
        for writer in self._writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        self.server.should_exit = True


async def answer(send: Any, body: bytes) -> None:
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(
    serve: Callable[..., Awaitable[None]] | None = None, **options: Any
) -> AsyncIterator[Server]:
    app = Server(serve, **options)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app.port = listener.getsockname()[1]
        running = asyncio.create_task(app.server.serve([listener]))
        try:
            yield app
        finally:
            await app.close()
            async with asyncio.timeout(TIMEOUT):
                await running


async def answered(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The status and the body of the next response."""
    async with asyncio.timeout(TIMEOUT):
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split()[1])
        (length,) = (
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        return status, await reader.readexactly(length)


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    """What comes until the server closes the connection."""
    async with asyncio.timeout(TIMEOUT):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


async def drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send the same bytes again and again, ten times a second, until the connection breaks."""
    try:
        while True:
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0.1)
    except ConnectionError:
        return

"""A network between browser and server that tests may cut."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from tests.servers import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHUNK = 65_536


class Relay:
    """Forwards connections from a port of this machine to a server on another port.

    Playwright's `set_offline` only delays what sockets send and receive. This cuts them.
    """

    def __init__(self, port: int, server_port: int) -> None:
        self.url = f"http://{HOST}:{port}"
        self._port = port
        self._server_port = server_port
        self._listener: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._thawed = _set_event()
        self._lost: list[asyncio.Event] = []
        self._answer: bytes | None = None

    async def restore(self) -> None:
        """Forwards connections, for the first time or again."""
        self._answer = None
        if self._listener:
            return
        self._listener = await asyncio.start_server(self._forward, HOST, self._port)

    async def cut(self) -> None:
        """Resets all connections and refuses new ones."""
        if self._listener:
            self._listener.close()
            self._listener = None
        for writer in list(self._open):
            writer.transport.abort()
        self.thaw()
        while self._lost:
            self._lost.pop().set()

    def answer(self, status: HTTPStatus) -> None:
        """Answers each request as a proxy does whose server is away."""
        head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: text/html\r\n"
        self._answer = f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        for writer in list(self._open):
            writer.transport.abort()

    def freeze(self) -> None:
        """Forwards nothing more, and tells neither side: a sleeping laptop, a dead network."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Forwards what was sent meanwhile."""
        self._thawed.set()

    def lose(self) -> None:
        """Ends the connections so far as a sleep does: the browser does not know, hears nothing
        more, and gets a reset when it writes. New ones work.
        """
        self._thawed.clear()
        self._lost.append(self._thawed)
        self._thawed = _set_event()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._answer:
            await _answer(reader, writer, self._answer)
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(HOST, self._server_port)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, server_writer}
        thawed = self._thawed
        self._open |= pair
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, server_writer, thawed, pair, is_up=True))
                group.create_task(self._copy(server_reader, writer, thawed, pair, is_up=False))
        finally:
            self._open -= pair
            _abort(pair)

    async def _copy(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        thawed: asyncio.Event,
        pair: set[asyncio.StreamWriter],
        is_up: bool,
    ) -> None:
        """Copies until one side ends, and then ends the other."""
        with suppress(OSError):
            while data := await source.read(CHUNK):
                if is_up and thawed in self._lost:
                    _abort(pair)
                await thawed.wait()
                target.write(data)
                await target.drain()
        with suppress(OSError):
            target.write_eof()


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes
) -> None:
    """Answers one request, and closes the connection."""
    with suppress(OSError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
    writer.close()


def _abort(writers: set[asyncio.StreamWriter]) -> None:
    for each in writers:
        each.transport.abort()


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@asynccontextmanager
async def relay(port: int, server_port: int) -> AsyncIterator[Relay]:
    """A relay that accepts connections."""
    relay = Relay(port, server_port)
    await relay.restore()
    try:
        yield relay
    finally:
        await relay.cut()

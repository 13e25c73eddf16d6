"""A WebSocket client with little overhead: it shares the machine with the measured server.

It understands only unfragmented text frames (RFC 6455) and pings, which is all the chat sends.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, cast

from bench.client import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA

UNMASKED = bytes(4)
"""A zero mask, which is valid and costs nothing."""


class ChatSocket(asyncio.Protocol):
    """One socket. `on_text` gets each text frame as bytes."""

    def __init__(self, request: bytes, on_text: Callable[[bytes], None]) -> None:
        self._request = request
        self._on_text = on_text
        self._buffer = bytearray()
        self._is_open = False
        self._transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()

    @classmethod
    async def open(
        cls, port: int, path: str, token: str, on_text: Callable[[bytes], None]
    ) -> ChatSocket:
        """Connect and wait for the upgrade."""
        request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: c2lkZXBybyBiZW5jaG1hcg==\r\n\r\n"
        ).encode()
        loop = asyncio.get_running_loop()
        _, socket = await loop.create_connection(lambda: cls(request, on_text), HOST, port)
        await socket.opened
        return socket

    def send(self, text: bytes) -> None:
        """Send a text frame."""
        self._write(TEXT, text)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's class is not a subclass
        self._transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        for future in (self.opened, self.closed):
            if not future.done():
                future.set_exception(error or ConnectionError("the server closed the socket"))
                future.exception()  # retrieved, so asyncio logs no warning

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise RuntimeError(bytes(head))
            self._is_open = True
            self._buffer = rest
            self.opened.set_result(None)
        while (frame := self._frame()) is not None:
            kind, payload = frame
            if kind == TEXT:
                self._on_text(payload)
            elif kind == PING:
                self._write(PONG, payload)
            elif kind == CLOSE:
                raise RuntimeError(f"closed with {int.from_bytes(payload[:2], 'big')}")

    def _frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        start, length = 2, buffer[1] & 0x7F
        if length == 126:
            if len(buffer) < 4:
                return None
            start, length = 4, int.from_bytes(buffer[2:4], "big")
        elif length == 127:
            if len(buffer) < 10:
                return None
            start, length = 10, int.from_bytes(buffer[2:10], "big")
        end = start + length
        if len(buffer) < end:
            return None
        payload = bytes(buffer[start:end])
        kind = buffer[0] & 0x0F
        del buffer[:end]
        return kind, payload

    def _write(self, kind: int, payload: bytes) -> None:
        assert self._transport is not None
        if self._transport.is_closing():
            return  # the benchmark counts it as missing
        if len(payload) < 126:
            head = struct.pack("!BB", 0x80 | kind, 0x80 | len(payload))
        else:
            head = struct.pack("!BBH", 0x80 | kind, 0x80 | 126, len(payload))
        self._transport.write(head + UNMASKED + payload)

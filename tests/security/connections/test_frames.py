"""Bounds of the frames of a socket, on a real server."""

import asyncio
import struct
from typing import Any

import pytest

from sidepro.server import websocket_protocol
from tests.clients import TIMEOUT, eventually
from tests.security.connections.small_server import UPGRADE, read_to_end, serving
from tests.websocket_frames import CONTINUATION, PING, PONG, encoded

pytestmark = pytest.mark.anyio


FLOODS = [
    pytest.param(encoded(b"", PING), id="pings"),
    pytest.param(encoded(b"", PONG), id="pongs"),
    pytest.param(
        encoded(b"", fin=False) + encoded(b"", CONTINUATION, fin=False) * 10_000,
        id="fragments",
    ),
]


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_socket_that_sends_too_many_frames_of_any_kind_is_closed(flood: bytes) -> None:
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(flood * 2_000 if len(flood) < 100 else flood)
        assert struct.pack("!H", 4429) + b"too many frames" in await read_to_end(reader)


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_frame_before_the_handshake_is_answered_ends_the_connection(flood: bytes) -> None:
    async def never_answer(_scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "websocket.disconnect":
            pass

    async with serving(never_answer) as app:
        reader, writer = await app.connect()
        writer.write(UPGRADE)
        await eventually(lambda: app.served == 1)
        writer.write(flood)
        assert await read_to_end(reader) == b""


async def test_the_longest_message_may_come_in_fragments() -> None:
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        piece, count = b"x" * 512, app.config.ws_max_size // 512
        writer.write(encoded(piece, fin=False))
        for _ in range(count - 2):
            writer.write(encoded(piece, CONTINUATION, fin=False))
        writer.write(encoded(piece, CONTINUATION))
        async with asyncio.timeout(TIMEOUT):
            assert b"received" in await reader.readexactly(10)


async def test_messages_wait_for_the_application_unparsed() -> None:
    may_go = asyncio.Event()
    received = 0

    async def take_late(_scope: Any, receive: Any, send: Any) -> None:
        nonlocal received
        await receive()
        await send({"type": "websocket.accept"})
        await may_go.wait()
        while received < 5_000 and (await receive())["type"] == "websocket.receive":
            received += 1
        await send({"type": "websocket.send", "text": "all of them"})

    async with serving(take_late) as app:
        reader, writer = await app.connect()
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(encoded(b"{}") * 5_000)
        (connection,) = app.server.server_state.connections
        protocol: Any = connection  # the socket's own protocol
        await eventually(lambda: protocol.read_paused and not protocol.queue.empty())
        assert len(protocol.queue) <= websocket_protocol.SLICE // len(encoded(b"{}"))
        may_go.set()
        async with asyncio.timeout(TIMEOUT):
            assert b"all of them" in await reader.readexactly(13)

"""Connections that do not end by themselves: a dead peer, and one that stops reading.

The server is uvicorn as `sidepro serve` sets it up, with shorter times, around an application
that does what one test needs.
"""

from __future__ import annotations

import asyncio
import socket as sockets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from sidepro.server import websocket_protocol as socket_protocol
from sidepro.server.uvicorn_config import uvicorn_config
from sidepro.server.websocket_protocol import CLOSE_TIMEOUT, TimeoutWebSocketProtocol
from sidepro.settings import Settings
from tests.clients import TIMEOUT, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

PING_EVERY, PONG_WITHIN, ENDED = 0.3, 0.2, 0.3
SLOWLY = 10.0
"""Seconds that a busy machine may take for one second's work."""


class Served:
    """An ASGI application that accepts one socket, runs `talk`, and sets `over` at its end."""

    def __init__(self, talk: Any, pong_within: float = PONG_WITHIN) -> None:
        self._talk = talk
        self.over = asyncio.Event()
        config = uvicorn_config(Settings(), self)
        config.ws_ping_interval, config.ws_ping_timeout = PING_EVERY, pong_within
        config.lifespan = "off"
        self.server = uvicorn.Server(config)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            await self._talk(receive, send)
        finally:
            self.over.set()

    def is_rid_of_all(self) -> bool:
        return not self.server.server_state.connections


@asynccontextmanager
async def served(
    talk: Any, pong_within: float = PONG_WITHIN
) -> AsyncIterator[tuple[Served, ClientConnection]]:
    """The application and a client with a small receive buffer."""
    app = Served(talk, pong_within)
    with sockets.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(app.server.serve([listener]))
        peer = sockets.socket()
        peer.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        peer.setblocking(False)
        await asyncio.get_running_loop().sock_connect(peer, listener.getsockname())
        try:
            async with connect(
                "ws://127.0.0.1/", sock=peer, ping_interval=None, close_timeout=0.1
            ) as client:
                yield app, client
        finally:
            app.server.should_exit = True
            async with asyncio.timeout(TIMEOUT):
                await running


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_protocol, "CLOSE_TIMEOUT", ENDED)


async def listen(receive: Any, send: Any) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def speak(receive: Any, send: Any) -> None:
    while True:
        await send({"type": "websocket.send", "text": "x" * 10_000})


async def speak_and_close(receive: Any, send: Any) -> None:
    try:
        async with asyncio.timeout(0.2):
            await speak(receive, send)
    except TimeoutError:
        pass
    try:
        async with asyncio.timeout(0.2):
            await send({"type": "websocket.close", "code": 4408})
    except TimeoutError:
        pass


def test_the_ping_settings_detect_a_dead_peer_within_half_a_minute() -> None:
    config = uvicorn_config(Settings(), Served(listen))
    assert (config.ws_ping_interval, config.ws_ping_timeout) == (15, 10)
    assert 15 + 10 + CLOSE_TIMEOUT < 30


async def test_a_client_that_answers_pings_stays_connected() -> None:
    async with served(listen, pong_within=SLOWLY) as (app, _):
        (connection,) = cast("set[TimeoutWebSocketProtocol]", app.server.server_state.connections)
        pings: set[float] = set()

        def four_were_answered() -> bool:
            """The next ping is sent after the answer to the last one."""
            pings.add(connection.ping_sent_at)
            return len(pings) == 6  # including the time before the first

        await eventually(four_were_answered, SLOWLY)
        assert not app.over.is_set()


async def test_a_client_whose_frames_wait_for_the_application_stays_connected() -> None:
    free = asyncio.Event()

    async def wait(receive: Any, send: Any) -> None:
        await receive()
        await free.wait()  # as for a database that does not answer
        await listen(receive, send)

    async with served(wait) as (app, client):
        for _ in range(3):
            await client.send("frame")  # its pongs queue behind these
        for _ in range(20):
            await asyncio.sleep(PING_EVERY / 4)
            assert not app.over.is_set()
        free.set()
        await asyncio.sleep(2 * (PING_EVERY + PONG_WITHIN))
        assert not app.over.is_set()
        await client.send("still here")


@pytest.mark.parametrize("talk", [listen, speak], ids=["quiet", "busy"])
async def test_a_client_that_answers_no_ping_is_disconnected(talk: Any) -> None:
    async with served(talk) as (app, client):
        client.transport.pause_reading()
        async with asyncio.timeout(SLOWLY):
            await app.over.wait()
        await eventually(app.is_rid_of_all, SLOWLY)


async def test_closing_aborts_a_connection_that_is_not_read() -> None:
    async with served(speak_and_close) as (app, client):
        client.transport.pause_reading()
        async with asyncio.timeout(SLOWLY):
            await app.over.wait()
        await eventually(app.is_rid_of_all, SLOWLY)


async def test_a_reading_client_gets_the_close_code() -> None:
    async def close(receive: Any, send: Any) -> None:
        await send({"type": "websocket.close", "code": 4408})

    async with served(close) as (app, client):
        with pytest.raises(ConnectionClosed) as end:
            await client.recv()
        assert end.value.rcvd
        assert end.value.rcvd.code == 4408
        await eventually(app.is_rid_of_all, SLOWLY)

"""What a connection may send before the application sees it, on a real server."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import struct
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from sidepro.server import http_protocol, websocket_protocol
from sidepro.server.draining_server import DrainingServer
from sidepro.server.uvicorn_config import uvicorn_config
from sidepro.settings import Settings
from tests.clients import TIMEOUT, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

pytestmark = pytest.mark.anyio

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = (
    HEAD + b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
TEXT, CONTINUATION, PING, PONG = 1, 0, 9, 10


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


# ------------------------------------------------------------------------------------------ heads


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(HEAD + b"X-Long: " + b"a" * 70_000 + b"\r\n\r\n", id="one-long-field"),
        pytest.param(HEAD + b"X-Long: " + b"a" * 70_000, id="a-field-without-end"),
        pytest.param(HEAD + b"X: y\r\n" * 12_000 + b"\r\n", id="many-fields"),
        pytest.param(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", id="a-long-address"),
        pytest.param(UPGRADE[:-2] + b"Cookie: " + b"a" * 70_000 + b"\r\n\r\n", id="an-upgrade"),
    ],
)
async def test_a_head_of_more_than_64_kib_is_refused_with_a_problem(head: bytes) -> None:
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(head)
        status, body = await answered(reader)
        assert (status, json.loads(body)["code"]) == (431, "head-too-large")
        await read_to_end(reader)
        assert app.served == 0


async def test_a_head_of_60_kib_is_served() -> None:
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(HEAD + b"X: " + b"a" * 60_000 + b"\r\n\r\n")
        assert await answered(reader) == (200, b"1")


async def test_what_is_no_http_is_refused_with_a_problem() -> None:
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(b"\x16\x03\x01 this is TLS\r\n\r\n")
        status, body = await answered(reader)
        assert (status, json.loads(body)["code"]) == (400, "malformed")


@pytest.mark.parametrize("data", [b"X: y\r\n", b"\r\n"], ids=["fields", "empty-lines"])
async def test_a_head_that_does_not_end_in_time_is_refused(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT", 0.5)
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(HEAD if data.strip() else b"")
        dripping = asyncio.create_task(drip(writer, data))
        status, body = await answered(reader)
        assert (status, json.loads(body)["code"]) == (408, "request-timeout")
        await read_to_end(reader)
        dripping.cancel()


async def test_the_second_request_of_a_connection_has_a_deadline_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT", 0.5)
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(HEAD + b"\r\n" + HEAD)
        assert await answered(reader) == (200, b"1")
        assert (await answered(reader))[0] == 408


async def test_an_idle_connection_is_kept_for_the_time_of_the_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT", 0.2)
    async with serving(timeout_keep_alive=3) as app:
        reader, writer = await app.connect()
        writer.write(HEAD + b"\r\n")
        assert await answered(reader) == (200, b"1")
        started = asyncio.get_running_loop().time()
        assert await read_to_end(reader) == b""
        assert asyncio.get_running_loop().time() - started > 2.5


# ----------------------------------------------------------------------------------------- bodies


async def test_a_body_that_stands_still_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "PROGRESS_WINDOW", 0.5)
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n")
        dripping = asyncio.create_task(drip(writer, b"x"))
        status, body = await answered(reader)
        assert (status, json.loads(body)["code"]) == (408, "request-timeout")
        dripping.cancel()


async def test_a_slow_body_that_moves_on_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "PROGRESS_WINDOW", 0.5)
    async with serving() as app:
        reader, writer = await app.connect()
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 60000\r\n\r\n")
        for _ in range(30):
            writer.write(b"x" * 2_000)
            await asyncio.sleep(0.1)
        assert await answered(reader) == (200, b"1")


# ------------------------------------------------------------------------------------- pipelining


async def test_of_pipelined_requests_few_are_read_ahead_and_all_are_answered_in_order() -> None:
    async with serving() as app:
        reader, writer = await app.connect()
        count = 5_000
        writer.write((HEAD + b"\r\n") * count)
        answers = [await answered(reader) for _ in range(count)]
        assert answers == [(200, b"%d" % number) for number in range(1, count + 1)]
        assert app.longest_queue <= http_protocol.SLICE // len(HEAD) + 1


async def test_pipelined_requests_stay_with_the_client_until_their_turn() -> None:
    async with serving() as app:
        reader, writer = await app.connect()
        count = 4_000
        writer.write((HEAD + b"X: " + b"x" * 1_000 + b"\r\n\r\n") * count)
        for _ in range(count):
            await answered(reader)
        assert app.most_unparsed <= 300_000, "what asyncio reads at once"


# ------------------------------------------------------------------------------------ slow readers


async def test_a_client_that_never_reads_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "WRITE_TIMEOUT", 0.5)
    finished = asyncio.Event()

    async def stream(_scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1_000):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        finished.set()

    async with serving(stream) as app:
        _, writer = await app.connect()
        writer.write(HEAD + b"\r\n")
        async with asyncio.timeout(TIMEOUT):
            await finished.wait()  # what is sent to a dropped connection goes nowhere
        await eventually(lambda: not app.server.server_state.connections)
        assert app.errors == []


# -------------------------------------------------------------------------------- too many at once


async def test_the_connection_that_waits_longest_makes_place_for_a_new_one() -> None:
    async with serving(max_connections=5) as app:
        waiting = [await app.connect() for _ in range(5)]
        for _, writer in waiting:
            writer.write(HEAD)
        reader, writer = await app.connect()
        writer.write(HEAD + b"\r\n")
        assert (await answered(reader))[0] == 200
        assert await read_to_end(waiting[0][0]) == b""
        waiting[4][1].write(b"\r\n")
        assert (await answered(waiting[4][0]))[0] == 200


async def test_a_connection_with_a_request_under_way_is_not_given_up() -> None:
    may_go = asyncio.Event()

    async def wait(_scope: Any, receive: Any, send: Any) -> None:
        await may_go.wait()
        await answer(send, b"done")

    async with serving(wait, max_connections=2) as app:
        busy = [await app.connect() for _ in range(2)]
        for _, writer in busy:
            writer.write(HEAD + b"\r\n")
        await eventually(lambda: app.served == 2)
        reader, writer = await app.connect()
        status, body = await answered(reader)
        assert (status, json.loads(body)["code"]) == (503, "unavailable")
        may_go.set()
        for one, _ in busy:
            assert await answered(one) == (200, b"done")


# ----------------------------------------------------------------------------------------- frames


def frame(opcode: int, data: bytes = b"", *, is_last: bool = True) -> bytes:
    """A client's frame, masked (RFC 6455, section 5.2)."""
    mask = secrets.token_bytes(4)
    size = len(data)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
    return bytes([(0x80 if is_last else 0) | opcode]) + length + mask + masked


FLOODS = [
    pytest.param(frame(PING), id="pings"),
    pytest.param(frame(PONG), id="pongs"),
    pytest.param(
        frame(TEXT, is_last=False) + frame(CONTINUATION, is_last=False) * 10_000, id="fragments"
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
        writer.write(frame(TEXT, piece, is_last=False))
        for _ in range(count - 2):
            writer.write(frame(CONTINUATION, piece, is_last=False))
        writer.write(frame(CONTINUATION, piece))
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
        writer.write(frame(TEXT, b"{}") * 5_000)
        (connection,) = app.server.server_state.connections
        protocol: Any = connection  # the socket's own protocol
        await eventually(lambda: protocol.read_paused and not protocol.queue.empty())
        assert len(protocol.queue) <= websocket_protocol.SLICE // len(frame(TEXT, b"{}"))
        may_go.set()
        async with asyncio.timeout(TIMEOUT):
            assert b"all of them" in await reader.readexactly(13)

"""Fuzzes the sockets of a running server with frames of every kind, valid and broken.

Run `python -m tests.sockets.fuzzer [SOCKETS] [SEED]`. Each example is one connection: frames are
generated from the schemas of the AsyncAPI document and from the frame layout of RFC 6455. It fails
if the server stops answering, closes with an undocumented code or logs an error.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import secrets
import socket
import struct
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from sidepro.api.chat.asyncapi import document
from sidepro.api.chat.close_codes import CloseCode
from sidepro.api.chat.frames import FROM_CLIENT
from tests.clients import Client, http_client
from tests.databases import PostgresqlDatabases, settings_of
from tests.servers import Postgres, RedisServer, SideProServer
from tests.websocket_frames import CLOSE, PING, PONG, TEXT, encoded

MARKER = b"end-of-the-frames"
PERSON_PATH = "/api/v1/me/socket"
TIMEOUT = 10.0
"""Seconds without a byte of the server after which it counts as stuck."""

DOCUMENTED = {int(code) for code in CloseCode} - {int(CloseCode.INTERNAL_ERROR)} | {1000}
ERRORS = ("unhandled_error", "Traceback", "Exception in ASGI", '"level": "error"')

Json = dict[str, Any]


@dataclass(frozen=True)
class Frame:
    """Bytes of one or more frames, and the close code that the client sent with them."""

    data: bytes
    closes: bool = False
    truncated: bool = False


def values(schema: Json) -> st.SearchStrategy[Any]:
    """Values of the part of JSON Schema that the client's frames use."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "integer":
        return st.integers(schema.get("minimum"), 2**63 - 1)
    if schema["type"] == "string":
        pattern = re.compile(schema.get("pattern", ""))
        longest = min(schema["maxLength"], 200)
        return st.text(min_size=schema["minLength"], max_size=longest).filter(pattern.search)
    members = {name: values(member) for name, member in schema["properties"].items()}
    return st.fixed_dictionaries(members)


@cache
def client_frames() -> st.SearchStrategy[Json]:
    """The frames that the AsyncAPI document describes for clients."""
    schemas = document("0")["components"]["schemas"]
    return st.one_of(*(values(schemas[frame.__name__]) for frame in FROM_CLIENT.values()))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@st.composite
def broken_json(draw: st.DrawFn) -> bytes:
    """A frame of the document with a member changed, added or missing, or cut short."""
    frame = draw(client_frames())
    how = draw(st.sampled_from(["change", "add", "drop", "cut", "repeat", "surrogate"]))
    name = draw(st.sampled_from(sorted(frame)))
    if how in ("change", "add"):
        frame[name if how == "change" else draw(st.text(max_size=50))] = draw(JUNK)
    elif how == "drop":
        del frame[name]
    elif how == "surrogate":
        frame[name] = draw(st.sampled_from(["\ud800", "\udc00", "a\udfff\ud800b"]))
    text = json.dumps(frame)
    if how == "cut":
        text = text[: draw(st.integers(0, len(text)))]
    if how == "repeat":
        text = text[:-1] + "," + text[1:]
    return text.encode()


@st.composite
def fragments(draw: st.DrawFn) -> Frame:
    """A message in parts with control frames between, in order or not."""
    message = json.dumps(draw(client_frames())).encode()
    cuts = sorted(draw(st.lists(st.integers(0, len(message)), max_size=6)))
    edges = [0, *cuts, len(message)]
    data = b""
    for number, (start, end) in enumerate(itertools.pairwise(edges)):
        last = number == len(edges) - 2 and draw(st.integers(0, 9)) > 0
        opcode = TEXT if number == 0 or draw(st.integers(0, 19)) == 0 else 0
        data += encoded(message[start:end], opcode, fin=last)
        if draw(st.booleans()):
            data += encoded(draw(st.binary(max_size=125)), draw(st.sampled_from([PING, PONG])))
    return Frame(data)


def close_frames() -> st.SearchStrategy[Frame]:
    codes = st.integers(0, 65535) | st.sampled_from([1000, 1001, 1005, 1006, 1015, 3000, 4999])
    bodies = st.tuples(codes, st.binary(max_size=130)).map(
        lambda made: struct.pack(">H", made[0]) + made[1]
    )
    return (bodies | st.binary(max_size=3)).map(
        lambda body: Frame(encoded(body, CLOSE), closes=True)
    )


def raw_frames() -> st.SearchStrategy[Frame]:
    """Frames with any flags, opcode and mask, and the length that their payload has."""
    return st.builds(
        lambda payload, opcode, fin, reserved, masked: Frame(
            encoded(payload, opcode, fin=fin, reserved=reserved, masked=masked),
            closes=opcode == CLOSE,
        ),
        st.binary(max_size=300),
        st.integers(0, 15),
        st.booleans(),
        st.integers(0, 7),
        st.booleans(),
    )


def large_frames() -> st.SearchStrategy[Frame]:
    """Frames above the limit, announced or sent; JSON of great depth."""
    huge = st.sampled_from([2**17, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1])
    deep = st.tuples(st.sampled_from([b"[", b'{"a":']), st.integers(1, 10_000))
    return st.one_of(
        huge.map(lambda size: Frame(encoded(b"x", length=size), truncated=True)),
        deep.map(lambda made: Frame(encoded(made[0] * made[1]))),
        st.integers(1, 140_000).map(lambda size: Frame(encoded(b" " * size))),
        st.binary(max_size=50).map(lambda data: Frame(encoded(data, length=100), truncated=True)),
    )


def text_frames() -> st.SearchStrategy[Frame]:
    """Whole frames and pings that do not break the protocol; half are frames of the document."""
    valid = client_frames().map(lambda frame: Frame(encoded(json.dumps(frame).encode())))
    return st.one_of(
        valid,
        valid,
        valid,
        broken_json().map(lambda data: Frame(encoded(data))),
        JUNK.map(lambda value: Frame(encoded(json.dumps(value).encode()))),
        st.binary(max_size=125).map(lambda data: Frame(encoded(data, PING))),
        st.binary(max_size=125).map(lambda data: Frame(encoded(data, PONG))),
    )


def frames() -> st.SearchStrategy[Frame]:
    """One frame of any kind."""
    return st.one_of(
        text_frames(),
        st.binary(max_size=100).map(lambda data: Frame(encoded(data))),
        fragments(),
        raw_frames(),
        large_frames(),
        close_frames(),
    )


def sequences() -> st.SearchStrategy[list[Frame]]:
    """The frames of a socket. A sequence of all kinds ends early, with the first fatal frame."""
    broken = broken_json().map(lambda data: Frame(encoded(data)))
    return st.one_of(
        st.lists(text_frames(), min_size=1, max_size=60),
        st.lists(broken, min_size=10, max_size=15),
        st.lists(frames(), min_size=1, max_size=30),
    )


class RawSocket:
    """A TCP connection that has been upgraded to the room's socket."""

    def __init__(self, port: int, path: str, token: str) -> None:
        self._tcp = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self._buffer = b""
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        self._tcp.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head

    def __enter__(self) -> RawSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self._tcp.close()

    def send(self, data: bytes) -> None:
        self._tcp.sendall(data)

    def code_or_none(self) -> int | None:
        """Reads until the pong of the marker (None) or the close; 1006 is a close without code."""
        try:
            while True:
                opcode, payload = self._frame()
                if opcode == PONG and payload == MARKER:
                    return None
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2]) if payload else 1005
        except (ConnectionError, EOFError):
            return 1006

    def _frame(self) -> tuple[int, bytes]:
        head = self._take(2)
        size = head[1]
        if size > 125:
            size = int.from_bytes(self._take(2 if size == 126 else 8))
        return head[0] & 15, self._take(size)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._receive()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _receive(self) -> None:
        data = self._tcp.recv(65536)
        if not data:
            raise EOFError
        self._buffer += data


class Fuzzer:
    """Sends generated frames to a socket of a server, and counts what came of it."""

    def __init__(self, server: SideProServer, path: str | None = None) -> None:
        """The path of the socket; a room's without one."""
        self._server = server
        self._log_read = 0
        self.sent = 0
        self.codes: dict[int | None, int] = {}
        room_path, self._token = asyncio.run(self._open_room())
        self._path = path or room_path

    def run(self, sockets: int, number: int) -> None:
        """Opens so many sockets, with frames derived from the seed."""

        @seed(number)
        @settings(
            max_examples=sockets,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(sequences())
        def example(sequence: list[Frame]) -> None:
            self._check(sequence)

        example()
        self.check_health()

    def check_health(self) -> None:
        """The server answers and has logged no error since the last check."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self._server.url}/health/live", timeout=TIMEOUT) as answer:
            assert answer.status == 200
        with self._server.log_file.open("rb") as log:
            log.seek(self._log_read)
            data = log.read()
        self._log_read += len(data)
        new = data.decode("utf-8", errors="replace")
        found = [line for line in new.splitlines() if any(error in line for error in ERRORS)]
        assert not found, new[max(0, new.find(found[0]) - 500) :][:6000]

    def _check(self, sequence: list[Frame]) -> None:
        with RawSocket(self._server.port, self._path, self._token) as peer:
            sent = []
            try:
                for frame in sequence:
                    sent.append(frame)
                    peer.send(frame.data)
                    if frame.closes or frame.truncated:
                        break
                else:
                    peer.send(encoded(MARKER, PING))
            except ConnectionError:
                pass  # closed already; the code was sent before
            self.sent += len(sent)
            if sent[-1].truncated:
                return  # the server may wait for the rest, which ends with the connection
            code = peer.code_or_none()
        self.codes[code] = self.codes.get(code, 0) + 1
        if code is not None and code != 1006 and not sent[-1].closes:
            assert code in DOCUMENTED, f"undocumented close code {code}"
        assert code != CloseCode.INTERNAL_ERROR
        if sum(self.codes.values()) % 50 == 0:
            self.check_health()

    async def _open_room(self) -> tuple[str, str]:
        async with http_client(self._server.url) as http:
            one, other = [await Client.sign_up(http) for _ in range(2)]
            room = await one.open_room_with(other)
            await other.open_room_with(one)
            return f"/api/v1/rooms/{room}/socket", one.token


def main() -> None:
    """Fuzzes servers of its own: on SQLite, and on PostgreSQL with Redis."""
    sockets = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    number = int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbits(32)
    print(f"seed {number}", flush=True)
    _fuzz_server("SQLite", {}, sockets, number)
    with (
        Postgres.start() as postgres,
        RedisServer.start() as redis,
        PostgresqlDatabases(postgres).fresh() as database,
        tempfile.TemporaryDirectory() as folder,
    ):
        environment = {
            **settings_of(database, Path(folder)),
            "SIDEPRO_REDIS_URL": redis.url,
        }
        _fuzz_server("PostgreSQL and Redis", environment, sockets, number)


def _fuzz_server(name: str, environment: Mapping[str, str], sockets: int, number: int) -> None:
    started = time.monotonic()
    with SideProServer({**environment, "SIDEPRO_ACCESS_TOKEN_TTL": "86400"}) as server:
        for path, count in ((None, sockets), (PERSON_PATH, sockets // 10)):
            fuzzer = Fuzzer(server, path)
            try:
                fuzzer.run(count, number)
            finally:
                seconds = time.monotonic() - started
                what = f"{name}, {path or 'a room'}: {fuzzer.sent:,} frames"
                print(f"{what} in {seconds:.0f} s; {fuzzer.codes}", flush=True)


if __name__ == "__main__":
    main()

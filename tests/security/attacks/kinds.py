"""The kinds of attacks: what each sends on its connection."""

from __future__ import annotations

import http.client
import io
import itertools
import json
import socket
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from PIL import Image

from tests import image_files
from tests.security.attacks.target import Target, drip, flood
from tests.servers import HOST
from tests.websocket_frames import CONTINUATION, PING, PONG, encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pipelining(target: Target) -> int:
    request = target.head("GET /api/v1/projects HTTP/1.1") + b"\r\n"
    return flood(target, target.connect(), itertools.repeat(request * 100), reads=False)


def half_heads(target: Target) -> int:
    return drip(target, target.head("GET /health/live HTTP/1.1"), b"a: b\r\n")


def half_open(target: Target) -> int:
    """300 connections; the attacker's own limit of open files permits them."""
    connections = []
    with suppress(OSError):
        for _ in range(300):
            connection = target.connect()
            connection.sendall(b"GET / HTTP/1.1\r\n")
            connections.append(connection)
    closed = 0
    for connection in connections:
        with closing(connection), suppress(OSError):
            while connection.recv(65_536):
                pass
        closed += 1
    return closed


def header_flood(target: Target) -> int:
    pieces = (b"h%d: %s\r\n" % (number, b"x" * 50) for number in itertools.count())
    first = target.head("GET /health/live HTTP/1.1")
    return flood(target, target.connect(), itertools.chain([first], pieces))


def slow_body(target: Target) -> int:
    head = target.head("POST /api/v1/sessions HTTP/1.1", Content_Length="1000000")
    return drip(target, head + b"\r\n", b"{")


def slow_reader(target: Target) -> int:
    """Asks for the largest document again and again, and reads nothing."""
    request = target.head("GET /api/openapi.json HTTP/1.1") + b"\r\n"
    connection = target.connect()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return flood(target, connection, itertools.repeat(request), reads=False)


def frames(*parts: bytes, token: bool = True) -> Callable[[Target], int]:
    def attack(target: Target) -> int:
        connection = target.socket(target.token if token else "x")
        return flood(
            target, connection, itertools.chain(parts[:-1], itertools.repeat(parts[-1] * 500))
        )

    return attack


def slow_socket(target: Target) -> int:
    """Sends messages, and reads none of the copies."""
    connection = target.socket(target.token)

    def messages() -> Iterator[bytes]:
        for number in itertools.count():
            frame = {"type": "send", "client_id": f"{time.time()}{number}", "body": "가" * 4_000}
            yield encoded(json.dumps(frame).encode())
            time.sleep(0.02)

    return flood(target, connection, messages(), reads=False)


def requests(
    line: str, body: bytes, kind: str = "application/json", *, signed_in: bool = True
) -> Callable[[Target], int]:
    """Requests with this body, one after the other, on a connection that the server may keep."""

    def attack(target: Target) -> int:
        method, path = line.replace("ROOM", target.room).split()
        connection = http.client.HTTPConnection(HOST, target.port, timeout=60)
        headers = {"Content-Type": kind}
        if signed_in:
            headers["Authorization"] = f"Bearer {target.token}"
        with suppress(OSError, http.client.HTTPException):
            while not target.is_over():
                connection.request(method, path, body, headers)
                connection.getresponse().read()
            return 0
        return 1

    return attack


def large_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (6_000, 6_000)).save(file, "PNG")
    return file.getvalue()


def upload(data: bytes) -> Callable[[Target], int]:
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body = part + data + b"\r\n--x--\r\n"
    return requests("POST /api/v1/images", body, "multipart/form-data; boundary=x")


def png_of_chunks() -> bytes:
    """A PNG of nearly 10 MB of empty chunks that the picture does not need."""
    whole = image_files.png(64, 64)
    return whole[:33] + b"\0\0\0\0tEXt\x88\xa3\xd8\x6a" * 800_000 + whole[33:]


PATIENCE = 60.0
"""Seconds in which the server must close an attacker."""

PROJECT: dict[str, Any] = {"title": "t", "summary": "s", "content": "c", "skills": ["Python"]}

# Kinds that keep to the protocol are answered, often with an error, and not closed.
CLOSED: dict[str, Callable[[Target], int]] = {
    "pipelining": pipelining,
    "half heads": half_heads,
    "300 half-open connections": half_open,
    "header flood": header_flood,
    "slow body": slow_body,
    "slow reader": slow_reader,
    "slow reader of a socket": slow_socket,
    "pings": frames(encoded(b"", PING)),
    "pings without a token": frames(encoded(b"", PING), token=False),
    "pongs": frames(encoded(b"", PONG)),
    "pongs without a token": frames(encoded(b"", PONG), token=False),
    "empty fragments": frames(encoded(b"", fin=False), encoded(b"", CONTINUATION, fin=False)),
    "empty messages": frames(encoded(b"")),
    "text of ten bytes": frames(encoded(b'{"type":1}')),
}
ANSWERED: dict[str, Callable[[Target], int]] = {
    "large keys": requests(
        "POST /api/v1/sessions/refresh",
        large_json({"unknown field `" * 60_000 + "x - at `$": 1}),
        signed_in=False,
    ),
    "many keys": requests(
        "POST /api/v1/sessions/refresh",
        large_json({str(number): 1 for number in range(70_000)}),
        signed_in=False,
    ),
    "deep JSON": requests("POST /api/v1/sessions", b"[" * 2**20, signed_in=False),
    "a client id of fillers": requests(
        "POST /api/v1/rooms/ROOM/messages",
        large_json({"body": "a", "client_id": "\u3164" * 340_000}),
    ),
    "a title of fillers": requests(
        "POST /api/v1/projects", large_json({**PROJECT, "title": "\u3164" * 340_000})
    ),
    "a content of marks": requests(
        "POST /api/v1/projects", large_json({**PROJECT, "content": "e\u0301\u0323" * 200_000})
    ),
    "previews": requests("POST /api/v1/markdown", large_json({"content": "*a_ " * 12_500})),
    "log-ins": requests(
        "POST /api/v1/sessions",
        large_json({"email": "x@example.com", "password": "\u3164" * 128}),
        signed_in=False,
    ),
    "searches": requests("GET /api/v1/projects?q=" + "%E3%85%8B" * 100, b"", signed_in=False),
    "a JPEG of fillers": upload(
        b"\xff\xd8\xff\xda\x00\x02" + b"\xff" * (10 * 2**20 - 1000) + b"\x00"
    ),
    "a PNG of chunks": upload(png_of_chunks()),
    "a large picture": upload(picture()),
    "a large picture without pixels": upload(image_files.png(6_000, 6_000)),
}
KINDS = {**CLOSED, **ANSWERED}


def attack_repeatedly(kind: str, target: Target, seconds: float, result: Any) -> None:
    """What an attacker's process runs."""
    ends = time.monotonic() + seconds
    target.deadline = ends if kind in ANSWERED else time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        try:
            result.value += KINDS[kind](target)
        except OSError:  # refused while the server is full
            time.sleep(0.1)

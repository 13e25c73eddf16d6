"""Attacks a server with limits on, with one connection of each kind that bounds stop.

Run `python -m tests.security.attacks [SECONDS] [KIND …]`; `./just attacks` runs it with 256 open
files and without that limit. Every kind attacks in a process of its own, with one connection that
is opened again when the server closes it. Meanwhile others ask for `/health/live`. It fails if
their 99th percentile reaches 250 ms, if the server holds 50 MB more than before, or if the
attacker stays connected.
"""

from __future__ import annotations

import http.client
import io
import itertools
import json
import multiprocessing
import resource
import socket
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from PIL import Image

from tests import image_files
from tests.servers import HOST, SideProServer
from tests.sockets.fuzzer import PING, PONG, TEXT, encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_P99 = 0.25
"""Seconds."""

MAX_GROWTH = 50 * 2**20
"""Bytes of memory."""

SETTLING = 45.0
"""Seconds in which the memory returns and the last connections are closed."""

PATIENCE = 60.0
"""Seconds in which the server must close an attacker."""

PASSWORD = "정확한 horse battery 9"


class Target:
    """The server as an attacker sees it: its port, and an account that is theirs."""

    def __init__(self, port: int, token: str, room: str) -> None:
        self.port, self.token, self.room = port, token, room
        self.deadline = 0.0
        """When the attacker gives up, by `time.monotonic()`."""

    def is_over(self) -> bool:
        return time.monotonic() > self.deadline

    def connect(self) -> socket.socket:
        return socket.create_connection((HOST, self.port), 60)

    def head(self, line: str, **fields: str) -> bytes:
        """The beginning of a request, without the blank line."""
        all_fields = {"Host": HOST, **{k.replace("_", "-"): v for k, v in fields.items()}}
        return (line + "".join(f"\r\n{k}: {v}" for k, v in all_fields.items()) + "\r\n").encode()

    def socket(self, token: str) -> socket.socket:
        """A connection that asks for the upgrade to the room's socket."""
        head = self.head(
            f"GET /api/v1/rooms/{self.room}/socket HTTP/1.1",
            Upgrade="websocket",
            Connection="Upgrade",
            Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
            Sec_WebSocket_Version="13",
            Authorization=f"Bearer {token}",
        )
        connection = self.connect()
        connection.sendall(head + b"\r\n")
        connection.recv(4096)
        return connection


# An attack lasts until the server closes the connection, or until the deadline. It returns the
# number of closed connections.


def flood(
    target: Target, connection: socket.socket, pieces: Iterable[bytes], *, reads: bool = True
) -> int:
    """Send the pieces, and read what comes, if `reads`."""
    with closing(connection):
        connection.setblocking(False)
        try:
            for piece in pieces:
                left = memoryview(piece)
                while left:
                    if target.is_over():
                        return 0
                    if reads:
                        with suppress(BlockingIOError):
                            if not connection.recv(65_536):
                                return 1
                    with suppress(BlockingIOError):
                        left = left[connection.send(left) :]
                        continue
                    time.sleep(0.001)
        except OSError:
            return 1
    return 0


def drip(target: Target, beginning: bytes, piece: bytes) -> int:
    """Send the piece once a second."""
    with closing(target.connect()) as connection:
        try:
            connection.sendall(beginning)
            connection.settimeout(1)
            while not target.is_over():
                connection.sendall(piece)
                with suppress(TimeoutError):
                    if not connection.recv(65_536):
                        return 1
        except OSError:
            return 1
    return 0


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
    "empty fragments": frames(encoded(b"", TEXT, fin=False), encoded(b"", 0, fin=False)),
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


# -------------------------------------------------------------------------------- measurement


def percentile_of_others(server: SideProServer, until: Callable[[], bool]) -> tuple[float, int]:
    """The 99th percentile of `/health/live`, with new and reused connections; failed calls."""
    took, failed = [], 0
    reused = http.client.HTTPConnection(HOST, server.port, timeout=10)
    for number in itertools.count():
        if until() and number >= 100:
            break
        connection = reused
        if number % 2:
            connection = http.client.HTTPConnection(HOST, server.port, timeout=10)
        started = time.perf_counter()
        try:
            failed += not answers(connection)
        except (OSError, http.client.HTTPException):
            connection.close()
            # A server that is full may close an idle connection. Clients try once more.
            failed += connection is not reused or not answers(connection)
        took.append(time.perf_counter() - started)
        if connection is not reused:
            connection.close()
        time.sleep(0.01)
    reused.close()
    return sorted(took)[int(len(took) * 0.99)], failed


def answers(connection: http.client.HTTPConnection) -> bool:
    """The answer of `/health/live`."""
    connection.request("GET", "/health/live")
    response = connection.getresponse()
    response.read()
    return response.status == 200


def memory(server: SideProServer) -> int:
    """The resident memory of the server's process, in bytes."""
    status = Path(f"/proc/{server.pid}/status").read_text("utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def attackers_account(server: SideProServer) -> Target:
    with httpx.Client(base_url=f"{server.url}/api/v1", trust_env=False, timeout=30) as http:
        ids, tokens = [], []
        for number in range(2):
            account = {"email": f"{number}@example.com", "password": PASSWORD}
            made = http.post("/users", json={**account, "username": f"attacker{number}"})
            ids.append(made.raise_for_status().json()["id"])
            tokens.append(http.post("/sessions", json=account).json()["access_token"])
        headers = {"Authorization": f"Bearer {tokens[0]}"}
        room = http.post("/rooms", json={"user_id": ids[1]}, headers=headers)
    return Target(server.port, tokens[0], str(room.raise_for_status().json()["id"]))


def attack(server: SideProServer, target: Target, kind: str, seconds: float) -> list[str]:
    """Run one kind, print its figures, and return what it broke."""
    spawn = multiprocessing.get_context("spawn")
    closed = spawn.Value("i", 0)
    before = memory(server)
    attacker = spawn.Process(target=attack_repeatedly, args=(kind, target, seconds, closed))
    attacker.start()
    p99, failed = percentile_of_others(server, lambda: not attacker.is_alive())
    peak = memory(server)
    settled = time.monotonic() + SETTLING
    while (growth := memory(server) - before) > MAX_GROWTH and time.monotonic() < settled:
        time.sleep(0.5)
    attacker.join()
    broken = []
    if p99 >= MAX_P99 or failed:
        broken.append(f"{kind}: others waited {p99 * 1000:.0f} ms, {failed} calls failed")
    if growth > MAX_GROWTH:
        broken.append(f"{kind}: {growth / 2**20:.0f} MB more memory")
    if kind in CLOSED and not closed.value:
        broken.append(f"{kind}: the attacker stayed connected")
    print(
        f"{kind:28} p99 {p99 * 1000:5.0f} ms  {growth / 2**20:+5.0f} MB"
        f" (peak {(peak - before) / 2**20:+5.0f})  closed {closed.value}",
        flush=True,
    )
    return broken


def main() -> None:
    """Attack a server of its own with every kind."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 12.0
    kinds = sys.argv[2:] or list(KINDS)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    print(f"{files} open files, {seconds:.0f} s for each kind")
    broken = []
    settings = {"SIDEPRO_RATE_LIMITS": "on", "SIDEPRO_ACCESS_TOKEN_TTL": "86400"}
    with SideProServer(settings) as server:
        # The attackers may open more files than the server.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        target = attackers_account(server)
        idle, _ = percentile_of_others(server, lambda: True)
        print(f"{'nothing':28} p99 {idle * 1000:5.0f} ms")
        for kind in kinds:
            broken += attack(server, target, kind, seconds)
    sys.exit("\n".join(broken) or None)


if __name__ == "__main__":
    main()

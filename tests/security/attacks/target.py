"""The attacked server, and the two ways to keep a connection to it busy."""

from __future__ import annotations

import socket
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from tests.servers import HOST

if TYPE_CHECKING:
    from collections.abc import Iterable


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

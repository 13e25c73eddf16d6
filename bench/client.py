"""An HTTP client with little overhead: it shares the machine with the measured server."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Call:
    """A request as bytes, and the required status of its response."""

    request: bytes
    status: int = 200

    @classmethod
    def to(
        cls,
        path: str,
        token: str | None = None,
        *,
        method: str = "GET",
        body: bytes = b"",
        status: int = 200,
    ) -> Call:
        """A request to the API."""
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return cls("\r\n".join([*lines, "", ""]).encode() + body, status)


@dataclass
class Response:
    """A response, and the seconds until it was complete."""

    status: int
    head: bytes
    body: bytes
    seconds: float


class Connection:
    """A keep-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection(HOST, port))

    async def send(self, call: Call) -> Response:
        """Send a request and read its response."""
        started = time.perf_counter()
        self._writer.write(call.request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        start = lower.index(b"content-length:") + 15
        length = int(lower[start : lower.index(b"\r", start)])
        body = await self._reader.readexactly(length)
        return Response(int(head[9:12]), head, body, time.perf_counter() - started)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def once(port: int, call: Call) -> Response:
    """Send a single request and check its status."""
    connection = await Connection.open(port)
    try:
        return _checked(call, await connection.send(call))
    finally:
        await connection.close()


async def drive(
    port: int, calls: Sequence[Call], number: int, connections: int
) -> list[tuple[float, int]]:
    """Send `number` requests, the calls in turn; returns seconds and bytes of each response."""
    cycle = itertools.cycle(calls)
    remaining = iter(range(number))
    measured: list[tuple[float, int]] = []

    async def client() -> None:
        connection = await Connection.open(port)
        for _ in remaining:
            call = next(cycle)
            response = _checked(call, await connection.send(call))
            measured.append((response.seconds, len(response.head) + len(response.body)))
        await connection.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return measured


def _checked(call: Call, response: Response) -> Response:
    if response.status != call.status:
        raise RuntimeError(f"{call.request!r} got {response.status}: {response.body[:500]!r}")
    return response

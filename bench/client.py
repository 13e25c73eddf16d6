"""An HTTP client that costs little: it shares the machine with what is measured."""

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
    """A request, in the bytes that go over the wire, and the status that it must have."""

    head: bytes
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
        """A call of the API."""
        lines = [f"{method} {path} HTTP/1.1", "Host: bench", "Accept: application/json"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return cls("\r\n".join([*lines, "", ""]).encode() + body, status)


@dataclass
class Answer:
    """What came back, and after how many seconds."""

    status: int
    head: bytes
    body: bytes
    seconds: float


class Connection:
    """One connection, kept open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection(HOST, port))

    async def send(self, call: Call) -> Answer:
        """Make a call and read its answer."""
        started = time.perf_counter()
        self._writer.write(call.head)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        place = lower.index(b"content-length:") + 15
        length = int(lower[place : lower.index(b"\r", place)])
        body = await self._reader.readexactly(length)
        return Answer(int(head[9:12]), head, body, time.perf_counter() - started)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def once(port: int, call: Call) -> Answer:
    """A single call, which must get the status that it should."""
    connection = await Connection.open(port)
    try:
        return _checked(call, await connection.send(call))
    finally:
        await connection.close()


async def drive(
    port: int, calls: Sequence[Call], number: int, connections: int
) -> list[tuple[float, int]]:
    """Make so many calls, the given ones in turn; seconds and bytes of each answer."""
    turn = itertools.cycle(calls)
    left = iter(range(number))
    seen: list[tuple[float, int]] = []

    async def visitor() -> None:
        connection = await Connection.open(port)
        for _ in left:
            call = next(turn)
            answer = _checked(call, await connection.send(call))
            seen.append((answer.seconds, len(answer.head) + len(answer.body)))
        await connection.close()

    await asyncio.gather(*(visitor() for _ in range(connections)))
    return seen


def _checked(call: Call, answer: Answer) -> Answer:
    if answer.status != call.status:
        raise RuntimeError(f"{call.head!r} got {answer.status}: {answer.body[:500]!r}")
    return answer

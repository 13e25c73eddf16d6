"""The chat: messages per second that are stored and delivered, and their latency.

    ./just bench chat [--sockets N ...] [--rates N ...] [--seconds N]

Both people of each room connect to one serving process. All sockets send in turn at a steady rate,
regardless of responses. A rate is reached if every message is stored and delivered to both, and
the 99th percentile of the latency is at most 100 ms. CPU time is that of all processes of a
server, divided by the messages.

The lower bound is `bench/limit/echo.py`, which only passes the same frames from socket to socket.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from sqlalchemy import func, select

from bench.servers import DurablePostgres, Measured, fill, harness, platform, settings_of
from bench.sockets import ChatSocket
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema import chat_tables
from sidepro.bootstrap import Container, build
from sidepro.domain.accounts.session import RefreshToken, Session
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId, UserId
from sidepro.settings import load
from tests.clients import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

POSTGRESQL, SQLITE = "PostgreSQL", "SQLite"

SIZES = {
    "users": 1_500,
    "projects": 10,
    "comments": 0,
    "bookmarks": 0,
    "rooms": 700,
    "messages-per-room": 20,
}
BODY = "점심 먹고 커피 한 잔 어때요? 지난번에 말한 지도 프로젝트도 보여 줄게요."
WARM_UP = 50
"""Sockets opened before memory is measured. The first sockets of a process cost some megabytes."""

LIMIT_RATE = 2_500
"""Messages per second sent to the echo server."""

MAX_P99 = 0.1
"""Seconds allowed for the 99th percentile of the latency."""

SEND_INTERVAL = 0.005
"""Seconds between two bursts of due messages."""

DELIVERY_TIMEOUT = 10.0
"""Seconds after which a delivery counts as missing."""


@dataclass
class Traffic:
    """The times of sent messages by number, and the latencies of deliveries. `name` separates it
    from late frames of earlier traffic over the same sockets.
    """

    name: str
    sent: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)

    def on_frame(self, frame: bytes) -> None:
        """Record a frame of any socket."""
        start = b'"client_id":"n%b-' % self.name.encode()
        found = frame.find(start)
        if found < 0:
            return
        if frame.startswith(b'{"type":"error"'):
            self.errors.append(frame)
            return
        found += len(start)
        number = int(frame[found : frame.index(b'"', found)])
        self.latencies.append(time.perf_counter() - self.sent[number])


@dataclass(frozen=True)
class Connection:
    """A person with an open room, and their access token."""

    room_id: UUID
    user_id: UUID
    token: str


async def connections(settings: Mapping[str, str], number: int) -> list[Connection]:
    """`number` connections, two per room, each with its own session."""
    container = build(load(settings), "")
    try:
        async with container.database.reading() as connection:
            room = chat_tables.rooms.c
            open_rooms = select(room.id, room.low_id, room.high_id).where(room.left_by.is_(None))
            rooms = (await connection.execute(open_rooms.limit(number // 2))).all()
        if len(rooms) * 2 < number:
            sys.exit(f"there are {len(rooms)} rooms, too few for {number} sockets")
        tokens: dict[UUID, str] = {}
        for person in {person for _, *pair in rooms for person in pair}:
            tokens[person] = await _token(container, person)
        return [
            Connection(room, person, tokens[person]) for room, *pair in rooms for person in pair
        ]
    finally:
        await container.close()


async def _token(container: Container, person: UUID) -> str:
    """A log-in without the slow password hash."""
    service = container.api.services.sessions
    now = service.clock()
    session = Session.start(
        SessionId(service.new_id()), UserId(person), "bench", now, service.session_ttl
    )
    token = RefreshToken.issue(service.new_secret(), session.id, None, now)
    async with service.unit_of_work() as work:
        await work.sessions.add(session, token)
        await work.commit()
    return service.access_tokens.issue(Caller(session.user_id, session.id, is_admin=False))


async def count_messages(settings: Mapping[str, str]) -> int:
    """The number of stored messages."""
    database = Database(load(settings).database)
    try:
        async with database.reading() as connection:
            counted = await connection.scalar(
                select(func.count()).select_from(chat_tables.messages)
            )
            return int(counted or 0)
    finally:
        await database.close()


async def offer(sockets: list[ChatSocket], traffic: Traffic, rate: int, seconds: float) -> None:
    """Send messages at `rate` per second for `seconds`."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (passed := loop.time() - began) < seconds:
        while len(traffic.sent) < rate * passed:
            number = len(traffic.sent)
            frame = f'{{"type":"send","client_id":"n{traffic.name}-{number}","body":"{BODY}"}}'
            traffic.sent.append(time.perf_counter())
            sockets[number % len(sockets)].send(frame.encode())
        await asyncio.sleep(SEND_INTERVAL)
    with contextlib.suppress(AssertionError):  # the table shows what is missing
        await eventually(lambda: len(traffic.latencies) >= 2 * len(traffic.sent), DELIVERY_TIMEOUT)


@dataclass(frozen=True)
class Figures:
    """The results of one rate. `app` and `database` are CPU milliseconds per message."""

    sent: int
    delivered: int
    p50: float
    p99: float
    app: float
    database: float
    errors: list[bytes]


async def opened(
    server: Measured, places: list[tuple[str, str]], on_text: Callable[[bytes], None]
) -> tuple[list[ChatSocket], float]:
    """Open sockets to these paths with these tokens; also returns the kB per socket."""
    sockets = []
    before = 0
    for index, (path, token) in enumerate(places):
        if index == WARM_UP:
            before = server.memory()
        sockets.append(await ChatSocket.open(server.port, path, token, on_text))
    await asyncio.sleep(1)
    return sockets, (server.memory() - before) / (len(places) - WARM_UP) / 1024


async def figures_of(
    server: Measured,
    sockets: list[ChatSocket],
    traffic: Traffic,
    rate: int,
    seconds: float,
) -> Figures:
    """Measure one rate."""
    used = server.cpu()
    await offer(sockets, traffic, rate, seconds)
    sent = len(traffic.sent)
    app, database = ((now - then) / sent for now, then in zip(server.cpu(), used, strict=True))
    cuts = (
        statistics.quantiles(traffic.latencies, n=100)
        if len(traffic.latencies) > 1
        else [0.0] * 99
    )
    return Figures(sent, len(traffic.latencies), cuts[49], cuts[98], app, database, traffic.errors)


async def limit_of(number: int, seconds: float) -> tuple[Figures, float]:
    """Measure the echo server with `number` sockets; also returns the kB per socket."""
    traffic = Traffic("limit")
    places = [(f"/{place // 2}", "") for place in range(number)]
    with harness("echo", settings={}) as server:
        sockets, memory = await opened(server, places, traffic.on_frame)
        figures = await figures_of(server, sockets, traffic, LIMIT_RATE, seconds)
        for each in sockets:
            each.close()
    return figures, memory


async def measure(
    server: Measured, settings: Mapping[str, str], options: argparse.Namespace, number: int
) -> None:
    """Open the sockets and measure one rate after the other."""
    traffic = Traffic("")

    def on_text(frame: bytes) -> None:
        traffic.on_frame(frame)

    places = [
        (f"/api/v1/rooms/{each.room_id}/socket", each.token)
        for each in await connections(settings, number)
    ]
    limit, limit_memory = await limit_of(number, options.seconds)
    sockets, memory = await opened(server, places, on_text)
    print(
        f"\n{number} sockets in {number // 2} rooms, {memory:.0f} kB each "
        f"(at the limit {limit_memory:.0f})\n"
    )
    print(
        "| offered/s | sent | stored | delivered | p50 ms | p99 ms | app, ms | at the limit, ms "
        "| ratio | database, ms | reached |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for index, rate in enumerate(options.rates):
        traffic = Traffic(f"{number}x{index}")
        before = await count_messages(settings)
        found = await figures_of(server, sockets, traffic, rate, options.seconds)
        saved = await count_messages(settings) - before
        is_complete = (
            found.delivered == 2 * found.sent and saved == found.sent and not found.errors
        )
        reached = is_complete and found.p99 <= MAX_P99
        print(
            f"| {rate} | {found.sent} | {saved} | {found.delivered} | {found.p50 * 1000:.0f} "
            f"| {found.p99 * 1000:.0f} | {found.app:.2f} | {limit.app:.2f} "
            f"| {found.app / limit.app:.1f} | {found.database:.2f} "
            f"| {'yes' if reached else 'no'} |",
            flush=True,
        )
        if found.errors:
            print(f"errors: {len(found.errors)}, for example {found.errors[0]!r}")
        if not is_complete:
            break
    for socket in sockets:
        socket.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="./just bench chat", description="Throughput and latency of the chat."
    )
    parser.add_argument("--sockets", type=int, nargs="+", default=[200, 1_000])
    parser.add_argument(
        "--rates", type=int, nargs="+", default=[500, 1_000, 2_000, 2_500, 3_500, 5_000]
    )
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--only", choices=[POSTGRESQL, SQLITE])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        for kind in [options.only] if options.only else [POSTGRESQL, SQLITE]:
            folder = Path(name) / kind
            folder.mkdir()
            postgres = None
            if kind == POSTGRESQL:
                postgres = stack.enter_context(DurablePostgres.start())
            settings = settings_of(folder, postgres.fresh_database() if postgres else None)
            fill(settings, SIZES)
            print(f"\n## {kind}", flush=True)
            for number in options.sockets:
                with platform(settings, postgres) as server:
                    uvloop.run(measure(server, settings, options, number))


if __name__ == "__main__":
    main()

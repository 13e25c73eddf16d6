"""The chat over sockets: how many messages a second are stored and delivered, and how soon.

    ./just bench chat [--sockets N ...] [--rates N ...] [--seconds N]

Both people of each room have it open in one socket each, in one serving process. Messages are
offered at a steady rate, whatever comes back, in turn by everybody. Each one is stored before it
is delivered to both. Shown is how long deliveries took from the sending on; the rate counts as
reached when all of them came and 99 of 100 took at most 100 ms. Processor time is that of all
processes of a server, divided by the messages: it is steadier than what a shared machine reaches.

The limit is `bench/limit/echo.py`: the same frames from socket to socket, and nothing else.
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
from sidepro.adapters.sql.schema import tables
from sidepro.bootstrap import Container, build
from sidepro.domain.accounts.session import RefreshToken, Session
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId, UserId
from sidepro.settings import load
from tests.clients import until

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
"""Sockets that are opened before memory is looked at: what a process does for the first time
costs some megabytes.
"""

LIMIT_RATE = 2_500
"""Messages a second that the limit is offered."""

SOON = 0.1
"""Seconds within which 99 of 100 deliveries have to come."""

EVERY = 0.005
"""Seconds between two moments at which messages are sent: those that are due then."""

PATIENCE = 10.0
"""Seconds after which a delivery is missed."""


@dataclass
class Traffic:
    """What was sent when, by its number, and what has come back. `name` tells it from other
    traffic over the same sockets, of which something may come late.
    """

    name: str
    sent: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)

    def hear(self, frame: bytes) -> None:
        """A frame of any socket."""
        start = b'"client_id":"n%b-' % self.name.encode()
        place = frame.find(start)
        if place < 0:
            return
        if frame.startswith(b'{"type":"error"'):
            self.errors.append(frame)
            return
        place += len(start)
        number = int(frame[place : frame.index(b'"', place)])
        self.took.append(time.perf_counter() - self.sent[number])


@dataclass(frozen=True)
class Seat:
    """A person and the room that they have open."""

    room_id: UUID
    user_id: UUID
    token: str


async def seats(settings: Mapping[str, str], number: int) -> list[Seat]:
    """So many seats, two to a room, with sessions of their own."""
    made = build(load(settings), "")
    try:
        async with made.database.reading() as connection:
            room = tables.rooms.c
            open_rooms = select(room.id, room.low_id, room.high_id).where(room.left_by.is_(None))
            rooms = (await connection.execute(open_rooms.limit(number // 2))).all()
        if len(rooms) * 2 < number:
            sys.exit(f"there are {len(rooms)} rooms, too few for {number} sockets")
        tokens: dict[UUID, str] = {}
        for person in {person for _, *pair in rooms for person in pair}:
            tokens[person] = await _token(made, person)
        return [Seat(room, person, tokens[person]) for room, *pair in rooms for person in pair]
    finally:
        await made.close()


async def _token(made: Container, person: UUID) -> str:
    """A log-in without the hash of a password, which would take most of the time."""
    service = made.api.services.sessions
    now = service.clock()
    session = Session.start(
        SessionId(service.new_id()), UserId(person), "bench", now, service.session_ttl
    )
    token = RefreshToken.issue(service.new_secret(), session.id, None, now)
    async with service.unit_of_work() as work:
        await work.sessions.add(session, token)
        await work.commit()
    return service.access_tokens.issue(Caller(session.user_id, session.id, is_admin=False))


async def stored(settings: Mapping[str, str]) -> int:
    """How many messages there are."""
    database = Database(load(settings).database)
    try:
        async with database.reading() as connection:
            counted = await connection.scalar(select(func.count()).select_from(tables.messages))
            return int(counted or 0)
    finally:
        await database.close()


async def offer(sockets: list[ChatSocket], traffic: Traffic, rate: int, seconds: float) -> None:
    """Send at this rate for so long."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (passed := loop.time() - began) < seconds:
        while len(traffic.sent) < rate * passed:
            number = len(traffic.sent)
            frame = f'{{"type":"send","client_id":"n{traffic.name}-{number}","body":"{BODY}"}}'
            traffic.sent.append(time.perf_counter())
            sockets[number % len(sockets)].send(frame.encode())
        await asyncio.sleep(EVERY)
    with contextlib.suppress(AssertionError):  # what is missing is told in the table
        await until(lambda: len(traffic.took) >= 2 * len(traffic.sent), PATIENCE)


@dataclass(frozen=True)
class Figures:
    """What one rate came to. Processor time is in milliseconds for each message."""

    sent: int
    delivered: int
    p50: float
    p99: float
    app: float
    database: float
    errors: list[bytes]


async def opened(
    server: Measured, places: list[tuple[str, str]], hear: Callable[[bytes], None]
) -> tuple[list[ChatSocket], float]:
    """Sockets to these addresses with these tokens, and the kB that one more of them costs."""
    sockets = []
    before = 0
    for place, (path, token) in enumerate(places):
        if place == WARM_UP:
            before = server.memory()
        sockets.append(await ChatSocket.open(server.port, path, token, hear))
    await asyncio.sleep(1)
    return sockets, (server.memory() - before) / (len(places) - WARM_UP) / 1024


async def figures_of(
    server: Measured,
    sockets: list[ChatSocket],
    traffic: Traffic,
    rate: int,
    seconds: float,
) -> Figures:
    """Offer one rate."""
    used = server.cpu()
    await offer(sockets, traffic, rate, seconds)
    sent = len(traffic.sent)
    app, database = ((now - then) / sent for now, then in zip(server.cpu(), used, strict=True))
    cuts = statistics.quantiles(traffic.took, n=100) if len(traffic.took) > 1 else [0.0] * 99
    return Figures(sent, len(traffic.took), cuts[49], cuts[98], app, database, traffic.errors)


async def limit_of(number: int, seconds: float) -> tuple[Figures, float]:
    """The bare echo with so many sockets; the kB that each of them costs."""
    traffic = Traffic("limit")
    places = [(f"/{place // 2}", "") for place in range(number)]
    with harness("echo", settings={}) as server:
        sockets, memory = await opened(server, places, traffic.hear)
        figures = await figures_of(server, sockets, traffic, LIMIT_RATE, seconds)
        for each in sockets:
            each.close()
    return figures, memory


async def measure(
    server: Measured, settings: Mapping[str, str], options: argparse.Namespace, number: int
) -> None:
    """Open the sockets, and offer one rate after the other."""
    traffic = Traffic("")

    def hear(frame: bytes) -> None:
        traffic.hear(frame)

    places = [
        (f"/api/v1/rooms/{seat.room_id}/socket", seat.token)
        for seat in await seats(settings, number)
    ]
    limit, limit_memory = await limit_of(number, options.seconds)
    sockets, memory = await opened(server, places, hear)
    print(
        f"\n{number} sockets in {number // 2} rooms, {memory:.0f} kB each "
        f"(at the limit {limit_memory:.0f})\n"
    )
    print(
        "| offered/s | sent | stored | delivered | p50 ms | p99 ms | app, ms | at the limit, ms "
        "| ratio | database, ms | reached |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for turn, rate in enumerate(options.rates):
        traffic = Traffic(f"{number}x{turn}")
        there = await stored(settings)
        found = await figures_of(server, sockets, traffic, rate, options.seconds)
        kept = await stored(settings) - there
        whole = found.delivered == 2 * found.sent and kept == found.sent and not found.errors
        reached = whole and found.p99 <= SOON
        print(
            f"| {rate} | {found.sent} | {kept} | {found.delivered} | {found.p50 * 1000:.0f} "
            f"| {found.p99 * 1000:.0f} | {found.app:.2f} | {limit.app:.2f} "
            f"| {found.app / limit.app:.1f} | {found.database:.2f} "
            f"| {'yes' if reached else 'no'} |",
            flush=True,
        )
        if found.errors:
            print(f"errors: {len(found.errors)}, such as {found.errors[0]!r}")
        if not whole:
            break
    for socket in sockets:
        socket.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench chat")
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

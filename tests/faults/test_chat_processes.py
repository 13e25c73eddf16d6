"""People talk over two processes, of which one is killed, while Redis goes away and comes back.

Shortened in the suite; `TEST_CHAT_SECONDS=60 TEST_CHAT_PEOPLE=11` makes it the full minute in
55 rooms.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.live import PATIENCE, Person, Socket, until
from tests.servers import RedisServer
from tests.together import at, shared_settings, two_servers, visiting_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live import Json
    from tests.servers import Postgres, SideProServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers]

SECONDS = float(os.environ.get("TEST_CHAT_SECONDS", "10"))
PEOPLE = int(os.environ.get("TEST_CHAT_PEOPLE", "5"))
REDIS_AWAY = min(5.0, SECONDS / 5)
PRESENCE_RIGHT_WITHIN = 15.0
REPEATED_AFTER = 3.0
"""Seconds without an acknowledgement after which a message is sent again."""


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer.start() as server:
        yield server


@pytest.fixture
def servers(
    postgres: Postgres, redis: RedisServer, tmp_path: Path
) -> Iterator[list[SideProServer]]:
    with shared_settings(postgres, redis, tmp_path) as settings, two_servers(settings) as running:
        yield running


@dataclass(eq=False)
class Member:
    """One who always comes back, says one thing after the other, and notes what is seen."""

    person: Person
    room_id: str
    name: str
    seen: list[Json] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)
    says: bool = True
    drops: int = 0
    _acknowledged: asyncio.Event = field(default_factory=asyncio.Event)

    async def take_part(self) -> None:
        """Come, and come back, until cancelled."""
        numbers = itertools.count()
        unacknowledged: str | None = None
        while True:
            with suppress(OSError, InvalidHandshake, TimeoutError, ConnectionClosed):
                async with self.person.socket(self.room_id, after=len(self.seen)) as socket:
                    hearing = asyncio.create_task(self._hear(socket))
                    try:
                        while not hearing.done():
                            unacknowledged = await self._say(socket, unacknowledged, numbers)
                    finally:
                        hearing.cancel()
                        await asyncio.gather(hearing, return_exceptions=True)
                    _raise_what_should_not_be(hearing)
            self.drops += 1
            await asyncio.sleep(0.1)

    async def _say(
        self, socket: Socket, unacknowledged: str | None, numbers: Iterator[int]
    ) -> str | None:
        """Say the next thing, or the last one again; what is not acknowledged in time."""
        if unacknowledged is None and not self.says:
            await asyncio.sleep(0.1)
            return None
        client_id = unacknowledged or f"{self.name}-{next(numbers)}"
        if unacknowledged:
            self.repeated.add(client_id)
        self._acknowledged.clear()
        with suppress(ConnectionClosed, TimeoutError):
            await socket.tell("send", client_id=client_id, body=client_id)
            async with asyncio.timeout(REPEATED_AFTER):
                while client_id not in self.acknowledged:
                    await self._acknowledged.wait()
                    self._acknowledged.clear()
            await asyncio.sleep(0.1)
            return None
        await asyncio.sleep(0.1)
        return client_id

    async def _hear(self, socket: Socket) -> None:
        while True:
            frame = await _frame(socket)
            if frame["type"] != "message":
                continue
            message = frame["message"]
            if message["sender_id"] == self.person.id:
                self.acknowledged.add(message["client_id"])
                self._acknowledged.set()
            if message["seq"] == len(self.seen) + 1:
                self.seen.append(message)
            else:  # the one exception to the order: the answer to a repeat
                assert message["client_id"] in self.repeated, f"{message} after {len(self.seen)}"


async def _frame(socket: Socket) -> Json:
    while True:
        with suppress(TimeoutError):  # nobody says anything for a while
            return await socket.frame()


def _raise_what_should_not_be(hearing: asyncio.Task[None]) -> None:
    if hearing.done() and not hearing.cancelled():
        error = hearing.exception()
        if isinstance(error, AssertionError):
            raise error


async def test_each_message_is_stored_once_and_seen_once_whatever_goes_away(
    servers: list[SideProServer], redis: RedisServer
) -> None:
    async with visiting_all(servers) as visits:
        people = await asyncio.gather(*(Person.join(visits[0]) for _ in range(PEOPLE)))
        members: list[Member] = []
        on_killed: set[str] = set()
        for one, other in itertools.combinations(people, 2):
            room_id = await one.room_with(other)
            for place, person in enumerate((one, other)):
                name = f"{len(members)}"
                on_killed |= {name} if place == 1 else set()
                members.append(Member(at(person, visits[place]), room_id, name))
        crash, stays = asyncio.Event(), people[0]
        leaver = await Person.join(visits[1])
        left_room = await stays.room_with(leaver)
        gone = asyncio.create_task(gone_after(stays, leaver, left_room, crash))
        parts = [asyncio.create_task(member.take_part()) for member in members]
        try:
            await until(lambda: all(member.acknowledged for member in members), 3 * PATIENCE)
            began = time.monotonic()

            async def until_part(share: float) -> None:
                await asyncio.sleep(max(0, began + share * SECONDS - time.monotonic()))

            await until_part(0.2)
            await asyncio.to_thread(servers[1].kill)
            crash.set()
            await asyncio.to_thread(servers[1].start)
            await until_part(0.6)
            await asyncio.to_thread(redis.stop)
            await asyncio.sleep(REDIS_AWAY)
            await asyncio.to_thread(redis.resume)
            await until_part(1.0)

            for member in members:
                member.says = False
            for member in members:
                await until(partial(has_all, member), 2 * PATIENCE)
            assert await gone < PRESENCE_RIGHT_WITHIN
        finally:
            for part in [*parts, gone]:
                part.cancel()
            results = await asyncio.gather(*parts, return_exceptions=True)
        assert [r for r in results if not isinstance(r, asyncio.CancelledError)] == []
        for member in members:
            await check(member)
        # sockets stay open while Redis is away: only those of the killed process have dropped
        assert all(bool(member.drops) == (member.name in on_killed) for member in members)

        # nobody has anything open any more
        deadline = time.monotonic() + PRESENCE_RIGHT_WITHIN
        for member in members:
            await until(partial(is_stopped, member), deadline - time.monotonic())
    for server in servers:
        assert "Traceback" not in server.log()


async def is_stopped(member: Member) -> bool:
    return bool((await member.person.ask("GET", f"/rooms/{member.room_id}"))["status"] == "stop")


async def has_all(member: Member) -> bool:
    room = await member.person.ask("GET", f"/rooms/{member.room_id}")
    return bool(len(member.seen) == room["last_seq"])


async def check(member: Member) -> None:
    """What was seen is what is stored, each of it once."""
    stored: list[Json] = []
    path = f"/rooms/{member.room_id}/messages?limit=100&after="
    while items := (await member.person.ask("GET", f"{path}{len(stored)}"))["items"]:
        stored += items
    assert [message["seq"] for message in stored] == list(range(1, len(stored) + 1))
    assert member.seen == stored
    names = [message["client_id"] for message in stored]
    assert len(set(names)) == len(names)
    assert member.acknowledged <= set(names)


async def gone_after(stays: Person, leaver: Person, room_id: str, crash: asyncio.Event) -> float:
    """How long after the crash of the leaver's process the one who stays is told of it."""
    async with stays.chat(room_id) as socket:
        async with leaver.chat(room_id):
            await socket.until_status("running", stays, leaver)
            await crash.wait()
        crashed = time.monotonic()
        async with asyncio.timeout(2 * PRESENCE_RIGHT_WITHIN):
            while socket.status["online"] != [stays.id]:
                with suppress(TimeoutError):
                    socket.status = await socket.expect("status")
        return time.monotonic() - crashed

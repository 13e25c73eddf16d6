"""Clients that reconnect to their rooms, and record the messages they get."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.clients import TIMEOUT, Client, eventually
from tests.faults.load import agree

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence

    import httpx

    from tests.clients import Json, Socket

REPEATED_AFTER = 3.0
"""Seconds without an acknowledgement after which a message is sent again."""

PEOPLE = 11
"""People who chat with each other, two sockets a room: 110 sockets."""


@dataclass(eq=False)
class Member:
    """A client that reconnects, sends one message after another, and records what it gets."""

    person: Client
    room_id: str
    name: str
    seen: list[Json] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)
    says: bool = True
    pause: float = 0.1
    """Seconds between an acknowledgement and the next message."""
    drops: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    unacknowledged: str | None = None
    """The message on its way: sent, perhaps several times, and not acknowledged."""
    _acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def take_part(self) -> None:
        """Connect and reconnect until cancelled."""
        while True:
            with suppress(OSError, InvalidHandshake, TimeoutError, ConnectionClosed):
                async with self.person.socket(self.room_id, after=len(self.seen)) as socket:
                    receiving = asyncio.create_task(self._receive(socket))
                    try:
                        while not receiving.done():
                            await self._send(socket)
                    finally:
                        receiving.cancel()
                        await asyncio.gather(receiving, return_exceptions=True)
                    self._note_end(receiving)
            self.drops += 1
            await asyncio.sleep(0.1)

    async def _send(self, socket: Socket) -> None:
        """Send the next message, or repeat the last one if it was not acknowledged in time."""
        if self.unacknowledged is not None:
            self.repeated.add(self.unacknowledged)
        elif self.says:
            self.unacknowledged = f"{self.name}-{next(self._numbers)}"
        else:
            await asyncio.sleep(0.1)
            return
        client_id = self.unacknowledged
        self._acknowledged.clear()
        with suppress(ConnectionClosed, TimeoutError):
            await socket.send_frame("send", client_id=client_id, body=client_id)
            async with asyncio.timeout(REPEATED_AFTER):
                while client_id not in self.acknowledged:
                    await self._acknowledged.wait()
                    self._acknowledged.clear()
            self.unacknowledged = None
            await asyncio.sleep(self.pause)
            return
        await asyncio.sleep(0.1)

    def _note_end(self, receiving: asyncio.Task[None]) -> None:
        error = None if receiving.cancelled() else receiving.exception()
        if isinstance(error, AssertionError):
            raise error
        if isinstance(error, ConnectionClosed):
            self.codes[error.rcvd.code if error.rcvd else 1006] += 1

    async def _receive(self, socket: Socket) -> None:
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
            else:  # the answer to a repeat is the one exception to the order
                assert message["client_id"] in self.repeated, f"{message} after {len(self.seen)}"


async def _frame(socket: Socket) -> Json:
    while True:
        with suppress(TimeoutError):  # no message for a while
            return await socket.receive()


async def finish(members: Sequence[Member]) -> None:
    """Let nobody begin another message, and wait until all have received what is stored."""
    for member in members:
        member.says = False
    # Also a message that a fault interrupted may still be stored.
    await eventually(lambda: all(one.unacknowledged is None for one in members), 2 * TIMEOUT)
    for member in members:
        await eventually(partial(_has_all, member), 2 * TIMEOUT)


async def _has_all(member: Member) -> bool:
    room = await member.person.call("GET", f"/rooms/{member.room_id}")
    return bool(len(member.seen) == room["last_seq"])


async def check(member: Member) -> None:
    """The received messages are the stored ones, once each."""
    stored: list[Json] = []
    path = f"/rooms/{member.room_id}/messages?limit=100&after="
    while items := (await member.person.call("GET", f"{path}{len(stored)}"))["items"]:
        stored += items
    assert [message["seq"] for message in stored] == list(range(1, len(stored) + 1))
    assert len(member.seen) == len(stored)
    assert all(map(agree, member.seen, stored))
    names = [message["client_id"] for message in stored]
    assert len(set(names)) == len(names)
    assert member.acknowledged <= set(names)


async def chatting_members(
    http: httpx.AsyncClient,
    trust: ssl.SSLContext | None = None,
    number: int = PEOPLE,
    pause: float = 2,
) -> list[Member]:
    """Each two of some new people, in a room of their own."""
    people = [await Client.sign_up(http) for _ in range(number)]
    members: list[Member] = []
    for one, other in itertools.combinations(people, 2):
        room_id = await one.open_room_with(other)
        for person in (one, other):
            person.trust = trust
            members.append(Member(person, room_id, str(len(members)), pause=pause))
    return members

"""A platform that really runs, on a database of either kind, and people who use it.

The people speak HTTP with httpx and the chat socket with websockets; they know the server's
contract and nothing of its code.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

Json = dict[str, Any]

PATIENCE = 10.0
"""Seconds after which what should come is missed. Nothing that works waits for it."""


@asynccontextmanager
async def visiting(
    url: str, *, patience: float = PATIENCE, kept: int = 50
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API, which waits so many seconds for an answer, keeps so many connections
    for later, and goes through no proxy that the environment may name.
    """
    limits = httpx.Limits(max_connections=50, max_keepalive_connections=kept)
    async with httpx.AsyncClient(
        base_url=url, timeout=patience, limits=limits, trust_env=False
    ) as http:
        yield http


async def until(holds: Callable[[], bool | Awaitable[bool]], seconds: float = PATIENCE) -> None:
    """Ask again and again until it holds; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        found = holds()
        if await found if isawaitable(found) else found:
            return
        assert time.monotonic() < deadline, f"did not come to hold within {seconds:.0f} s"
        await asyncio.sleep(0.01)


async def tenths_until(ended: asyncio.Future[Any], http: httpx.AsyncClient) -> int:
    """How many tenths of a second it takes, as the server itself has them: an answer of it, and of
    its database, comes after each. On a busy machine they get longer for whom they measure too.
    """
    tenths = 0
    while not ended.done():
        await asyncio.sleep(0.1)
        response = await http.get("/health/ready")
        assert response.is_success, response.text
        tenths += 1
    return tenths


class Person:
    """Somebody who is signed up and logged in."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.username = f"사람-{secrets.token_hex(6)}"
        self.email = f"{secrets.token_hex(8)}@example.com"
        self.password = secrets.token_urlsafe(16)
        self.id = ""
        self.token = ""

    @classmethod
    async def join(cls, http: httpx.AsyncClient) -> Self:
        """Sign up and log in."""
        person = cls(http)
        account = {"email": person.email, "password": person.password}
        joined = await person.ask("POST", "/users", {**account, "username": person.username})
        person.id = joined["id"]
        person.token = (await person.ask("POST", "/sessions", account))["access_token"]
        return person

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def send(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        """Make a call, whatever it leads to."""
        return await self.http.request(method, f"/api/v1{path}", json=body, headers=self.headers)

    async def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Make a call that succeeds; its answer, empty where it has none."""
        response = await self.send(method, path, body)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return dict(response.json()) if response.content else {}

    async def room_with(self, other: Person) -> str:
        """The id of the room of the two."""
        return str((await self.ask("POST", "/rooms", {"user_id": other.id}))["id"])

    @asynccontextmanager
    async def socket(
        self,
        room_id: str,
        after: int | str | None = None,
        ticket: str | None = None,
        **options: Any,
    ) -> AsyncIterator[Socket]:
        """A socket to a room, of which nothing is read yet; with a ticket in the place of the
        token. `options` are those of `connect`.
        """
        address = str(self.http.base_url.join(f"/api/v1/rooms/{room_id}/socket"))
        given = {"after": after, "ticket": ticket}
        query = "&".join(f"{name}={text}" for name, text in given.items() if text is not None)
        options.setdefault("additional_headers", self.headers if ticket is None else {})
        async with connect(
            f"{address.replace('http', 'ws', 1)}?{query}".rstrip("?"),
            proxy=None,
            ping_interval=None,
            compression=None,
            open_timeout=PATIENCE,
            close_timeout=1,
            **options,
        ) as connection:
            yield Socket(self, room_id, connection)

    async def ticket(self, room_id: str) -> str:
        """A ticket for a socket to a room."""
        return str((await self.ask("POST", f"/rooms/{room_id}/socket-tickets"))["ticket"])

    @asynccontextmanager
    async def chat(self, room_id: str, after: int | None = None) -> AsyncIterator[Socket]:
        """A socket that is live: hello, what was missed and the first status are read."""
        async with self.socket(room_id, after) as socket:
            await socket.begin()
            yield socket


class Socket:
    """One socket of a person to a room."""

    def __init__(self, person: Person, room_id: str, connection: ClientConnection) -> None:
        self.person, self.room_id, self.connection = person, room_id, connection
        self.hello: Json = {}
        self.missed: list[Json] = []
        self.status: Json = {}

    async def begin(self) -> None:
        """Read up to the status after which everything is live."""
        self.hello = await self.expect("hello")
        after = self.hello["after"]
        if after is not None and self.hello["recovered"]:
            for _ in range(self.hello["last_seq"] - after):
                self.missed.append((await self.expect("message"))["message"])
        self.status = await self.expect("status")

    async def frame(self) -> Json:
        """The next frame, whatever it is."""
        async with asyncio.timeout(PATIENCE):
            text = await self.connection.recv()
        assert isinstance(text, str), "frames are text"
        return dict(json.loads(text))

    async def expect(self, kind: str) -> Json:
        """The very next frame, which must be of this kind."""
        frame = await self.frame()
        assert frame["type"] == kind, f"expected {kind}, got {frame}"
        return frame

    async def next(self, kind: str) -> Json:
        """The next frame that tells of anything but presence."""
        while (frame := await self.frame())["type"] == "status":
            self.status = frame
        assert frame["type"] == kind, f"expected {kind}, got {frame}"
        return frame

    async def message(self) -> Json:
        """The next message."""
        return dict((await self.next("message"))["message"])

    async def messages(self, number: int) -> list[Json]:
        """The next messages."""
        return [await self.message() for _ in range(number)]

    async def until_status(
        self, status: str, *online: Person, left_by: Person | None = None
    ) -> None:
        """Read on until the status is this one; it may be so already."""
        wanted = {
            "type": "status",
            "status": status,
            "left_by": left_by and left_by.id,
            "online": sorted(person.id for person in online),
        }
        while self.status != wanted:
            self.status = await self.expect("status")

    async def tell(self, kind: str, **members: Any) -> None:
        """Send a frame."""
        await self.connection.send(json.dumps({"type": kind, **members}))

    async def say(self, body: str = "안녕하세요") -> str:
        """Send a message; the client id that its acknowledgement will have."""
        client_id = secrets.token_hex(8)
        await self.tell("send", client_id=client_id, body=body)
        return client_id

    async def said(self, body: str = "안녕하세요") -> Json:
        """Send a message and wait for its acknowledgement, which must be the next frame."""
        client_id = await self.say(body)
        message = (await self.expect("message"))["message"]
        assert message["client_id"] == client_id
        return dict(message)

    async def closed(self) -> int:
        """The code with which the server closes the socket; nothing may come before."""
        try:
            frame = await self.frame()
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else 1006
        raise AssertionError(f"expected the end, got {frame}")

    async def frames_and_close(self) -> tuple[list[Json], int]:
        """All frames until the server closes the socket, and the code."""
        frames = []
        try:
            while True:
                frames.append(await self.frame())
        except ConnectionClosed as end:
            return frames, end.rcvd.code if end.rcvd else 1006

    def break_off(self) -> None:
        """Lose the connection without a word, as a phone does in a tunnel."""
        self.connection.transport.abort()

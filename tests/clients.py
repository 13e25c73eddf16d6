"""HTTP and chat clients for a running server.

They use httpx and websockets, and nothing of the server's code.
"""

from __future__ import annotations

import asyncio
import functools
import json
import secrets
import ssl
import time
from contextlib import asynccontextmanager
from http import HTTPStatus
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

Json = dict[str, Any]

TIMEOUT = 10.0
"""Seconds after which an expected event counts as missing."""


@functools.cache
def usual_trust() -> ssl.SSLContext:
    """The certificates of this machine. Reading them takes as long as a short test."""
    return ssl.create_default_context()


@asynccontextmanager
async def http_client(
    url: str,
    *,
    seconds: float = TIMEOUT,
    keep_alive: int = 50,
    trust: ssl.SSLContext | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API that ignores the proxies of the environment.

    A call fails after so many seconds. `keep_alive` is the number of idle connections kept.
    `trust` replaces the usual certificates.
    """
    limits = httpx.Limits(max_connections=50, max_keepalive_connections=keep_alive)
    async with httpx.AsyncClient(
        base_url=url,
        timeout=seconds,
        limits=limits,
        trust_env=False,
        verify=trust or usual_trust(),
    ) as http:
        yield http


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], seconds: float = TIMEOUT
) -> None:
    """Polls the condition until it holds; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if await found if isawaitable(found) else found:
            return
        assert time.monotonic() < deadline, f"the condition did not hold within {seconds:.0f} s"
        await asyncio.sleep(0.01)


async def server_tenths_until(done: asyncio.Future[Any], http: httpx.AsyncClient) -> int:
    """Tenths of a second until `done`, each followed by an answer of the server and its database.

    On a busy machine such a tenth takes longer, as the measured work does.
    """
    tenths = 0
    while not done.done():
        await asyncio.sleep(0.1)
        response = await http.get("/health/ready")
        assert response.is_success, response.text
        tenths += 1
    return tenths


class Client:
    """A signed-up user with an access token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.username = f"사람-{secrets.token_hex(6)}"
        self.email = f"{secrets.token_hex(8)}@example.com"
        self.password = secrets.token_urlsafe(16)
        self.id = ""
        self.token = ""
        self.trust: ssl.SSLContext | None = None
        """Of sockets; `None` for the usual certificates."""

    @classmethod
    async def sign_up(cls, http: httpx.AsyncClient) -> Self:
        """Signs up and logs in."""
        client = cls(http)
        await client.register()
        return client

    async def register(self, chat_policy: str = "open") -> None:
        """Signs up with its name, email and password, and logs in."""
        account = {"email": self.email, "password": self.password, "username": self.username}
        self.id = (await self.call("POST", "/users", account))["id"]
        await self.log_in()
        response = await self.request("PATCH", "/me", {"chat_policy": chat_policy})
        # A version before consent has no policies: everybody takes chats from everybody.
        is_older = response.status_code == HTTPStatus.METHOD_NOT_ALLOWED
        assert is_older or response.is_success, response.text

    async def log_in(self) -> None:
        """Logs in once more."""
        account = {"email": self.email, "password": self.password}
        self.token = (await self.call("POST", "/sessions", account))["access_token"]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def request(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        """The response to a call, of whatever status."""
        return await self.http.request(method, f"/api/v1{path}", json=body, headers=self.headers)

    async def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """The body of a successful response; empty if it has none."""
        response = await self.request(method, path, body)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return dict(response.json()) if response.content else {}

    async def upload(self, picture: bytes) -> Json:
        """A new image."""
        files = {"file": ("picture.png", picture, "image/png")}
        response = await self.http.post("/api/v1/images", files=files, headers=self.headers)
        assert response.is_success, f"upload: {response.status_code} {response.text}"
        return dict(response.json())

    async def write_profile(self, *skills: str, **members: Any) -> Json:
        """The account with a new profile."""
        profile = {"bio": "커피챗 환영합니다.", "skills": skills or ("Python",), **members}
        return await self.call("PUT", "/me/profile", profile)

    async def publish(self, **members: Any) -> Json:
        """A new project."""
        project = {
            "title": "동네 카페 지도",
            "summary": "조용한 카페를 모은 지도",
            "content": "## 만든 이유\n\n**조용한** 곳이 필요했습니다.",
            "skills": ["Python"],
            **members,
        }
        return await self.call("POST", "/projects", project)

    async def open_room_with(self, other: Client) -> str:
        """Returns the id of the room."""
        return str((await self.call("POST", "/rooms", {"user_id": other.id}))["id"])

    @asynccontextmanager
    async def socket(
        self,
        room_id: str,
        after: int | str | None = None,
        ticket: str | None = None,
        **options: Any,
    ) -> AsyncIterator[Socket]:
        """A socket of a room with no frame read, authorised by the ticket or else by the token.

        `options` are those of `connect`.
        """
        async with self._connect(f"/rooms/{room_id}/socket", after, ticket, options) as connection:
            yield Socket(self, room_id, connection)

    @asynccontextmanager
    async def stream(self, ticket: str | None = None, **options: Any) -> AsyncIterator[Socket]:
        """A socket of the person's stream with no frame read."""
        async with self._connect("/me/socket", None, ticket, options) as connection:
            yield Socket(self, "", connection)

    @asynccontextmanager
    async def _connect(
        self, path: str, after: int | str | None, ticket: str | None, options: Json
    ) -> AsyncIterator[ClientConnection]:
        address = str(self.http.base_url.join(f"/api/v1{path}"))
        parameters = {"after": after, "ticket": ticket}
        query = "&".join(f"{name}={text}" for name, text in parameters.items() if text is not None)
        options.setdefault("additional_headers", self.headers if ticket is None else {})
        options.setdefault("ssl", self.trust)
        async with connect(
            f"{address.replace('http', 'ws', 1)}?{query}".rstrip("?"),
            proxy=None,
            ping_interval=None,
            compression=None,
            open_timeout=TIMEOUT,
            close_timeout=1,
            **options,
        ) as connection:
            yield connection

    async def ticket(self, room_id: str) -> str:
        """A ticket for a socket of a room."""
        return str((await self.call("POST", f"/rooms/{room_id}/socket-tickets"))["ticket"])

    @asynccontextmanager
    async def chat(self, room_id: str, after: int | str | None = None) -> AsyncIterator[Socket]:
        """A socket that has read its hello, the missed messages and the first status."""
        async with self.socket(room_id, after) as socket:
            await socket.start()
            yield socket


class Socket:
    """A chat socket of a client."""

    def __init__(self, client: Client, room_id: str, connection: ClientConnection) -> None:
        self.client, self.room_id, self.connection = client, room_id, connection
        self.hello: Json = {}
        self.missed: list[Json] = []
        self.status: Json = {}

    async def start(self) -> None:
        """Reads up to the first status, after which all frames are live."""
        self.hello = await self.expect("hello")
        after = self.hello["after"]
        if after is not None and self.hello["recovered"]:
            for _ in range(self.hello["last_seq"] - after):
                self.missed.append((await self.expect("message"))["message"])
        self.status = await self.expect("status")

    async def receive(self) -> Json:
        """The next frame of any type."""
        async with asyncio.timeout(TIMEOUT):
            text = await self.connection.recv()
        assert isinstance(text, str), "frames are text"
        return dict(json.loads(text))

    async def expect(self, kind: str) -> Json:
        """The next frame, which must be of this type."""
        frame = await self.receive()
        assert frame["type"] == kind, f"expected {kind}, got {frame}"
        return frame

    async def next(self, kind: str) -> Json:
        """The next frame that is no status; it must be of this type."""
        while (frame := await self.receive())["type"] == "status":
            self.status = frame
        assert frame["type"] == kind, f"expected {kind}, got {frame}"
        return frame

    async def message(self) -> Json:
        """The next message."""
        return dict((await self.next("message"))["message"])

    async def messages(self, number: int) -> list[Json]:
        """The next messages."""
        return [await self.message() for _ in range(number)]

    async def wait_for_status(
        self, status: str, *online: Client, left_by: Client | None = None
    ) -> None:
        """Reads until the current status is this one. No other frame may come before."""
        expected = {
            "type": "status",
            "status": status,
            "left_by": left_by and left_by.id,
            "online": sorted(client.id for client in online),
        }
        while self.status != expected:
            self.status = await self.expect("status")

    async def until(self, kind: str, **members: Any) -> Json:
        """Reads until a frame of this type with these members comes."""
        while True:
            frame = await self.receive()
            if frame["type"] == kind and members.items() <= frame.items():
                return frame

    async def send_frame(self, kind: str, **members: Any) -> None:
        await self.connection.send(json.dumps({"type": kind, **members}))

    async def send_message(self, body: str = "안녕하세요") -> str:
        """Returns the client id of the message."""
        client_id = secrets.token_hex(8)
        await self.send_frame("send", client_id=client_id, body=body)
        return client_id

    async def send_and_wait(self, body: str = "안녕하세요") -> Json:
        """Sends a message. Returns it as the server's next frame acknowledges it."""
        client_id = await self.send_message(body)
        message = (await self.expect("message"))["message"]
        assert message["client_id"] == client_id
        return dict(message)

    async def close_code(self) -> int:
        """The code with which the server closes the socket; no frame may come before."""
        try:
            frame = await self.receive()
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd else 1006
        raise AssertionError(f"expected a close, got {frame}")

    async def frames_and_close(self) -> tuple[list[Json], int]:
        """The frames until the server closes the socket, and the close code."""
        frames = []
        try:
            while True:
                frames.append(await self.receive())
        except ConnectionClosed as error:
            return frames, error.rcvd.code if error.rcvd else 1006

    def abort(self) -> None:
        """Drops the connection without a close frame."""
        self.connection.transport.abort()

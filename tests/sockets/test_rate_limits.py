"""Rate limits and the number of open sockets."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from websockets.exceptions import ConnectionClosed

from sidepro.adapters.in_process.concurrency_limiter import InProcessConcurrencyLimiter
from sidepro.adapters.in_process.rate_limiter import InProcessRateLimiter
from sidepro.api.chat.handshake import Handshake, Resumption
from sidepro.api.chat.limits import FRAMES, FrameCounter, SocketLimits
from sidepro.domain.errors import RateLimited
from sidepro.http.rate_limits import ALL_ELSE
from tests import factories
from tests.clients import TIMEOUT, Client, Socket, http_client
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sidepro.domain.identity import Caller
    from tests.clients import Json

pytestmark = pytest.mark.anyio

MOST = 4


@pytest.fixture(scope="module")
def limited() -> Iterator[SideProServer]:
    """A server with rate limits; the database does not matter here."""
    settings = {"SIDEPRO_RATE_LIMITS": "on", "SIDEPRO_SOCKETS_PER_USER": str(MOST)}
    with SideProServer(settings) as server:
        yield server


@pytest.fixture(scope="module")
async def visitors(limited: SideProServer, anyio_backend: str) -> AsyncIterator[list[Client]]:
    """Shared by the module: one address may sign up ten times an hour."""
    async with http_client(limited.url) as http:
        yield [await Client.sign_up(http) for _ in range(8)]


@pytest.fixture
def two(visitors: list[Client]) -> tuple[Client, Client]:
    """Two users with unused limits."""
    return visitors.pop(), visitors.pop()


@pytest.mark.servers
async def test_a_socket_above_the_limit_is_closed_with_4429(
    two: tuple[Client, Client],
) -> None:
    one, other = two
    room_id = await one.open_room_with(other)
    async with AsyncExitStack() as stack:
        open_ones = [await stack.enter_async_context(one.chat(room_id)) for _ in range(MOST)]
        for ticket in (None, await one.ticket(room_id)):
            async with one.socket(room_id, ticket=ticket) as late:
                assert await late.close_code() == 4429
        await stack.enter_async_context(other.chat(room_id))
        # one closed by the client, and one broken connection
        await open_ones[0].connection.close()
        open_ones[1].abort()
        deadline = time.monotonic() + TIMEOUT
        found = 0
        while found < 2:
            socket = await stack.enter_async_context(one.socket(room_id))
            found += await _is_open(socket)
            await asyncio.sleep(0.05)  # connection attempts count too
            assert time.monotonic() < deadline
        async with one.socket(room_id) as late:
            assert await late.close_code() == 4429


async def _is_open(socket: Socket) -> bool:
    try:
        return bool((await socket.receive())["type"] == "hello")
    except ConnectionClosed:
        return False


@pytest.mark.servers
async def test_messages_over_socket_and_http_share_one_limit(
    two: tuple[Client, Client],
) -> None:
    one, other = two
    room_id = await one.open_room_with(other)
    path = f"/rooms/{room_id}/messages"
    async with one.chat(room_id) as socket:
        sent: list[str] = []
        seen: list[str] = []
        refused: list[str] = []
        frame: Json = {}
        while not refused:
            sent += [await socket.send_message() for _ in range(100)]
            while len(seen) + len(refused) < len(sent):
                frame = await socket.receive()
                if frame["type"] == "message":
                    seen.append(frame["message"]["client_id"])
                elif frame["type"] == "error":
                    assert frame["code"] == "rate-limited"
                    refused.append(frame["client_id"])
        assert len(seen) >= 50
        assert sorted([*seen, *refused]) == sorted(sent)

        # HTTP uses the same bucket, which refills in five seconds
        answer = await one.request("POST", path, {"body": "one more"})
        (left,) = re.findall(r'"messages";r=(\d+)', answer.headers["RateLimit"])
        assert int(left) < 40
        # the other user has a limit of their own; a later repeat is accepted
        assert (await other.request("POST", path, {"body": "x"})).is_success
        async with asyncio.timeout(TIMEOUT):
            while frame.get("message", {}).get("client_id") != refused[0]:
                if frame.get("client_id") in (None, refused[0]):
                    await socket.send_frame("send", client_id=refused[0], body="once more")
                    await asyncio.sleep(0.2)
                frame = await socket.receive()


@pytest.mark.servers
async def test_typing_is_sent_at_most_once_a_second(
    two: tuple[Client, Client],
) -> None:
    one, other = two
    room_id = await one.open_room_with(other)
    async with (
        one.chat(room_id) as socket,
        one.chat(room_id) as second,
        other.chat(room_id) as theirs,
    ):
        began = time.monotonic()
        told = 0
        while told < 2:
            for typing in (socket, second):
                await typing.send_frame("typing")
            fence = await socket.send_message()
            while True:
                frame = await theirs.receive()
                told += frame["type"] == "typing"
                if frame["type"] == "message" and frame["message"]["client_id"] == fence:
                    break
            await asyncio.sleep(0.2)
        assert 1 <= time.monotonic() - began < TIMEOUT


@pytest.mark.servers
async def test_too_many_frames_close_the_socket_with_4429(two: tuple[Client, Client]) -> None:
    one, other = two
    room_id = await one.open_room_with(other)
    async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
        for _ in range(FRAMES.quota * 4):
            await socket.send_frame("typing")
        _, code = await socket.frames_and_close()
        assert code == 4429
        while theirs.status["online"] != [other.id]:
            frame = await theirs.receive()
            if frame["type"] == "status":
                theirs.status = frame


async def test_without_rate_limits_nothing_is_refused(
    one: Client, other: Client, room_id: str
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(25):
            await stack.enter_async_context(one.chat(room_id))
    async with one.chat(room_id) as socket, other.chat(room_id) as theirs:

        async def speak() -> None:
            for _ in range(FRAMES.quota * 2):
                await socket.send_frame("typing")
            for _ in range(60):
                await socket.send_message()

        async def listen() -> list[str]:
            kinds: list[str] = []
            while kinds.count("message") < 60:
                kinds.append((await theirs.receive())["type"])
            return kinds

        kinds, _ = await asyncio.gather(listen(), speak())
        assert kinds.count("typing") == FRAMES.quota * 2


# ---------------------------------------------------------------------------------- by themselves


def test_a_burst_of_frames_is_allowed_and_then_thirty_a_second() -> None:
    now = 1000.0
    counter = FrameCounter(lambda: now)
    assert [counter.count() for _ in range(FRAMES.quota)] == [True] * FRAMES.quota
    for _ in range(5):
        now += 1
        allowed = 0
        while counter.count():
            allowed += 1
        assert allowed <= 30
    now += 60
    assert counter.count()


async def test_a_connection_attempt_counts_as_an_api_call() -> None:
    caller: Caller = factories.caller(factories.user())
    limiter = InProcessRateLimiter(lambda: 0.0)
    limits = SocketLimits(limiter, InProcessConcurrencyLimiter(), 20)

    class Everybody:
        def read(self, token: str) -> Caller:
            return caller

        async def is_active(self, session_id: object) -> bool:
            return True

        async def authorize(self, *_: object) -> None:
            pass

    everybody = cast("Any", Everybody())
    handshake = Handshake(everybody, everybody, everybody, everybody, limits, ())
    headers = [(b"host", b"here"), (b"authorization", b"Bearer x")]
    scope = {"headers": headers, "query_string": b"after=7"}
    socket = cast("Any", SimpleNamespace(scope=scope, query_params={"after": "7"}))
    room = factories.new_id()
    for _ in range(ALL_ELSE.quota):
        assert await handshake.authorize(socket, str(room)) == (caller, room, Resumption(7))
    with pytest.raises(RateLimited):
        await handshake.authorize(socket, str(room))


async def test_a_refused_socket_releases_no_slot() -> None:
    limiter = InProcessConcurrencyLimiter()
    limits = SocketLimits(InProcessRateLimiter(), limiter, 1)
    caller: Caller = factories.caller(factories.user())
    async with limits.reserve(caller, "one"):
        with pytest.raises(RateLimited):
            async with limits.reserve(caller, "two"):
                raise AssertionError("let in")
        assert list(limiter.slots.values()) == [{"one"}]
    assert not limiter.slots

"""A rolling restart of two processes behind a proxy loses nothing."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.clients import TIMEOUT, eventually, http_client
from tests.cluster import on_server
from tests.faults.load import Load
from tests.faults.reconnecting_clients import Member, check, has_all
from tests.servers import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers import SideProServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

GOING_AWAY = {1001, 1012}


class Proxy:
    """A TCP proxy that distributes connections over its ports in turn."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.passed = dict.fromkeys(ports, 0)
        self._connections = itertools.count()
        self._passing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """The proxy's URL."""
        async with await asyncio.start_server(self._take, HOST, 0) as server:
            host, port = server.sockets[0].getsockname()
            yield f"http://{host}:{port}"
        for passing in self._passing:
            passing.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing = asyncio.create_task(self._pass(reader, writer))
        self._passing.add(passing)
        passing.add_done_callback(self._passing.discard)

    def has_passed(self, port: int, number: int) -> bool:
        """Whether so many connections went to this port."""
        return self.passed[port] >= number

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = self.ports[next(self._connections) % len(self.ports)]
        other_reader, other_writer = await asyncio.open_connection(HOST, port)
        self.passed[port] += 1
        await asyncio.gather(_pump(reader, other_writer), _pump(other_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def visiting_anew(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client with one connection a call, since the proxy balances connections."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(
        base_url=url, timeout=TIMEOUT, limits=limits, trust_env=False
    ) as http:
        yield http


async def test_a_rolling_restart_fails_no_call_and_sockets_lose_nothing(
    servers: list[SideProServer],
) -> None:
    proxy = Proxy([server.port for server in servers])
    async with (
        proxy.listening() as url,
        visiting_anew(url) as http,
        http_client(servers[0].url) as first,
    ):
        load = await Load.begin(http)
        people = load.people[1:5]  # in rooms without load
        members: list[Member] = []
        for one, other in itertools.combinations(people, 2):
            room_id = await on_server(one, first).open_room_with(other)
            for person in (one, other):
                members.append(Member(person, room_id, f"{len(members)}"))
        parts = [asyncio.create_task(member.take_part()) for member in members]
        try:
            await eventually(lambda: all(member.acknowledged for member in members), 3 * TIMEOUT)
            load.start()
            for server in servers:
                await load.until_each_was_told(5)
                # Take it out of rotation first: a connection during the stop would be refused.
                proxy.ports.remove(server.port)
                await load.until_each_was_told(3)
                assert await asyncio.to_thread(server.terminate) == 0
                await load.until_each_was_told(5)
                await asyncio.to_thread(server.start)
                proxy.ports.append(server.port)
                await eventually(
                    partial(proxy.has_passed, server.port, proxy.passed[server.port] + 10)
                )
            await load.until_each_was_told(5)
            await load.stop()
            for member in members:
                member.says = False
            for member in members:
                await eventually(partial(has_all, member), 2 * TIMEOUT)
        finally:
            for part in parts:
                part.cancel()
            results = await asyncio.gather(*parts, return_exceptions=True)
        assert [r for r in results if not isinstance(r, asyncio.CancelledError)] == []

        assert load.untold.total() == 0
        assert set(load.statuses) <= {200, 201}, load.statuses
        await load.check()
        for member in members:
            await check(member)
            assert set(member.codes) <= GOING_AWAY, member.codes
        # each socket was closed by at least one of the two restarts
        assert all(member.codes for member in members)
    for server in servers:
        assert "Traceback" not in server.log()


async def test_an_unannounced_stop_completes_received_calls(
    servers: list[SideProServer],
) -> None:
    """A caller retries on the other process only if the connection is refused."""
    answered = dict.fromkeys(range(16), 0)
    stopping = asyncio.Event()

    async def call_repeatedly(caller: int, keepalive: int) -> None:
        limits = httpx.Limits(max_keepalive_connections=keepalive)
        ports = [server.port for server in servers]
        async with httpx.AsyncClient(timeout=TIMEOUT, limits=limits, trust_env=False) as http:
            while not stopping.is_set():
                try:
                    answer = await http.get(f"http://{HOST}:{ports[0]}/api/v1/catalogue")
                except httpx.ConnectError:
                    ports.reverse()
                    continue
                assert answer.status_code == 200
                answered[caller] += 1

    async def each_was_answered(number: int) -> None:
        before = answered.copy()
        await eventually(
            lambda: all(answered[one] - before[one] >= number for one in answered), 3 * TIMEOUT
        )

    async with asyncio.TaskGroup() as callers:
        for caller in answered:
            callers.create_task(call_repeatedly(caller, keepalive=caller % 2))
        for server in (servers[0], servers[1], servers[0]):
            await each_was_answered(5)
            assert await asyncio.to_thread(server.terminate) == 0
            await each_was_answered(5)
            await asyncio.to_thread(server.start)
        stopping.set()

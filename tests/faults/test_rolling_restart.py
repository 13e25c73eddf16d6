"""A rolling restart of two processes behind nginx, as `deploy` configures it, loses nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.clients import TIMEOUT, eventually
from tests.faults.behind_nginx import nothing_fails
from tests.servers import HOST
from tests.servers.nginx import Nginx

if TYPE_CHECKING:
    from tests.servers import SideProServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]


async def test_a_rolling_restart_behind_nginx_fails_no_call_and_sockets_lose_nothing(
    servers: list[SideProServer],
) -> None:
    with Nginx([server.port for server in servers]) as nginx:
        async with nothing_fails(nginx) as (load, members):
            for server in servers:
                await load.until_each_was_told(10)
                assert await asyncio.to_thread(server.terminate) == 0
                await load.until_each_was_told(10)
                await asyncio.to_thread(server.start)
            await load.until_each_was_told(10)
        assert sum(bool(member.codes) for member in members) > len(members) / 2
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

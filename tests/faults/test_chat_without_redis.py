"""Chat with a suspended process, and during a Redis outage."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.clients import Client, eventually
from tests.cluster import http_clients, on_server
from tests.faults.processor import NEAR_IDLE, share_used
from tests.servers import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients import Socket
    from tests.servers import SideProServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

PRESENCE_RIGHT_WITHIN = 15.0
HEALS_WITHIN = 5.0


@contextmanager
def standing_still(server: SideProServer) -> Iterator[None]:
    """Suspend the process."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def test_users_of_a_suspended_process_are_offline_until_it_resumes(
    servers: list[SideProServer],
) -> None:
    async with http_clients(servers) as visits:
        one, other = await Client.sign_up(visits[0]), await Client.sign_up(visits[1])
        third = await Client.sign_up(visits[0])
        room_id, lonely = await one.open_room_with(other), await third.open_room_with(other)

        async def room_status_is(status: str) -> bool:
            return bool((await third.call("GET", f"/rooms/{lonely}"))["status"] == status)

        async with (
            one.chat(room_id) as socket,
            other.chat(room_id) as theirs,
            other.chat(lonely),
        ):
            await socket.wait_for_status("running", one, other)
            await theirs.wait_for_status("running", one, other)
            assert await room_status_is("running")
            with standing_still(servers[1]):
                stopped = time.monotonic()
                await wait_for_online(socket, one)
                await eventually(lambda: room_status_is("stop"), PRESENCE_RIGHT_WITHIN)
                assert time.monotonic() - stopped < PRESENCE_RIGHT_WITHIN
                said = [await socket.send_and_wait(f"{number}") for number in range(3)]
            went_on = time.monotonic()
            assert await theirs.messages(3) == said
            await wait_for_online(socket, one, other)
            await eventually(lambda: room_status_is("running"), PRESENCE_RIGHT_WITHIN)
            assert time.monotonic() - went_on < PRESENCE_RIGHT_WITHIN
            await theirs.send_message("here I am")
            assert (await socket.message())["body"] == "here I am"


async def wait_for_online(socket: Socket, *online: Client) -> None:
    """Wait for a status with exactly these users online."""
    async with asyncio.timeout(PRESENCE_RIGHT_WITHIN):
        while socket.status["online"] != sorted(person.id for person in online):
            try:
                socket.status = await socket.expect("status")
            except TimeoutError:  # no frame for a while
                continue


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what a process has used")
async def test_chat_works_within_a_process_without_redis_and_recovers(
    servers: list[SideProServer], own_redis: RedisServer
) -> None:
    async with http_clients(servers) as visits:
        one, other = await Client.sign_up(visits[0]), await Client.sign_up(visits[1])
        room_id = await one.open_room_with(other)
        tickets = f"/rooms/{room_id}/socket-tickets"

        async def gives_tickets() -> bool:
            return (await one.request("POST", tickets)).status_code == 201

        async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
            await socket.wait_for_status("running", one, other)
            await theirs.wait_for_status("running", one, other)

            await asyncio.to_thread(own_redis.stop)
            # each process goes on with its own sockets
            first = await socket.send_and_wait("while it is away")
            await theirs.send_message("here too")
            missed, live = await theirs.messages(2)
            assert missed == first
            assert (await one.request("POST", tickets)).status_code == 503
            async with on_server(one, visits[1]).chat(room_id) as guest:
                assert guest.status["online"] == sorted([one.id, other.id])
            await theirs.wait_for_status("running", other)

            share = await share_used(*servers)
            assert share < NEAR_IDLE

            await asyncio.to_thread(own_redis.resume)
            began = time.monotonic()
            async with asyncio.timeout(HEALS_WITHIN):
                assert await socket.message() == live
                await theirs.wait_for_status("running", one, other)
                await eventually(gives_tickets, HEALS_WITHIN)
            print(f"processor {share:.1%}, healed in {time.monotonic() - began:.1f} s")
        for server in servers:
            assert "Traceback" not in server.log()

"""Chat over two processes, while one is killed and Redis has an outage.

`./just ci-full` runs it for a full minute in 55 rooms, with a Redis outage of five seconds.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.clients import TIMEOUT, Client, eventually
from tests.cluster import http_clients, on_server
from tests.faults.reconnecting_clients import Member, check, finish
from tests.servers import RedisServer

if TYPE_CHECKING:
    from tests.servers import SideProServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

SECONDS = float(os.environ.get("TEST_CHAT_SECONDS", "10"))
PEOPLE = int(os.environ.get("TEST_CHAT_PEOPLE", "5"))
REDIS_AWAY = min(5.0, SECONDS / 5)
PRESENCE_RIGHT_WITHIN = 15.0


async def test_each_message_is_stored_and_seen_once_despite_outages(
    servers: list[SideProServer], own_redis: RedisServer
) -> None:
    async with http_clients(servers) as visits:
        people = await asyncio.gather(*(Client.sign_up(visits[0]) for _ in range(PEOPLE)))
        members: list[Member] = []
        on_killed: set[str] = set()
        for one, other in itertools.combinations(people, 2):
            room_id = await one.open_room_with(other)
            for place, person in enumerate((one, other)):
                name = f"{len(members)}"
                on_killed |= {name} if place == 1 else set()
                members.append(Member(on_server(person, visits[place]), room_id, name))
        crash, stays = asyncio.Event(), people[0]
        leaver = await Client.sign_up(visits[1])
        left_room = await stays.open_room_with(leaver)
        delay = asyncio.create_task(seconds_until_offline(stays, leaver, left_room, crash))
        parts = [asyncio.create_task(member.take_part()) for member in members]
        try:
            await eventually(lambda: all(member.acknowledged for member in members), 3 * TIMEOUT)
            began = time.monotonic()

            async def until_part(share: float) -> None:
                await asyncio.sleep(max(0, began + share * SECONDS - time.monotonic()))

            await until_part(0.2)
            await asyncio.to_thread(servers[1].kill)
            crash.set()
            await asyncio.to_thread(servers[1].start)
            await until_part(0.6)
            await asyncio.to_thread(own_redis.stop)
            await asyncio.sleep(REDIS_AWAY)
            await asyncio.to_thread(own_redis.resume)
            await until_part(1.0)

            await finish(members)
            assert await delay < PRESENCE_RIGHT_WITHIN
        finally:
            for part in [*parts, delay]:
                part.cancel()
            results = await asyncio.gather(*parts, return_exceptions=True)
        assert [r for r in results if not isinstance(r, asyncio.CancelledError)] == []
        for member in members:
            await check(member)
        # A Redis outage closes no sockets: only those of the killed process were dropped.
        assert all(bool(member.drops) == (member.name in on_killed) for member in members)

        # no socket is open any more
        deadline = time.monotonic() + PRESENCE_RIGHT_WITHIN
        for member in members:
            await eventually(partial(is_stopped, member), deadline - time.monotonic())
    for server in servers:
        assert "Traceback" not in server.log()


async def is_stopped(member: Member) -> bool:
    return bool((await member.person.call("GET", f"/rooms/{member.room_id}"))["status"] == "stop")


async def seconds_until_offline(
    stays: Client, leaver: Client, room_id: str, crash: asyncio.Event
) -> float:
    """Seconds from the crash of one process until the other participant's status changes."""
    async with stays.chat(room_id) as socket:
        async with leaver.chat(room_id):
            await socket.wait_for_status("running", stays, leaver)
            await crash.wait()
        crashed = time.monotonic()
        async with asyncio.timeout(2 * PRESENCE_RIGHT_WITHIN):
            while socket.status["online"] != [stays.id]:
                with suppress(TimeoutError):
                    socket.status = await socket.expect("status")
        return time.monotonic() - crashed

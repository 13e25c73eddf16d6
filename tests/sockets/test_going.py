"""How sockets end that nobody wanted to end: the server stops, or a client stops reading."""

from __future__ import annotations

import asyncio
import socket as sockets
import time
from typing import TYPE_CHECKING

import pytest

from tests.live import PATIENCE, Person, visiting
from tests.servers import HOST, SideProServer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.mark.servers
async def test_a_stopping_server_tells_its_sockets_and_ends_well(tmp_path: Path) -> None:
    with SideProServer({"SIDEPRO_DATA_DIR": str(tmp_path)}) as server:
        async with visiting(server.url) as http:
            one, other = await asyncio.gather(Person.join(http), Person.join(http))
            room_id = await one.room_with(other)
            async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
                await theirs.said("written before the end")
                began = time.monotonic()
                stopping = asyncio.create_task(asyncio.to_thread(server.terminate))
                for listening in (socket, theirs):
                    _, code = await listening.frames_and_close()
                    assert code in (1001, 1012)
                assert await stopping == 0
                assert time.monotonic() - began < PATIENCE
        assert "Traceback" not in server.log()
        server.start()
        async with visiting(server.url) as http:
            one.http = http
            async with one.chat(room_id, after=0) as socket:
                assert [m["body"] for m in socket.missed] == ["written before the end"]


@pytest.mark.servers
async def test_a_client_that_stops_reading_is_dropped_and_slows_nobody(
    one: Person, other: Person, room_id: str, server: SideProServer
) -> None:
    # a small window, so that the server's own buffers fill soon
    connection = sockets.socket()
    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (HOST, server.port))

    body = "긴 글 " * 1000
    async with one.chat(room_id) as socket:
        async with other.socket(room_id, sock=connection, max_queue=1) as deaf:
            await deaf.begin()
            await socket.until_status("running", one, other)
            sent = 0
            slowest = 0.0
            async with asyncio.timeout(60):
                while socket.status["online"] != [one.id]:
                    began = time.monotonic()
                    await socket.say(body)
                    await socket.message()
                    slowest = max(slowest, time.monotonic() - began)
                    sent += 1
            assert slowest < 1.0
            # the queue of 256 frames, and what the kernel's buffers hold: some megabytes
            assert 256 < sent < 3000

            # who reads again learns why, and has got no message out of order
            frames, code = await deaf.frames_and_close()
            # 1006: on a slow machine pings may go unanswered for too long before that
            assert code in (4408, 1006)
            numbers = [f["message"]["seq"] for f in frames if f["type"] == "message"]
            assert numbers == list(range(1, len(numbers) + 1))
            assert len(numbers) < sent

        async with other.chat(room_id, after=len(numbers)) as late:
            assert len(late.missed) == sent - len(numbers)

"""Involuntary disconnects: the server stops, or a client stops reading."""

from __future__ import annotations

import asyncio
import socket as sockets
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import fmean

import pytest

from tests.clients import TIMEOUT, Client, Socket, eventually, http_client
from tests.servers import HOST, SideProServer

pytestmark = pytest.mark.anyio


@pytest.mark.servers
async def test_a_stopping_server_closes_its_sockets_with_a_code(tmp_path: Path) -> None:
    with SideProServer({"SIDEPRO_DATA_DIR": str(tmp_path)}) as server:
        async with http_client(server.url) as http:
            one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
            room_id = await one.open_room_with(other)
            async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
                await theirs.send_and_wait("written before the end")
                stopping = asyncio.create_task(asyncio.to_thread(server.terminate))
                for listening in (socket, theirs):
                    _, code = await listening.frames_and_close()
                    assert code in (1001, 1012)
                async with asyncio.timeout(TIMEOUT):
                    assert await stopping == 0
        assert "Traceback" not in server.log()
        server.start()
        async with http_client(server.url) as http:
            one.http = http
            async with one.chat(room_id, after=0) as socket:
                assert [m["body"] for m in socket.missed] == ["written before the end"]


MEGABYTE = 2**20
GROWTH = 24 * MEGABYTE
"""Maximum memory for a few sockets that are not read: outboxes of 256 shared frames, connection
buffers, and the general growth of a process."""


def resident(server: SideProServer) -> int:
    """The server's resident memory in bytes."""
    (line,) = (
        line
        for line in Path(f"/proc/{server.pid}/status").read_text().splitlines()
        if line.startswith("VmRSS:")
    )
    return int(line.split()[1]) * 1024


def is_connected(server: SideProServer, ports: set[int]) -> bool:
    """Whether the server has an open connection to one of these client ports."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, _, _, _, _, _, inode, *_ = line.split()
        ends = [int(end.partition(":")[2], 16) for end in (local, remote)]
        # A connection that only the kernel still has shows no inode.
        if ends[0] == server.port and ends[1] in ports and inode != "0":
            return True
    return False


async def no_window(server: SideProServer) -> sockets.socket:
    """A connection with a small receive window, so that the server's buffers fill soon."""
    connection = sockets.socket()
    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (HOST, server.port))
    return connection


@pytest.mark.servers
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what the process has")
async def test_a_client_that_stops_reading_is_disconnected_and_delays_nobody(
    one: Client, other: Client, room_id: str, server: SideProServer
) -> None:
    body = "긴 글 " * 1000
    elsewhere = await one.open_room_with(await Client.sign_up(one.http))
    async with (
        one.chat(room_id) as socket,
        one.chat(elsewhere) as undisturbed,
        AsyncExitStack() as stack,
    ):
        memory = resident(server)
        deaf = [
            await stack.enter_async_context(
                other.socket(room_id, sock=await no_window(server), max_queue=1)
            )
            for _ in range(5)
        ]
        for one_of_them in deaf:
            await one_of_them.start()
        await socket.wait_for_status("running", one, other)
        sent = 0
        took: dict[Socket, list[float]] = {socket: [], undisturbed: []}
        async with asyncio.timeout(90):
            while socket.status["online"] != [one.id]:
                for talking, times in took.items():
                    if talking is undisturbed and sent % 4:
                        continue
                    began = time.monotonic()
                    await talking.send_message(body)
                    await talking.message()
                    times.append(time.monotonic() - began)
                sent += 1
        # Alternating, so that other load on the machine slows both rooms equally.
        assert fmean(took[socket]) < 3 * fmean(took[undisturbed])
        assert resident(server) - memory < GROWTH
        # 256 frames in the outbox, and some megabytes in the kernel's buffers.
        assert 256 < sent < 3000

        # A client that reads again gets the messages in order and the close code.
        frames, code = await deaf[0].frames_and_close()
        # 1006 and 1011: on a slow machine the ping timeout may come first.
        assert code in (4408, 1006, 1011)
        numbers = [f["message"]["seq"] for f in frames if f["type"] == "message"]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) < sent

        # The server keeps nothing of clients that never read again.
        assert is_connected(server, {socket.connection.local_address[1]})
        ports = {one_of_them.connection.local_address[1] for one_of_them in deaf}
        await eventually(lambda: not is_connected(server, ports), 20)

        async with other.chat(room_id, after=len(numbers)) as late:
            assert len(late.missed) == sent - len(numbers)

"""`sidepro serve --workers`: several processes on one port, which end together."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.clients import TIMEOUT, Client, eventually, http_client
from tests.cluster import shared_settings
from tests.faults.at_work import at_work
from tests.servers import SideProServer, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.clients import Json
    from tests.databases import Databases
    from tests.servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]


@pytest.fixture
def settings(
    postgresql_databases: Databases, redis_server: RedisServer, tmp_path: Path
) -> Iterator[Json]:
    with shared_settings(postgresql_databases, redis_server, tmp_path) as found:
        yield found


def children(pid: int) -> dict[int, str]:
    """The child processes with their commands."""
    listed = subprocess.run(
        ["ps", "-ww", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = (line.split(None, 2) for line in listed.stdout.splitlines())
    return {int(row[0]): row[2] for row in rows if len(row) == 3 and int(row[1]) == pid}


def workers(server: SideProServer) -> list[int]:
    return [pid for pid, command in children(server.pid).items() if "spawn_main" in command]


def are_gone(pids: list[int]) -> bool:
    def is_gone(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    return all(map(is_gone, pids))


async def test_workers_share_a_port_and_one_killed_under_load_is_replaced_and_loses_nothing(
    settings: Json,
) -> None:
    """And their supervisor stops them, and they end without it. Each start takes seconds."""
    with SideProServer(settings, "--workers", "2", "--no-jobs") as server:
        await eventually(lambda: "SidePro serves" in server.log())
        before = workers(server)
        assert len(before) == 2
        async with http_client(server.url) as http:
            one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
        room_id = await said_across(server, one, other)

        async with at_work(server.url, statuses=(200, 201)) as work:
            os.kill(before[0], signal.SIGKILL)
            killed = time.monotonic()
            await work.is_told()
            await eventually(lambda: len(set(workers(server)) - {before[0]}) == 2)
            await eventually(lambda: "worker_exited" in server.log())
            await work.is_told()
            print(
                f"{work.load.untold.total()} broken, replaced in {time.monotonic() - killed:.1f} s"
            )
        assert before[1] in workers(server)
        await said_across(server, one, other)

        before = workers(server)
        async with AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(one.socket(room_id)) for _ in range(8)]
            for socket in sockets:
                await socket.expect("hello")
            os.killpg(server.pid, signal.SIGHUP)  # as the end of a terminal does
            stopping = asyncio.create_task(asyncio.to_thread(server.terminate))
            for socket in sockets:
                assert (await socket.frames_and_close())[1] == 1012
            assert await stopping == 0
        assert are_gone(before)
        assert "Traceback" not in server.log()
        assert server.log().count("SidePro serves") == 1

        server.start()
        left_alone = workers(server)
        assert len(left_alone) == 2
        os.kill(server.pid, signal.SIGKILL)
        await eventually(lambda: are_gone(left_alone), 2 * TIMEOUT)


async def said_across(server: SideProServer, one: Client, other: Client) -> str:
    """Chat over enough sockets that both workers have some of them."""
    async with http_client(server.url) as http, AsyncExitStack() as stack:
        one.http = other.http = http
        room_id = await one.open_room_with(other)
        people = [(one, other)[number % 2] for number in range(8)]
        sockets = [await stack.enter_async_context(each.chat(room_id)) for each in people]
        for socket in sockets:
            client_id = await socket.send_message()
            for listening in sockets:
                assert (await listening.message())["client_id"] == client_id
    return room_id


async def test_metrics_cover_all_workers_and_answer_while_one_does_not(settings: Json) -> None:
    """A killed one restarts for seconds, and Prometheus waits for ten."""
    metrics = f"127.0.0.1:{free_port()}"
    own_address = {**settings, "SIDEPRO_METRICS_BIND": metrics}
    with SideProServer(own_address, "--workers=2", "--no-jobs") as server:
        async with http_client(server.url, keep_alive=0) as http:

            async def requests_of_each_worker() -> dict[str, float]:
                await http.get("/api/v1/catalogue")
                page = (await http.get(f"http://{metrics}/metrics")).text
                return {
                    sample.labels["worker"]: sample.value
                    for family in text_string_to_metric_families(page)
                    for sample in family.samples
                    if sample.name == "sidepro_requests_total"
                    and sample.labels["route"] == "/api/v1/catalogue"
                }

            async def both_are_there() -> bool:
                return (await requests_of_each_worker()).keys() == {"0", "1"}

            await eventually(both_are_there)
            before = await requests_of_each_worker()
            assert sum((await requests_of_each_worker()).values()) == sum(before.values()) + 1

        await eventually(lambda: "SidePro serves" in server.log())
        for worker in workers(server):
            os.kill(worker, signal.SIGSTOP)
            try:
                async with http_client(f"http://{metrics}", keep_alive=0) as http:
                    page = (await http.get("/metrics")).text
            finally:
                os.kill(worker, signal.SIGCONT)
            assert page.count("process_start_time_seconds{") == 1

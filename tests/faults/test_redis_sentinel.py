"""Serving processes and a worker on a Redis behind Sentinel, whose primary is killed."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.clients import TIMEOUT, Client, eventually
from tests.cluster import http_clients, on_server, two_servers
from tests.servers import SideProJobs
from tests.servers.sentinel import WatchedRedis

if TYPE_CHECKING:
    from pathlib import Path

    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]


async def test_chat_and_jobs_go_on_with_another_primary(
    postgresql_databases: Databases, tmp_path: Path
) -> None:
    with (
        WatchedRedis() as redis,
        postgresql_databases.settings(tmp_path) as stored,
        two_servers({**stored, "SIDEPRO_REDIS_URL": redis.url}) as servers,
        SideProJobs("worker", servers[0].environment) as worker,
    ):
        async with http_clients(servers) as (here, there):
            one, other = await Client.sign_up(here), await Client.sign_up(there)
            room_id = await one.open_room_with(other)
            async with one.chat(room_id) as mine, other.chat(room_id) as theirs:
                await mine.wait_for_status("running", one, other)
                await asyncio.to_thread(redis.kill_primary)
                await mine.send_message("하나")
                assert (await theirs.message())["body"] == "하나"
            began = asyncio.get_running_loop().time()
            for http in (here, there):
                await eventually(partial(gives_tickets, on_server(one, http), room_id), 5)
            print(f"healed in {asyncio.get_running_loop().time() - began:.1f} s")
            async with one.socket(room_id, ticket=await one.ticket(room_id)) as socket:
                await socket.expect("hello")

            await other.write_profile("Python", "React")
            await other.publish()
            await one.write_profile("Python", "React")

            async def is_recommended() -> bool:
                found = await one.call("GET", "/recommendations")
                return any(item["basis"] == "similar-skills" for item in found["items"])

            await eventually(is_recommended, 3 * TIMEOUT)  # by the worker
            for http in (here, there):
                assert (await http.get("/health/ready")).json()["status"] == "ok"
        assert "Traceback" not in worker.log()


async def gives_tickets(person: Client, room_id: str) -> bool:
    response = await person.request("POST", f"/rooms/{room_id}/socket-tickets")
    return response.is_success

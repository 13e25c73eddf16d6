"""With a prefix, all keys and channels in Redis start with it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.clients import Client, eventually, http_client
from tests.databases import Databases, settings_of
from tests.servers import RedisServer, SideProJobs, SideProServer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.anyio, pytest.mark.servers]


async def test_all_keys_and_channels_have_the_prefix(
    postgresql_databases: Databases, own_redis: RedisServer, tmp_path: Path
) -> None:
    with own_redis.client() as client:
        # All other keys and channels are denied.
        rules = ("reset", "on", ">pw", "~mine:*", "&mine:*", "+@all", "-@dangerous", "+info")
        client.execute_command("ACL", "SETUSER", "app", *rules)
    with postgresql_databases.fresh() as url:
        settings = {
            **settings_of(url, tmp_path),
            "SIDEPRO_REDIS_URL": own_redis.url.replace("redis://", "redis://app:pw@"),
            "SIDEPRO_REDIS_PREFIX": "mine:",
            "SIDEPRO_RATE_LIMITS": "on",
        }
        with SideProServer(settings) as server, SideProJobs("worker", settings) as worker:
            async with http_client(server.url) as http:
                one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
                await one.write_profile("Python")
                await other.write_profile("Python")
                room_id = await one.open_room_with(other)
                ticket = await one.ticket(room_id)
                async with one.socket(room_id, ticket=ticket) as socket, other.chat(room_id):
                    await socket.start()
                    await socket.wait_for_status("running", one, other)
                    await socket.send_and_wait("hello")
                await one.call("DELETE", "/sessions/current")
            server.run("similarity", "run")
            await eventually(lambda: "mine:similarity:run" in own_redis.everything())
            for log in (server.log(), worker.log()):
                assert "NOPERM" not in log
                assert "Traceback" not in log
        keys = own_redis.everything()
    assert keys
    assert all(key.startswith("mine:") for key in keys), sorted(keys)

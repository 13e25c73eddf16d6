"""A Redis that loses all its data under two processes: nothing has to be done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import redis

from tests.clients import Client, eventually
from tests.cluster import http_clients, on_server

if TYPE_CHECKING:
    from tests.clients import Json
    from tests.servers import RedisServer, SideProServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers]


async def test_chat_sessions_and_recommendations_heal_after_redis_lost_its_data(
    servers: list[SideProServer], own_redis: RedisServer
) -> None:
    async with http_clients(servers) as (here, there):
        one, other = await Client.sign_up(here), await Client.sign_up(there)
        ended = await Client.sign_up(here)
        for person in (one, other):
            await person.write_profile("Python", "React")
        project = await other.publish()
        room_id = await one.open_room_with(other)
        await asyncio.to_thread(servers[0].run, "similarity", "run")
        assert await recommended(one) == {project["id"]}
        async with one.chat(room_id) as mine, other.chat(room_id) as theirs:
            await mine.wait_for_status("running", one, other)
            await ended.call("DELETE", "/sessions/current")
            with redis.Redis.from_url(own_redis.url) as store:
                store.flushall()

            # Sessions: a log-out before the loss holds, a session goes on, and so do log-ins.
            for http in (here, there):
                assert (await on_server(ended, http).request("GET", "/me")).status_code == 401
                await on_server(one, http).call("GET", "/me")
            await one.log_in()

            # Events: sockets that were open, and messages over both processes.
            await mine.send_message("하나")
            for socket in (mine, theirs):
                assert (await socket.message())["body"] == "하나"
            await theirs.send_message("둘")
            for socket in (mine, theirs):
                assert (await socket.message())["body"] == "둘"

            # Presence, for sockets that open afterwards.
            async def both_are_online() -> bool:
                async with one.chat(room_id) as another:
                    online: list[str] = another.status["online"]
                    return sorted(online) == sorted([one.id, other.id])

            await eventually(both_are_online, 30)

            # Tickets.
            async with one.socket(room_id, ticket=await one.ticket(room_id)) as socket:
                await socket.expect("hello")

        # Recommendations: from the next run on, which is each minute.
        await asyncio.to_thread(servers[0].run, "similarity", "run")
        assert await recommended(one) == {project["id"]}


async def recommended(client: Client) -> set[str]:
    found: Json = await client.call("GET", "/recommendations")
    return {item["project"]["id"] for item in found["items"] if item["basis"] != "popular"}

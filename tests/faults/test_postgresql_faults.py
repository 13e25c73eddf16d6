"""A PostgreSQL that runs and does not do its work: read-only, locked, silent."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing

import httpx
import psycopg
import pytest

from sidepro.adapters.sql.engine.postgresql import REQUEST
from tests.clients import Client, eventually, http_client
from tests.faults.postgresql_faults import cut_connections, let_new_sessions_be_read_only
from tests.servers import Postgres, SideProServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

HEALS_WITHIN = 5.0
NOBODY_WAITS_LONGER = 10.0


async def health(http: httpx.AsyncClient) -> tuple[int, str]:
    response = await http.get("/health/ready")
    return response.status_code, response.json()["parts"]["database"]["state"]


async def test_a_read_only_database_is_read_and_heals_without_a_restart(
    server: SideProServer, url: str
) -> None:
    async with http_client(server.url) as http:
        one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
        room_id = await one.open_room_with(other)
        project = await one.publish()
        async with one.chat(room_id) as socket:
            await asyncio.to_thread(let_new_sessions_be_read_only, url, "on")
            await asyncio.to_thread(cut_connections, url)
            for path in ("/projects", f"/projects/{project['id']}", "/me", "/rooms"):
                assert (await one.request("GET", path)).status_code == 200, path
            for method, path, body in (
                ("POST", f"/projects/{project['id']}/comments", {"body": "hello"}),
                ("PUT", f"/projects/{project['id']}/bookmark", None),
                ("POST", f"/rooms/{room_id}/messages", {"body": "hello"}),
                ("POST", "/sessions", {"email": one.email, "password": one.password}),
            ):
                response = await one.request(method, path, body)
                assert (response.status_code, response.json()["code"]) == (503, "unavailable")
                assert int(response.headers["Retry-After"]) > 0
            client_id = await socket.send_message("meanwhile")
            error = await socket.expect("error")
            assert (error["code"], error["client_id"]) == ("unavailable", client_id)
            assert await health(http) == (200, "degraded")

            await asyncio.to_thread(let_new_sessions_be_read_only, url, "off")
            began = time.monotonic()

            async def is_well() -> bool:
                return await health(http) == (200, "ok")

            await eventually(is_well, HEALS_WITHIN)
            await socket.send_frame("send", client_id=client_id, body="meanwhile")
            assert (await socket.message())["client_id"] == client_id
            for _ in range(20):  # through each connection of the pool
                await one.call("PUT", f"/projects/{project['id']}/bookmark")
            print(f"healed in {time.monotonic() - began:.2f} s")
    assert "cannot execute" in server.log()
    assert "25006" in server.log()


async def test_a_silent_database_is_noticed_and_heals(
    own_postgres: Postgres, server: SideProServer
) -> None:
    async with http_client(server.url, seconds=30) as http:
        person = await Client.sign_up(http)
        project = await person.publish()
        with own_postgres.silenced():
            calls = 30  # warm connections, new ones, and a queue for them
            began = time.monotonic()
            answers = await asyncio.gather(
                *(person.request("GET", "/projects") for _ in range(calls)),
                *(person.request("GET", f"/projects/{project['id']}") for _ in range(calls)),
                person.request("PUT", f"/projects/{project['id']}/bookmark"),
            )
            waited = time.monotonic() - began
            assert {answer.status_code for answer in answers} == {503}
            print(f"{len(answers)} calls answered in {waited:.1f} s")
            assert waited < NOBODY_WAITS_LONGER
            assert (await health(http))[0] == 503
        began = time.monotonic()

        async def is_well() -> bool:
            return await health(http) == (200, "ok")

        await eventually(is_well, HEALS_WITHIN)
        await person.call("PUT", f"/projects/{project['id']}/bookmark")
        print(f"healed in {time.monotonic() - began:.2f} s")


async def test_an_export_that_a_locked_table_breaks_off_is_logged_as_unavailable(
    server: SideProServer, url: str
) -> None:
    async with http_client(server.url, seconds=30) as http:
        person = await Client.sign_up(http)
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE reports IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(httpx.RemoteProtocolError):
                await person.request("GET", "/me/export")
            await person.request("HEAD", "/me/export")
            await eventually(lambda: server.log().count("path=/api/v1/me/export") == 2)
        assert (await person.request("GET", "/me/export")).status_code == 200
    assert "55P03" in server.log()
    assert server.log().count("response=aborted") == 2


async def test_a_process_that_stopped_with_a_locked_room_delays_only_that_room(
    server: SideProServer, url: str
) -> None:
    async with http_client(server.url, seconds=30) as http:
        one, other, third = [await Client.sign_up(http) for _ in range(3)]
        locked, free = await one.open_room_with(other), await one.open_room_with(third)
        waits: list[float] = []

        async def repeat_until_stored() -> None:
            while True:
                asked = time.monotonic()
                body = {"body": "hello", "client_id": "mine"}
                response = await one.request("POST", f"/rooms/{locked}/messages", body)
                waits.append(time.monotonic() - asked)
                if response.status_code == 201:
                    return
                assert (response.status_code, response.json()["code"]) == (503, "unavailable")

        with closing(psycopg.connect(url, options=REQUEST.options)) as stopped:
            stopped.execute("SELECT FROM rooms WHERE id = %s FOR UPDATE", [locked])
            began = time.monotonic()
            waiting = asyncio.create_task(repeat_until_stored())
            longest = 0.0
            async with one.chat(free) as socket:
                while not waiting.done():
                    asked = time.monotonic()
                    await socket.send_and_wait("meanwhile")
                    longest = max(longest, time.monotonic() - asked)
                    await asyncio.sleep(0.05)
            await waiting
            healed = time.monotonic() - began
        messages = await one.call("GET", f"/rooms/{locked}/messages")
        assert [message["seq"] for message in messages["items"]] == [1]
        print(f"stored after {healed:.1f} s, waits of {max(waits):.1f} s, others {longest:.2f} s")
        assert longest < 1
        assert max(waits) < NOBODY_WAITS_LONGER
        assert healed < REQUEST.idle / 1000 + max(waits) + 1


async def test_a_short_lock_delays_a_list_and_a_long_one_makes_it_unavailable(
    server: SideProServer, url: str
) -> None:
    async with http_client(server.url, seconds=30) as http:
        person = await Client.sign_up(http)
        await person.publish()
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE projects IN ACCESS EXCLUSIVE MODE")
            waiting = asyncio.ensure_future(person.request("GET", "/projects"))
            await asyncio.wait([waiting], timeout=0.5)
            assert not waiting.done()
            connection.rollback()
            assert (await waiting).status_code == 200

            connection.execute("LOCK TABLE projects IN ACCESS EXCLUSIVE MODE")
            began = time.monotonic()
            response = await person.request("GET", "/projects")
            assert response.status_code == 503
            assert int(response.headers["Retry-After"]) > 0
            assert time.monotonic() - began < NOBODY_WAITS_LONGER
            connection.rollback()
        assert (await person.request("GET", "/projects")).status_code == 200

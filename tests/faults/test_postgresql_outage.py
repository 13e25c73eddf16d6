"""A PostgreSQL outage: 503 during it, and recovery without a restart."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed

from tests.clients import TIMEOUT, Client, Json, Socket, eventually, http_client
from tests.databases import migrate, settings_of
from tests.faults.load import Load
from tests.faults.processor import NEAR_IDLE, share_used
from tests.servers import Postgres, ServerError, SideProJobs, SideProServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

RETRYABLE = {1001, 1011, 1012, 1013}
HEALS_WITHIN = 5.0
OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """A server for one test."""
    with Postgres.start() as server:
        yield server


@pytest.fixture
def settings(own_postgres: Postgres, tmp_path: Path) -> Json:
    return settings_of(migrate(own_postgres.fresh_database()), tmp_path)


async def until_ready(http: httpx.AsyncClient) -> None:
    async def is_ready() -> bool:
        return (await http.get("/health/ready")).status_code == 200

    await eventually(is_ready, HEALS_WITHIN)


async def say_until_stored(socket: Socket, client_id: str, body: str) -> Json:
    """Repeat a message until it is stored, as a client does."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            await socket.send_frame("send", client_id=client_id, body=body)
            frame = await socket.receive()
            if frame["type"] == "message":
                return dict(frame["message"])
            assert (frame["type"], frame["code"]) == ("error", "unavailable")
            assert frame["client_id"] == client_id
            await asyncio.sleep(0.1)


async def test_requests_answer_503_during_an_outage_and_recover(
    own_postgres: Postgres, settings: Json
) -> None:
    with SideProServer(settings) as server:
        async with http_client(server.url) as http:
            one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
            room_id = await one.open_room_with(other)
            account = {"email": one.email, "password": one.password}
            cookie = (await http.post("/log-in", data=account, headers=OWN)).headers["Set-Cookie"]
            async with one.chat(room_id) as socket, other.chat(room_id) as theirs:
                await socket.wait_for_status("running", one, other)
                first = await socket.send_and_wait("before")
                assert await theirs.message() == first

                await asyncio.to_thread(own_postgres.stop)
                await check_that_it_says_so(http, one, room_id)
                await check_that_pages_say_so(http, cookie, room_id)
                client_id = await socket.send_message("meanwhile")
                error = await socket.expect("error")
                assert (error["code"], error["client_id"]) == ("unavailable", client_id)

                await asyncio.to_thread(own_postgres.resume)
                await until_ready(http)
                second = await say_until_stored(socket, client_id, "meanwhile")
                assert second["seq"] == 2
                assert await theirs.message() == second
            async with other.chat(room_id, after=0) as theirs:
                assert theirs.missed == [first, second]
        assert "Traceback" not in server.log()
        assert server.terminate() == 0


async def check_that_it_says_so(http: httpx.AsyncClient, person: Client, room_id: str) -> None:
    account = {"email": person.email, "password": person.password}
    for method, path, body in (
        ("GET", "/projects", None),
        ("GET", "/me", None),
        ("GET", "/recommendations", None),
        ("GET", "/rooms", None),
        ("GET", f"/rooms/{room_id}/messages", None),
        ("GET", f"/users/{person.id}", None),
        ("POST", "/sessions", account),
        ("POST", f"/rooms/{room_id}/messages", {"body": "hello"}),
        ("PUT", f"/rooms/{room_id}/read", {"seq": 1}),
    ):
        began = time.monotonic()
        response = await person.request(method, path, body)
        assert time.monotonic() - began < 5
        assert response.status_code == 503, (method, path, response.text)
        assert response.headers["Content-Type"] == "application/problem+json"
        assert int(response.headers["Retry-After"]) > 0
        problem = response.json()
        assert (problem["code"], problem["type"]) == ("unavailable", "/problems/unavailable")
        assert "postgres" not in response.text.lower()
        assert response.headers["X-Request-ID"]

    ready = await http.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["status"] == "unavailable"
    assert ready.json()["parts"]["database"]["state"] == "unavailable"
    assert "Retry-After" in ready.headers
    assert (await http.get("/health/live")).status_code == 200

    async with person.socket(room_id) as socket:
        assert await socket.close_code() in RETRYABLE


async def test_no_acknowledged_write_is_lost_under_load(
    own_postgres: Postgres, settings: Json
) -> None:
    with SideProServer(settings) as server:
        async with http_client(server.url) as http:
            load = await Load.begin(http)
            one, other = load.people[:2]
            async with one.chat(load.room_id, after=0) as socket:
                load.start()
                await load.until_each_was_told(15)
                await asyncio.to_thread(own_postgres.stop)
                await eventually(lambda: load.statuses[503] >= 20)
                await asyncio.to_thread(own_postgres.resume)
                began = time.monotonic()
                await until_ready(http)
                print(f"healed in {time.monotonic() - began:.1f} s")
                await load.until_each_was_told(15)
                await load.stop()
                await load.check()

                print(f"answers by status: {dict(load.statuses)}")
                # the socket got all messages, or was closed and can resume
                seen = await read_to_the_end(socket, len(load.messages))
            async with other.chat(load.room_id, after=len(seen)) as late:
                seen += late.missed
            assert [message["seq"] for message in seen] == list(range(1, len(seen) + 1))
            assert {m["client_id"]: m for m in seen} == load.messages
        assert set(load.statuses) <= {200, 201, 503}, load.statuses
        assert "Traceback" not in server.log()


async def check_that_pages_say_so(http: httpx.AsyncClient, cookie: str, room_id: str) -> None:
    http.cookies.clear()
    headers = {**OWN, "Cookie": cookie.partition(";")[0]}
    for path, form in (
        ("/", None),
        (f"/chats/{room_id}", None),
        (f"/chats/{room_id}/messages", {"body": "쓰던 말", "client_id": "1"}),
    ):
        method = "POST" if form else "GET"
        response = await http.request(method, path, data=form, headers=headers)
        assert response.status_code == 503, (method, path)
        assert response.headers["Content-Type"].startswith("text/html")
        assert int(response.headers["Retry-After"]) > 0
        assert response.headers["Cache-Control"] == "no-store"
        assert "/log-in" not in response.text, "they are still logged in"
        assert (form is None) or 'name="body" value="쓰던 말"' in response.text


async def read_to_the_end(socket: Socket, last: int) -> list[Json]:
    seen: list[Json] = []
    try:
        while len(seen) < last:
            seen.append(await socket.message())
    except ConnectionClosed as end:
        if end.rcvd is None or end.rcvd.code not in RETRYABLE:
            raise
    return seen


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what a process has used")
async def test_an_idle_process_stays_idle_during_an_outage(
    own_postgres: Postgres, own_redis: RedisServer, settings: Json
) -> None:
    settings = {**settings, "SIDEPRO_REDIS_URL": own_redis.url}
    with (
        SideProServer(settings, "--no-jobs") as server,
        SideProJobs("worker", settings) as worker,
    ):
        async with http_client(server.url) as http:
            one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
            async with one.chat(await one.open_room_with(other)):
                await asyncio.to_thread(own_postgres.stop)
                assert (await one.request("GET", "/projects")).status_code == 503
                share = await share_used(server, worker)
                print(f"processor {share:.1%}")
                assert share < NEAR_IDLE
                await asyncio.to_thread(own_postgres.resume)
                await until_ready(http)


async def test_after_an_outage_a_second_server_is_still_refused(
    own_postgres: Postgres, settings: Json
) -> None:
    with SideProServer(settings) as server:
        await asyncio.to_thread(own_postgres.stop)
        await asyncio.to_thread(own_postgres.resume)
        await eventually(lambda: "serve_lock_reacquired" in server.log(), HEALS_WITHIN)
        second = SideProServer(settings)
        with pytest.raises(ServerError, match="another `sidepro serve` runs"), second:
            pass

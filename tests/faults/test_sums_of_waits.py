"""One wait after the other: for a connection, for a lock, for a silent server, in one request.

Each by itself is bounded. Here the first ones succeed shortly before their bound, and nobody waits
longer than ten seconds all the same.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.clients import Client, eventually, http_client
from tests.databases import settings_of
from tests.faults import postgresql_faults as faults
from tests.faults import redis_faults
from tests.faults.at_work import NOBODY_WAITS_LONGER, in_thread
from tests.image_files import picture, saved
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

    from tests.browser.relay import Relay
    from tests.clients import Json
    from tests.servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow(seconds=20)]

TRY_LATER = 1013
CROWDED = 6.5
"""Seconds for which no connection is free."""


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Json:
    """With one connection for reading, and one for transactions."""
    return {**settings_of(url, tmp_path), "SIDEPRO_DATABASE_POOL": "1"}


async def duration(work: Awaitable[object]) -> float:
    began = time.monotonic()
    await work
    return time.monotonic() - began


async def is_waiting(url: str) -> bool:
    return await asyncio.to_thread(faults.waiting_for_locks, url) > 0


@asynccontextmanager
async def crowded(url: str, person: Client) -> AsyncIterator[None]:
    """Others read from a locked table with the only connection. It is free `CROWDED` seconds after
    the block has begun.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(
            in_thread(faults.locked(url, "LOCK TABLE projects IN ACCESS EXCLUSIVE MODE"))
        )
        others = [asyncio.ensure_future(person.request("GET", "/projects")) for _ in range(2)]
        await eventually(partial(is_waiting, url))

        async def release() -> None:
            await asyncio.wait(others, timeout=CROWDED)
            await stack.aclose()

        releasing = asyncio.create_task(release())
        yield
        await releasing
        await asyncio.gather(*others)


@pytest.mark.parametrize(
    ("kind", "table"),
    [("room", "rooms"), ("room", "messages"), ("person", "notifications")],
)
async def test_opening_a_socket_waits_for_a_connection_and_a_lock_no_longer_than_ten_seconds(
    kind: str, table: str, server: SideProServer, url: str
) -> None:
    async with http_client(server.url, seconds=30) as http:
        one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
        room_id = await one.open_room_with(other)
        opening = one.socket(room_id) if kind == "room" else one.stream()
        lock = in_thread(faults.locked(url, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        async with lock, crowded(url, other), opening as socket:
            began = time.monotonic()
            async with asyncio.timeout(30):
                await socket.connection.wait_closed()
            waited = time.monotonic() - began
        assert socket.connection.close_code == TRY_LATER
        print(f"closed after {waited:.1f} s")
        assert CROWDED - 1 < waited < NOBODY_WAITS_LONGER


async def test_many_who_ask_for_one_shared_read_wait_no_longer_than_one(
    server: SideProServer, url: str
) -> None:
    async with http_client(server.url, seconds=60) as http:
        async with in_thread(faults.locked(url, "LOCK TABLE project_skills")):
            asked = [http.get("/api/v1/catalogue", params={"counts": "true"}) for _ in range(8)]
            waits = await asyncio.gather(*map(duration, asked))
        print(f"the longest of {len(waits)} waits {max(waits):.1f} s")
        assert max(waits) < NOBODY_WAITS_LONGER
        answer = await http.get("/api/v1/catalogue", params={"counts": "true"})
        assert answer.json()["skill_counts"]


async def test_many_who_open_a_socket_wait_no_longer_than_one(
    server: SideProServer, url: str
) -> None:
    async with http_client(server.url, seconds=60) as http:
        one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
        room_id = await one.open_room_with(other)
        lock = in_thread(faults.locked(url, "LOCK TABLE installation IN ACCESS EXCLUSIVE MODE"))

        async def open_one() -> None:
            async with one.socket(room_id) as socket, asyncio.timeout(60):
                await socket.connection.wait_closed()
            assert socket.connection.close_code == TRY_LATER

        async with lock:
            waits = await asyncio.gather(*(duration(open_one()) for _ in range(4)))
        print(f"the longest of {len(waits)} waits {max(waits):.1f} s")
        assert max(waits) < NOBODY_WAITS_LONGER


async def test_messages_wait_for_batches_and_locks_no_longer_than_ten_seconds(
    server: SideProServer, url: str
) -> None:
    async with http_client(server.url, seconds=60) as http:
        one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
        room_id = await one.open_room_with(other)
        waits: list[float] = []
        is_over = asyncio.Event()

        async def send() -> None:
            while not is_over.is_set():
                body = {"body": "안녕"}
                waits.append(
                    await duration(other.request("POST", f"/rooms/{room_id}/messages", body))
                )

        async with in_thread(faults.locked(url, "LOCK TABLE rooms IN ACCESS EXCLUSIVE MODE")):
            sending = [asyncio.create_task(send()) for _ in range(3)]
            await asyncio.wait(sending, timeout=2 * NOBODY_WAITS_LONGER)
            is_over.set()
            await asyncio.gather(*sending)
        print(f"the longest of {len(waits)} waits {max(waits):.1f} s")
        assert max(waits) < NOBODY_WAITS_LONGER
        assert (await other.call("POST", f"/rooms/{room_id}/messages", {"body": "안녕"}))["seq"]


async def test_the_badges_of_a_page_wait_for_a_connection_and_a_lock_no_longer_than_ten_seconds(
    server: SideProServer, url: str
) -> None:
    async with http_client(server.url, seconds=30) as http:
        one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
        account = {"email": one.email, "password": one.password}
        own = {"Origin": server.url}
        await http.post("/log-in", data=account, headers=own)  # http keeps the cookie
        lock = in_thread(faults.locked(url, "LOCK TABLE notifications IN ACCESS EXCLUSIVE MODE"))
        async with lock, crowded(url, other):
            began = time.monotonic()
            answer = await http.get("/projects/new")
            waited = time.monotonic() - began
        print(f"{answer.status_code} after {waited:.1f} s")
        assert answer.status_code == 503
        assert CROWDED - 1 < waited < NOBODY_WAITS_LONGER
        assert (await http.get("/projects/new")).status_code == 200


async def test_a_silent_redis_before_and_after_locks_is_part_of_ten_seconds(
    settings: Json, url: str, own_redis: RedisServer
) -> None:
    settings |= {"SIDEPRO_REDIS_URL": own_redis.url, "SIDEPRO_RATE_LIMITS": "on"}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(in_thread(SideProServer(settings)))
        http = await stack.enter_async_context(http_client(server.url, seconds=30))
        one, other = await asyncio.gather(Client.sign_up(http), Client.sign_up(http))
        room_id = await one.open_room_with(other)
        paths = ("/rooms", f"/rooms/{room_id}", f"/rooms/{room_id}/messages")
        async with (
            in_thread(faults.locked(url, "LOCK TABLE rooms IN ACCESS EXCLUSIVE MODE")),
            crowded(url, other),
            in_thread(redis_faults.standing_still(own_redis)),
        ):
            waits = await asyncio.gather(
                *(duration(one.request("GET", path)) for path in paths),
                duration(other.log_in()),
            )
        print(f"waits {', '.join(f'{waited:.1f} s' for waited in waits)}")
        assert max(waits) < NOBODY_WAITS_LONGER


async def test_an_upload_to_a_silent_s3_is_unavailable_within_ten_seconds(
    server_before_s3: tuple[SideProServer, Relay],
) -> None:
    server, between = server_before_s3
    async with http_client(server.url, seconds=60) as http:
        person = await Client.sign_up(http)
        image = saved(picture())
        await person.upload(image)
        between.freeze()
        began = time.monotonic()
        files = {"file": ("picture.png", image, "image/png")}
        refused = await http.post("/api/v1/images", files=files, headers=person.headers)
        waited = time.monotonic() - began
        print(f"refused after {waited:.1f} s")
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert waited < NOBODY_WAITS_LONGER
        between.thaw()
        await between.cut()
        await between.restore()
        await person.upload(image)


async def test_a_request_waits_eight_seconds_for_another_one_with_its_key(
    server: SideProServer, url: str
) -> None:
    async with http_client(server.url) as http:
        one = await Client.sign_up(http)

        async def publish(key: str) -> int:
            project = {"title": "t", "summary": "s", "content": "c", "skills": ["Python"]}
            headers = {**one.headers, "Idempotency-Key": key}
            return (await http.post("/api/v1/projects", json=project, headers=headers)).status_code

        assert await publish("ended") == 201
        for held_for, status in ((5.5, 201), (NOBODY_WAITS_LONGER, 409)):
            with faults.admin(url) as other, other.transaction(force_rollback=True):
                other.execute(
                    "INSERT INTO attempts (user_id, operation, key, content, answer, created_at)"
                    " SELECT user_id, operation, %s, content, '', now() FROM attempts LIMIT 1",
                    [f"takes-{held_for}"],
                )
                waiting = asyncio.create_task(publish(f"takes-{held_for}"))
                began = time.monotonic()
                await asyncio.wait([waiting], timeout=held_for)
            assert await waiting == status
            assert 5 < time.monotonic() - began < NOBODY_WAITS_LONGER

"""Many who wait for one row that another program holds hold nobody else.

With its ten connections for writing, a process answers those who do not need the row.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.clients import Client, eventually, http_client
from tests.faults import postgresql_faults as faults
from tests.faults.at_work import NOBODY_WAITS_LONGER, in_thread
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx

    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow(seconds=10)]

CROWD = 30
"""Calls that need the row: three times the connections for writing."""


@pytest.fixture
def url(postgresql_databases: Databases) -> Iterator[str]:
    with postgresql_databases.fresh() as fresh:
        yield fresh


async def is_waiting(url: str, number: int) -> bool:
    return await asyncio.to_thread(faults.waiting_for_locks, url) >= number


@asynccontextmanager
async def crowd(url: str, person: Client, project_id: str) -> AsyncIterator[None]:
    """Comments wait for a project's row during the block, more than there are connections. They
    are refused in time, and welcome again afterwards.
    """
    path = f"/projects/{project_id}/comments"
    waits: list[float] = []

    async def comment() -> httpx.Response:
        began = time.monotonic()
        answer = await person.request("POST", path, {"body": "안녕하세요"})
        waits.append(time.monotonic() - began)
        return answer

    row = f"SELECT FROM projects WHERE id = '{project_id}' FOR UPDATE"
    async with in_thread(faults.locked(url, row)):
        comments = asyncio.gather(*(comment() for _ in range(CROWD)))
        await eventually(partial(is_waiting, url, 8))
        yield
        answers = await comments
    print(f"comments waited for {min(waits):.1f} to {max(waits):.1f} s")
    assert {answer.status_code for answer in answers} == {503}
    assert all(answer.headers["Retry-After"] for answer in answers)
    assert max(waits) < NOBODY_WAITS_LONGER
    assert (await comment()).status_code == 201


async def test_a_message_passes_a_crowd_that_waits_for_a_row(
    server: SideProServer, url: str
) -> None:
    async with http_client(server.url, seconds=30) as http, http_client(server.url) as own:
        one, other = [await Client.sign_up(http), await Client.sign_up(own)]
        project = await one.publish()
        room_id = await one.open_room_with(other)
        async with other.chat(room_id) as socket, crowd(url, one, project["id"]):
            began = time.monotonic()
            await socket.send_message("소켓으로")
            assert (await socket.message())["body"] == "소켓으로"
            await other.call("POST", f"/rooms/{room_id}/messages", {"body": "HTTP로"})
            assert (await socket.message())["body"] == "HTTP로"
            print(f"{time.monotonic() - began:.2f} s")
            assert await is_waiting(url, 8)


async def test_other_writes_pass_a_crowd_that_waits_for_a_row(
    server: SideProServer, url: str
) -> None:
    async with http_client(server.url, seconds=30) as http, http_client(server.url) as own:
        one, other = [await Client.sign_up(http), await Client.sign_up(own)]
        locked, free = [await one.publish(), await other.publish()]
        async with crowd(url, one, locked["id"]):
            began = time.monotonic()
            await other.call("POST", f"/projects/{free['id']}/comments", {"body": "반가워요"})
            print(f"{time.monotonic() - began:.2f} s")
    assert "lock_waits_ended" in server.log(), "as docs/operations.md says"


async def test_calls_that_wait_for_a_row_go_on_waiting_while_nobody_needs_their_connections(
    server: SideProServer, url: str
) -> None:
    async with http_client(server.url, seconds=30) as http:
        person = await Client.sign_up(http)
        path = f"/projects/{(await person.publish())['id']}/comments"
        async with in_thread(faults.locked(url, "SELECT FROM projects FOR UPDATE")):
            comments = [
                asyncio.ensure_future(person.call("POST", path, {"body": "안녕"}))
                for _ in range(8)
            ]
            await eventually(partial(is_waiting, url, len(comments)))
            await asyncio.wait(comments, timeout=1)  # a crowd's waits end before
        assert len({comment["id"] for comment in await asyncio.gather(*comments)}) == 8

"""One process under load goes through all that may happen to its PostgreSQL.

It is never restarted: what one test breaks, it must have healed before the next one.
"""

from __future__ import annotations

import asyncio
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.clients import Client, eventually, http_client
from tests.databases import migrate, settings_of
from tests.faults import postgresql_faults as faults
from tests.faults.at_work import NOBODY_WAITS_LONGER, Work, clients, in_thread, only_in_full
from tests.servers import Postgres, SideProServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractContextManager

    import httpx

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.servers,
    pytest.mark.slow(seconds=60),
    pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what a process has used"),
]


POOL = 10
"""What SIDEPRO_DATABASE_POOL is by default."""


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """Its connections can be used up."""
    with Postgres.start(max_connections=60) as server:
        yield server


@pytest.fixture(scope="module")
def url(own_postgres: Postgres) -> str:
    return migrate(own_postgres.fresh_database())


@pytest.fixture(scope="module")
def server(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SideProServer]:
    with SideProServer(settings_of(url, tmp_path_factory.mktemp("data"))) as running:
        yield running
        assert "Traceback" not in running.log(), running.log()


@pytest.fixture(scope="module")
async def work(server: SideProServer) -> AsyncIterator[Work]:
    async with clients(server.url) as found:
        yield found


def table_locked(_: Postgres, url: str) -> AbstractContextManager[None]:
    return faults.locked(url, "LOCK TABLE projects, messages IN ACCESS EXCLUSIVE MODE")


def rows_locked(_: Postgres, url: str) -> AbstractContextManager[None]:
    return faults.locked(url, "SELECT FROM projects FOR UPDATE")


@pytest.mark.parametrize(
    "fault",
    [
        faults.read_only,
        faults.silent,
        faults.crowded,
        faults.without_room,
        rows_locked,
        pytest.param(table_locked, marks=only_in_full),
    ],
)
async def test_a_fault_under_load_loses_nothing_and_heals(
    fault: Callable[[Postgres, str], AbstractContextManager[None]],
    own_postgres: Postgres,
    url: str,
    server: SideProServer,
    work: Work,
) -> None:
    async with work.under_way():
        async with in_thread(fault(own_postgres, url)):
            await work.is_refused()
            share = await work.share_without_load(server)
        healed = await work.heals()
        await work.is_told()
        print(f"processor {share:.1%}, healed in {healed:.1f} s")


async def test_a_crash_of_postgresql_under_load_loses_nothing_and_heals(
    own_postgres: Postgres, url: str, work: Work
) -> None:
    async with work.under_way():
        async with in_thread(faults.crashed(own_postgres, url)):
            pass
        healed = await work.heals()
        await work.is_told()
        print(f"healed in {healed:.1f} s")


async def test_rows_refused_with_any_state_are_503_and_sockets_stay(
    url: str, server: SideProServer, work: Work
) -> None:
    async with work.under_way():
        for state in faults.STATES:
            async with in_thread(faults.refusing(url, state)):
                await work.is_refused()
                await eventually(partial(is_logged, server, f"told by a test ({state})"))
            await work.is_told(1)
        assert not any(member.drops for member in work.members)


def is_logged(server: SideProServer, text: str) -> bool:
    return text in server.log()


async def test_the_first_writes_after_all_idle_connections_were_cut_succeed(
    url: str, work: Work
) -> None:
    async with work.under_way(statuses=(200, 201)):
        for _ in range(3):
            await work.pause()
            await asyncio.to_thread(faults.cut_connections, url)
            work.go_on()
            await work.is_told(1)


def connections_of_servers(url: str) -> int:
    """How many PostgreSQL has of `sidepro serve`."""
    with faults.admin(url) as connection:
        [(number,)] = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sidepro serve'"
        )
    return int(number)


@pytest.mark.parametrize("method", ["GET", pytest.param("POST", marks=only_in_full)])
async def test_many_who_wait_for_a_locked_table_wait_no_longer_than_one(
    method: str, url: str, server: SideProServer
) -> None:
    async with http_client(server.url, seconds=60) as http:
        person = await Client.sign_up(http)
        project = await person.publish()
        waits: list[float] = []

        async def ask() -> httpx.Response:
            asked = time.monotonic()
            if method == "GET":
                answer = await person.request("GET", "/projects")
            else:
                path = f"/projects/{project['id']}/comments"
                answer = await person.request("POST", path, {"body": "안녕"})
            waits.append(time.monotonic() - asked)
            return answer

        lock = faults.locked(url, "LOCK TABLE projects, comments IN ACCESS EXCLUSIVE MODE")
        async with in_thread(lock):
            asking = asyncio.gather(*(ask() for _ in range(50)))
            used = 0
            while not asking.done():
                used = max(used, await asyncio.to_thread(connections_of_servers, url))
                await asyncio.wait([asking], timeout=0.5)
            answers = await asking
        print(f"longest wait {max(waits):.1f} s, {used} connections")
        assert POOL < used <= 2 * POOL + 4, "as docs/operations.md says"
        assert {answer.status_code for answer in answers} == {503}
        assert max(waits) < NOBODY_WAITS_LONGER

        async def is_well() -> bool:
            return (await ask()).is_success

        await eventually(is_well)

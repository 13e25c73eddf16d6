"""Two processes under load go through all that may happen to their Redis.

They are never restarted: what one test breaks, they must have healed before the next one.
"""

from __future__ import annotations

import sys
import time
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.browser.relay import relay
from tests.clients import eventually
from tests.cluster import shared_settings, two_servers
from tests.faults import redis_faults as faults
from tests.faults.at_work import PEOPLE, Work, at_work, clients, in_thread, only_in_full
from tests.servers import HOST, RedisServer, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.databases import Databases
    from tests.servers import SideProServer

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.servers,
    pytest.mark.slow(seconds=60),
    pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what a process has used"),
]

NOTICED_WITHIN = 5.0


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer.start() as server:
        yield server


@pytest.fixture(scope="module")
def servers(
    postgresql_databases: Databases, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[SideProServer]]:
    folder = tmp_path_factory.mktemp("data")
    with (
        shared_settings(postgresql_databases, redis, folder) as settings,
        two_servers(settings) as running,
    ):
        yield running
        for server in running:
            assert "Traceback" not in server.log(), server.log()


@pytest.fixture(scope="module")
async def work(servers: list[SideProServer]) -> AsyncIterator[Work]:
    async with clients(*(server.url for server in servers)) as found:
        yield found


async def is_noticed(work: Work) -> None:
    """All processes say that Redis does not do its work."""

    async def is_told() -> bool:
        answers = [await http.get("/health/ready") for http in work.visits]
        return all(
            (answer.status_code, answer.json()["status"]) == (httpx.codes.OK, "degraded")
            and answer.json()["parts"]["redis"]["state"] != "ok"
            for answer in answers
        )

    await eventually(is_told, NOTICED_WITHIN)


@pytest.mark.parametrize(
    "fault",
    [
        faults.without_memory,
        faults.without_disk,
        faults.replica,
        faults.locked_out,
        faults.without_permissions,
        faults.standing_still,
        pytest.param(faults.away, marks=only_in_full),
    ],
)
async def test_no_call_fails_and_no_message_is_lost_whatever_redis_says(
    fault: Callable[[RedisServer], AbstractContextManager[None]],
    redis: RedisServer,
    servers: list[SideProServer],
    work: Work,
) -> None:
    async with work.under_way(statuses=(200, 201)):
        async with in_thread(fault(redis)):
            await work.is_told()
            await is_noticed(work)
            share = await work.share_without_load(*servers)
            await work.is_told()
        healed = await work.heals()
        await work.is_told()
        assert not any(member.drops for member in work.members)
        print(f"processor {share:.1%}, healed in {healed:.1f} s")


async def test_no_call_fails_and_no_message_is_lost_while_redis_loads(
    redis: RedisServer, servers: list[SideProServer], work: Work
) -> None:
    async with work.under_way(statuses=(200, 201)):
        async with in_thread(faults.loading(redis)):
            await work.is_told()
        healed = await work.heals()
        assert not any(member.drops for member in work.members)
        print(f"healed in {healed:.1f} s")
    assert any("loading" in server.log() for server in servers)


async def test_no_message_is_lost_when_redis_fails_over_and_cuts_no_connection(
    postgresql_databases: Databases, redis: RedisServer, tmp_path: Path
) -> None:
    """A proxy leads to another server for new connections."""
    async with AsyncExitStack() as stack:
        successor = stack.enter_context(RedisServer.start())
        between = await stack.enter_async_context(relay(free_port(), redis.port))
        settings = stack.enter_context(postgresql_databases.settings(tmp_path))
        settings["SIDEPRO_REDIS_URL"] = between.url.replace("http", "redis")
        # In another thread, since the relay works in this one.
        servers = await stack.enter_async_context(in_thread(two_servers(settings)))
        async with at_work(*(server.url for server in servers), statuses=(200, 201)) as work:
            between._server_port = successor.port
            with redis.client() as client:
                client.replicaof(HOST, str(successor.port))
            began = time.monotonic()
            await eventually(partial(both_listen, successor, PEOPLE), NOTICED_WITHIN)
            print(f"noticed in {time.monotonic() - began:.1f} s")
            await work.heals()
            await work.is_told()
            assert not any(member.drops for member in work.members)


def both_listen(redis: RedisServer, rooms: int) -> bool:
    """Whether two processes subscribe to the channels of so many rooms."""
    with redis.client() as client:
        numbers = client.pubsub_numsub(*client.pubsub_channels())
    return bool(sum(number == 2 for _, number in numbers) >= rooms)

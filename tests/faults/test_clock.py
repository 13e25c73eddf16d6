"""The clock of one process's machine is set back by an hour while it serves."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.clients import eventually
from tests.cluster import shared_settings
from tests.faults.at_work import at_work
from tests.servers import SideProServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.databases import Databases
    from tests.faults.load import Load
    from tests.servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]


class ServerOnItsClock(SideProServer):
    """Its clock goes back by an hour once there is a file `back` in its folder."""

    PATCH = (
        "import os, time; from datetime import UTC, datetime;"
        "from sidepro.adapters.system import SystemClock;"
        "true = time.time;"
        "time.time = lambda: true() - (3600 if os.path.exists('back') else 0);"
        "clock = lambda: datetime.fromtimestamp(time.time(), UTC);"
        "SystemClock.of_this_machine = staticmethod(clock)"
    )

    def go_back(self) -> None:
        (self.folder / "back").touch()


async def sent_in_order(load: Load) -> bool:
    """Whether no message of the room bears an earlier time than the one before."""
    path = f"/rooms/{load.room_id}/messages?after=0&limit=100"
    items = (await load.people[0].call("GET", path))["items"]
    times = [item["sent_at"] for item in items]
    return times == sorted(times)


async def test_a_clock_that_goes_back_by_an_hour_fails_no_call_and_health_tells_it(
    postgresql_databases: Databases, redis_server: RedisServer, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        settings = stack.enter_context(
            shared_settings(postgresql_databases, redis_server, tmp_path)
        )
        servers = [ServerOnItsClock(settings, "--no-jobs") for _ in range(2)]
        for server in servers:
            stack.enter_context(server)
        urls = [server.url for server in servers]
        async with at_work(*urls, statuses=(200, 201)) as work:
            servers[0].go_back()
            await work.is_told(10)

            async def is_told() -> bool:
                health = (await work.visits[0].get("/health/ready")).json()
                return "behind" in (health["parts"]["clock"]["detail"] or "")

            await eventually(is_told)
            assert await sent_in_order(work.load)
            await work.load.stop()
            latest = await work.load.people[3].publish()
            listed = await work.load.people[0].call("GET", "/projects?limit=1")
            assert listed["items"][0]["id"] == latest["id"]
        for server in servers:
            assert "Traceback" not in server.log()

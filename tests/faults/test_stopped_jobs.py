"""The only worker and the only scheduler are killed, or hang, under a service manager."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.clients import TIMEOUT, Client, eventually
from tests.cluster import shared_settings
from tests.faults.at_work import at_work
from tests.servers import SideProJobs, SideProServer
from tests.servers.service_manager import ServiceManager

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.clients import Json
    from tests.databases import Databases
    from tests.servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow(seconds=30)]

SKILLS = ["Java", "Spring", "Python"]

FASTER = 10
"""The service manager waits three seconds for a sign of life, not thirty."""


@pytest.fixture
def settings(
    postgresql_databases: Databases, own_redis: RedisServer, tmp_path: Path
) -> Iterator[Json]:
    with shared_settings(postgresql_databases, own_redis, tmp_path) as found:
        yield found


async def test_jobs_go_on_after_each_restart_and_no_call_fails_meanwhile(settings: Json) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(SideProServer(settings, "--no-jobs"))
        jobs = [SideProJobs(name, settings, every=1) for name in ("worker", "scheduler")]
        managers = [ServiceManager(one, f"sidepro-{one.NAME}.service", FASTER) for one in jobs]
        for one in jobs:
            stack.enter_context(one)
        for manager in managers:
            stack.enter_context(manager)
        async with at_work(server.url, statuses=(200, 201), people=2) as work:
            author, reader = [await Client.sign_up(work.visits[0]) for _ in range(2)]
            await author.write_profile(*SKILLS)
            await author.publish()

            async def is_recommended(skills: list[str]) -> bool:
                found = await reader.call("GET", "/recommendations")
                return any(set(item["shared_skills"]) == {*skills} for item in found["items"])

            await reader.write_profile(*SKILLS[:1])
            await eventually(partial(is_recommended, SKILLS[:1]), 2 * TIMEOUT)
            for restarts, what in enumerate((signal.SIGKILL, signal.SIGSTOP), start=1):
                for one in jobs:
                    os.kill(one.pid, what)
                began = time.monotonic()
                skills = SKILLS[: restarts + 1]
                await reader.write_profile(*skills)
                await work.is_told()
                await eventually(partial(is_recommended, skills), 3 * TIMEOUT)
                print(f"recommended after {time.monotonic() - began:.1f} s")
                for manager in managers:
                    await eventually(partial(has_restarted, manager, restarts), 2 * TIMEOUT)
        for process in (server, *jobs):
            assert "Traceback" not in process.log(), process.log()


def has_restarted(manager: ServiceManager, times: int) -> bool:
    return manager.restarts == times

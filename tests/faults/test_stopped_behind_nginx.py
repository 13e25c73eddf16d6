"""A serving process that is killed, or hangs, behind nginx and under a service manager.

nginx and the manager have the files of `deploy`.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.clients import TIMEOUT, eventually
from tests.cluster import shared_settings
from tests.faults.at_work import clients
from tests.servers import SideProServer
from tests.servers.nginx import Nginx
from tests.servers.service_manager import ServiceManager

if TYPE_CHECKING:
    from pathlib import Path

    from tests.databases import Databases
    from tests.servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow(seconds=30)]

CLIENTS = 10
"""Calls that may be under way at once: `Load` has so many clients."""


async def test_calls_of_a_process_that_ends_or_hangs_are_passed_on(
    postgresql_databases: Databases, own_redis: RedisServer, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        settings = stack.enter_context(shared_settings(postgresql_databases, own_redis, tmp_path))
        servers = [SideProServer(settings, "--no-jobs") for _ in range(2)]
        victim = servers[0]
        manager = ServiceManager(victim, "sidepro-web@.service")
        for server in servers:
            stack.enter_context(server)
        stack.enter_context(manager)
        nginx = stack.enter_context(Nginx([server.port for server in servers]))
        async with clients(nginx.url, trust=nginx.trust, people=5) as work:
            for restarts, what in enumerate((signal.SIGKILL, signal.SIGSTOP), start=1):
                # A process that hangs may hold the lock of a row: who needs it shall come again.
                statuses = (200, 201) if what == signal.SIGKILL else (200, 201, 503)
                async with work.under_way(statuses):
                    # A post may be under way at the victim with each client.
                    work.load.passed_on += CLIENTS
                    began = time.monotonic()
                    os.kill(victim.pid, what)
                    await work.is_told(5)
                    print(f"each kind went on after {time.monotonic() - began:.1f} s")
                    await eventually(partial(has_restarted, manager, restarts), 3 * TIMEOUT)
                    print(f"restarted after {time.monotonic() - began:.1f} s")
                    await work.heals()
                    await work.is_told(5)
                    assert any(member.drops for member in work.members)
        assert all(line["upstream_status"].endswith("503") for line in nginx.failed())
        for server in servers:
            assert "Traceback" not in server.log()


def has_restarted(manager: ServiceManager, times: int) -> bool:
    return manager.restarts == times

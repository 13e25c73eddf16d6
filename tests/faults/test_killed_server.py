"""After SIGKILL, every acknowledged write is there, once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidepro import bootstrap as composition
from sidepro import settings as configuration
from tests.clients import Json, http_client
from tests.databases import both_databases
from tests.faults.load import Load
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

TOUR = Path(__file__).parents[2] / "docs" / "tour.py"


@pytest.fixture
def settings(databases: Databases, tmp_path: Path) -> Iterator[Json]:
    with databases.settings(tmp_path) as found:
        yield found


@both_databases
async def test_acknowledged_writes_survive_a_killed_server(settings: Json) -> None:
    with SideProServer(settings) as server:
        async with http_client(server.url) as http:
            load = await Load.begin(http)
            for _ in range(2):
                load.start()
                await load.until_each_was_told(15)
                await asyncio.to_thread(server.kill)
                await load.wait_stopped()
                began = time.monotonic()
                await asyncio.to_thread(server.start)
                print(f"ready again after {time.monotonic() - began:.1f} s")
                await load.check()
        print(f"answers by status: {dict(load.statuses)}")
        assert set(load.statuses) <= {200, 201}, load.statuses


def test_the_tour_finds_everything_after_a_kill(settings: Json, tmp_path: Path) -> None:
    state_file = tmp_path / "state_file.json"

    def run_tour(*arguments: str | Path) -> subprocess.Popen[str]:
        command = [sys.executable, TOUR, server.url, *arguments]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    with SideProServer(settings) as server:
        with run_tour("--keep", state_file, "--wait", "60") as tour:
            # this process runs the job itself instead of waiting for it
            asyncio.run(run_the_job_until_ended(settings, tour))
            said, _ = tour.communicate(timeout=60)
        assert tour.returncode == 0, said
        server.kill()
        server.start()
        with run_tour("--check", state_file) as check:
            said, _ = check.communicate(timeout=60)
        assert check.returncode == 0, said


async def run_the_job_until_ended(settings: Json, tour: subprocess.Popen[str]) -> None:
    container = composition.build(configuration.load(settings, {}), "")
    try:
        while tour.poll() is None:
            await container.similarity.run()
            await asyncio.sleep(0.3)
    finally:
        await container.close()

"""A full disk under an embedded installation: writes are refused, nothing is lost, it heals."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.clients import Client, eventually, http_client
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

HEALS_WITHIN = 5.0
LEFT = 200_000
"""Bytes that are free when the test begins to write."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def state_of(http: httpx.AsyncClient) -> tuple[int, str]:
    response = await http.get("/health/ready")
    return response.status_code, response.json()["status"]


async def test_writes_are_refused_on_a_full_disk_and_go_on_when_there_is_room(
    small_disk: Path,
) -> None:
    with SideProServer({"SIDEPRO_DATA_DIR": str(small_disk)}) as server:
        async with http_client(server.url) as http:
            person = await Client.sign_up(http)
            filler = small_disk / "filler"
            filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - LEFT))
            draft = {
                "title": "A map",
                "summary": "s",
                "content": "word " * 3000,
                "skills": ["Python"],
            }
            stored = 0
            while (answer := await person.request("POST", "/projects", draft)).status_code == 201:
                stored += 1
                assert stored < 100
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert int(answer.headers["Retry-After"]) > 0
            for path in ("/projects", "/me"):
                assert (await person.request("GET", path)).status_code == 200
            assert await state_of(http) == (200, "degraded")

            filler.unlink()
            began = time.monotonic()

            async def is_stored() -> bool:
                answer = await person.request("POST", "/projects", draft)
                return answer.status_code == 201

            await eventually(is_stored, HEALS_WITHIN)
            print(f"healed in {time.monotonic() - began:.2f} s")
            assert await state_of(http) == (200, "ok")
            found = await person.call("GET", "/projects?limit=100")
            assert len(found["items"]) == stored + 1
        assert "database or disk is full" in server.log()
        assert "Traceback" not in server.log()
        assert server.terminate() == 0
    with closing(sqlite3.connect(small_disk / "sidepro.sqlite3")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

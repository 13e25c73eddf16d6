"""An embedded installation under load: its file is locked, its disk full, its folder read-only."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.clients import Client, eventually, http_client
from tests.faults.at_work import at_work, in_thread
from tests.faults.full_disk import filled
from tests.servers import ServerError, SideProServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.servers,
    pytest.mark.slow(seconds=30),
    pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what a process has used"),
]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the lock for writing, as a copy of the file does."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def is_sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_a_locked_file_makes_writes_503_in_time_and_reads_go_on(tmp_path: Path) -> None:
    with SideProServer({"SIDEPRO_DATA_DIR": str(tmp_path)}) as server:
        path = tmp_path / "sidepro.sqlite3"
        async with at_work(server.url) as work:
            async with in_thread(locked(path)):
                await work.is_refused(1)
                assert (await work.visits[0].get("/api/v1/projects")).status_code == 200
                share = await work.share_without_load(server)
            healed = await work.heals()
            await work.is_told()
            print(f"processor {share:.1%}, healed in {healed:.1f} s")
        assert "Traceback" not in server.log()
    assert is_sound(path)


async def test_a_full_disk_makes_writes_503_and_heals_when_there_is_room(small_disk: Path) -> None:
    with SideProServer({"SIDEPRO_DATA_DIR": str(small_disk)}) as server:
        async with at_work(server.url) as work:

            async def is_degraded() -> bool:
                answer = await work.visits[0].get("/health/ready")
                return (answer.status_code, answer.json()["status"]) == (200, "degraded")

            async with in_thread(filled(small_disk)):
                await work.is_refused(20)
                assert (await work.visits[0].get("/api/v1/projects")).status_code == 200
                await eventually(is_degraded)
                share = await work.share_without_load(server)
            healed = await work.heals()
            await work.is_told()
            print(f"processor {share:.1%}, healed in {healed:.1f} s")
        assert "database or disk is full" in server.log()
        assert "Traceback" not in server.log()
        assert server.terminate() == 0
    assert is_sound(small_disk / "sidepro.sqlite3")


def remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)


async def test_a_read_only_data_folder_is_told_in_one_line_and_harms_nothing(
    small_disk: Path,
) -> None:
    with SideProServer({"SIDEPRO_DATA_DIR": str(small_disk)}) as server:
        async with http_client(server.url) as http:
            person = await Client.sign_up(http)
            project = await person.publish()
        server.terminate()
        remount(small_disk, "ro")
        try:
            with pytest.raises(ServerError):
                server.start()
        finally:
            remount(small_disk, "rw")
        assert "Read-only file system" in server.log().splitlines()[-1]
        assert "Traceback" not in server.log()
        server.start()
        async with http_client(server.url) as http:
            person.http = http
            assert (await person.call("GET", f"/projects/{project['id']}"))["id"] == project["id"]


def test_a_backup_without_room_says_so_and_leaves_nothing(
    small_disk: Path, tmp_path: Path
) -> None:
    installation = SideProServer({"SIDEPRO_DATA_DIR": str(tmp_path / "data")}, folder=tmp_path)
    installation.run("migrate")
    (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free - 200_000))
    with pytest.raises(ServerError, match=f"{small_disk}: database or disk is full"):
        installation.run("backup", str(small_disk / "backup.tar"))
    assert [file.name for file in small_disk.iterdir()] == ["filler"]

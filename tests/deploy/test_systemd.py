"""The units of `deploy/systemd`, and what processes tell systemd."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidepro import settings as configuration
from tests.cluster import shared_settings
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.databases import Databases
    from tests.servers import RedisServer

pytestmark = [pytest.mark.servers, pytest.mark.slow]

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Where systemd would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(20)
        yield listener


def test_a_server_says_when_it_is_ready_and_that_it_is_alive(
    manager: socket.socket, tmp_path: Path
) -> None:
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
    with SideProServer(environment) as server:
        first = {manager.recv(100).decode() for _ in range(5)}
        assert first == {"READY=1", "WATCHDOG=1"}
        server.terminate()
        messages = []
        while "STOPPING=1" not in messages:
            messages.append(manager.recv(100).decode())


def test_workers_leave_it_to_their_supervisor_to_say_that_they_are_alive(
    manager: socket.socket,
    postgresql_databases: Databases,
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    """systemd takes it from the main process alone, and would end the unit."""
    manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    unit = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
    with (
        shared_settings(postgresql_databases, redis_server, tmp_path) as settings,
        SideProServer({**settings, **unit}, "--workers=2", "--no-jobs") as server,
    ):
        received: list[bytes] = []
        while not (b"READY=1" in received and received[-4:] == [b"WATCHDOG=1"] * 4):
            message, [(_, _, credentials)], *_ = manager.recvmsg(100, socket.CMSG_SPACE(12))
            assert int.from_bytes(credentials[:4], sys.byteorder) == server.pid
            received.append(message)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    units = []
    for unit in (DEPLOY / "systemd").iterdir():
        copy = tmp_path / unit.name.replace("@", "@8001")
        text = unit.read_text("utf-8").replace(
            "/opt/sidepro/bin/sidepro", shutil.which("true") or ""
        )
        copy.write_text(text, "utf-8")
        units.append(str(copy))
    command = ["systemd-analyze", "verify", *units]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


@pytest.mark.parametrize(
    "unit", sorted((DEPLOY / "systemd").iterdir()), ids=lambda path: path.name
)
def test_units_leave_the_files_that_metrics_are_read_from(unit: Path) -> None:
    """Without /proc/stat prometheus_client says nothing of the process."""
    assert "ProcSubset=pid" not in unit.read_text("utf-8")


def test_the_example_environment_has_only_known_settings() -> None:
    text = (DEPLOY / "sidepro.env.example").read_text("utf-8")
    lines = [line.lstrip("#") for line in text.splitlines() if "=" in line and " " not in line]
    names = [line.partition("=")[0] for line in lines]
    assert len(names) > 8
    assert configuration.unknown(dict.fromkeys(names, "")) == []


def test_systemd_and_shells_read_the_same_from_the_example_environment(tmp_path: Path) -> None:
    text = (DEPLOY / "sidepro.env.example").read_text("utf-8")
    lines = [line.lstrip("#") for line in text.splitlines() if re.match("#?[A-Z0-9_]+=", line)]
    file = tmp_path / "sidepro.env"
    file.write_text("\n".join(lines), "utf-8")
    command = ["sh", "-euc", f"set -a; . {file}; env"]
    shown = subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout
    # systemd takes a value as it is, but for quotes around it
    expected = {
        f"{name}={value.strip(chr(39))}"
        for name, _, value in (line.partition("=") for line in lines)
    }
    assert expected <= set(shown.splitlines())
    assert len(expected) > 8

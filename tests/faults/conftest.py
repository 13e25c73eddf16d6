"""Each fault test has servers of its own, which it may break."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cluster import shared_settings, two_servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.databases import Databases
    from tests.servers import RedisServer, SideProServer


@pytest.fixture
def servers(
    postgresql_databases: Databases, own_redis: RedisServer, tmp_path: Path
) -> Iterator[list[SideProServer]]:
    """Two processes with a Redis that a test may stop."""
    with (
        shared_settings(postgresql_databases, own_redis, tmp_path) as settings,
        two_servers(settings) as running,
    ):
        yield running


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 20 MB. It can be filled, and made read-only, also for root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)

"""Each fault test has servers of its own, which it may break."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.browser.relay import relay
from tests.cluster import shared_settings, two_servers
from tests.databases import migrate, settings_of
from tests.faults.at_work import in_thread
from tests.servers import Postgres, SideProServer, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.browser.relay import Relay
    from tests.clients import Json
    from tests.databases import Databases
    from tests.servers import RedisServer
    from tests.servers.s3 import S3


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


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """A server that the tests of a module may stop."""
    with Postgres.start() as server:
        yield server


@pytest.fixture
def url(own_postgres: Postgres) -> str:
    return migrate(own_postgres.fresh_database())


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Json:
    return settings_of(url, tmp_path)


@pytest.fixture
def server(settings: Json) -> Iterator[SideProServer]:
    with SideProServer(settings) as running:
        yield running
        assert "Traceback" not in running.log(), running.log()


@pytest.fixture
async def server_before_s3(
    tmp_path: Path, s3: S3, postgresql_databases: Databases
) -> AsyncIterator[tuple[SideProServer, Relay]]:
    """A server, and the network between it and its store of images."""
    async with relay(free_port(), urlsplit(s3.url).port or 0) as between:
        with postgresql_databases.fresh() as url:
            settings = {
                **settings_of(url, tmp_path),
                "SIDEPRO_IMAGES_URL": f"s3://{s3.fresh_bucket()}/some/where",
                "SIDEPRO_S3_ENDPOINT": between.url,
            }
            async with in_thread(SideProServer(settings)) as running:
                yield running, between
                assert "Traceback" not in running.log(), running.log()


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

"""Each fault test has servers of its own, which it may break."""

from __future__ import annotations

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

"""The version before and this one serve side by side while the database is migrated.

The version before is the commit in the file BASE.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from sidepro.adapters.sql.schema import migrate as migrations
from tests.faults.behind_nginx import nothing_fails
from tests.servers import SideProServer
from tests.servers.nginx import Nginx
from tests.upgrade.base import BaseMissing, base, unpack_sources
from tests.upgrade.lock_watch import watching_locks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.clients import Json
    from tests.databases import Databases
    from tests.servers import RedisServer

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.servers,
    pytest.mark.slow(seconds=60),
    pytest.mark.timeout(300),
]

SEED = ("--users=200", "--projects=1000", "--comments=1000", "--bookmarks=2000", "--rooms=50")


@pytest.fixture
def old_code(tmp_path: Path) -> str:
    """The folder from which the version before is imported."""
    try:
        return str(unpack_sources(base(), tmp_path / "before"))
    except BaseMissing as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def settings(
    postgresql_databases: Databases, own_redis: RedisServer, tmp_path: Path
) -> Iterator[Json]:
    """The settings of all processes, on an empty database."""
    with postgresql_databases.empty() as url:
        yield {
            "SIDEPRO_DATA_DIR": str(tmp_path / "data"),
            "SIDEPRO_DATABASE_URL": url,
            "SIDEPRO_REDIS_URL": own_redis.url,
            "SIDEPRO_SECRET_KEY": "a-secret-key-of-the-upgrade",
        }


class Place:
    """A port on which one version after the other serves."""

    def __init__(self, settings: Json, old_code: str, stack: ExitStack) -> None:
        self._stack = stack
        self._old = SideProServer({**settings, "PYTHONPATH": old_code}, "--no-jobs")
        self.port = self._old.port
        self._new = SideProServer(settings, "--no-jobs", port=self.port)
        self._serving = self._old
        stack.enter_context(self._old)
        stack.callback(self._new.close)

    @property
    def log(self) -> str:
        new = self._new.log() if self._new.log_file.exists() else ""
        return self._old.log() + new

    async def upgrade(self) -> None:
        await self._switch(self._new)

    async def go_back(self) -> None:
        await self._switch(self._old)

    async def _switch(self, server: SideProServer) -> None:
        assert await asyncio.to_thread(self._serving.terminate) == 0
        self._serving = server
        await asyncio.to_thread(server.start)


async def test_an_upgrade_under_load_fails_no_call_and_goes_back(
    settings: Json, old_code: str
) -> None:
    this_version = SideProServer(settings)  # for its commands
    version_before = SideProServer({**settings, "PYTHONPATH": old_code})
    version_before.run("migrate")
    version_before.run("seed", *SEED, "--pictures=0")
    with ExitStack() as stack:
        one, other = (Place(settings, old_code, stack) for _ in range(2))
        nginx = stack.enter_context(Nginx([one.port, other.port]))
        async with nothing_fails(nginx) as (load, _):
            await load.until_each_was_told(5)
            async with watching_locks(settings["SIDEPRO_DATABASE_URL"]) as locks:
                said = await asyncio.to_thread(this_version.run, "migrate")
            assert f"to revision {migrations.needed()}" in said
            await load.until_each_was_told(5)  # both of the version before
            await one.upgrade()
            await load.until_each_was_told(5)  # one of each
            await other.upgrade()
            await load.until_each_was_told(5)  # both of this version
            await one.go_back()
            await load.until_each_was_told(5)
        assert "Traceback" not in one.log + other.log
        too_long = {key: round(value, 2) for key, value in locks.seconds.items() if value > 1}
        assert not too_long
        longest = max(locks.seconds.values(), default=0)
        print(f"{load.statuses.total()} requests; longest lock of a table {longest:.2f} s")

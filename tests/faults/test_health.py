"""`/health/ready` tries what it claims, with an answer within its bound."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from sidepro.adapters import system
from sidepro.adapters.factory import build_shared_state, build_storage
from sidepro.adapters.system import SystemClock
from sidepro.bootstrap import health as bootstrap_health
from sidepro.bootstrap.health import health_checks
from sidepro.http.monitoring import health
from sidepro.http.monitoring.health import HealthChecks
from sidepro.settings import load
from tests.api.fixtures import serving
from tests.clients import eventually
from tests.databases import Databases, settings_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers]


@pytest.fixture
async def checks(
    postgresql_databases: Databases, own_redis: RedisServer, tmp_path: Path
) -> AsyncIterator[HealthChecks]:
    with postgresql_databases.fresh() as url:
        settings = load({**settings_of(url, tmp_path), "SIDEPRO_REDIS_URL": own_redis.url})
        storage = build_storage(settings, "http://localhost")
        shared = build_shared_state(settings, storage)
        yield health_checks(storage, shared)
        await storage.database.close()
        assert shared.redis
        await shared.redis.close()


async def states(checks: HealthChecks) -> dict[str, tuple[str, str | None]]:
    found = await checks.run()
    return {name: (part.state, part.detail) for name, part in found.parts.items()}


async def test_all_parts_are_tried(checks: HealthChecks, own_redis: RedisServer) -> None:
    with own_redis.client() as client:
        before = client.info("commandstats").get("cmdstat_publish", {"calls": 0})["calls"]
        assert await states(checks) == dict.fromkeys(
            ("database", "images", "redis", "clock"), ("ok", None)
        )
        assert client.info("commandstats")["cmdstat_publish"]["calls"] == before + 1


async def test_a_redis_that_refuses_writes_is_degraded(
    checks: HealthChecks, own_redis: RedisServer
) -> None:
    with own_redis.client() as client:
        client.config_set("maxmemory", 1)
    assert (await states(checks))["redis"] == ("degraded", "cannot be written")
    assert (await checks.run()).status == "degraded"


async def test_a_database_without_a_free_connection_is_told(
    postgresql_databases: Databases, tmp_path: Path
) -> None:
    with postgresql_databases.fresh() as url, psycopg.connect(url, autocommit=True) as admin:
        admin.execute("CREATE ROLE crowded LOGIN PASSWORD 'crowded' CONNECTION LIMIT 0")
        settings = load(settings_of(with_user(url, "crowded"), tmp_path))
        storage = build_storage(settings, "http://localhost")
        try:
            found = await states(health_checks(storage, build_shared_state(settings, storage)))
            assert found["database"] == ("unavailable", "has no free connection")
        finally:
            await storage.database.close()
            admin.execute("DROP ROLE crowded")


def with_user(url: str, name: str) -> str:
    """The address for a user whose password is the name."""
    return make_url(url).set(username=name, password=name).render_as_string(hide_password=False)


async def test_an_image_folder_that_cannot_be_written_is_told(
    checks: HealthChecks, tmp_path: Path
) -> None:
    (tmp_path / "images").write_text("a file where the folder should be")
    assert (await states(checks))["images"] == ("unavailable", "cannot be used")


@pytest.mark.parametrize(("seconds", "where"), [(5, "ahead of"), (-5, "behind")])
async def test_clocks_that_differ_are_told(
    checks: HealthChecks, monkeypatch: pytest.MonkeyPatch, seconds: int, where: str
) -> None:
    true_clock = SystemClock.of_this_machine
    monkeypatch.setattr(
        system.clock, "of_this_machine", lambda: true_clock() + timedelta(seconds=seconds)
    )
    begun = time.monotonic()
    state, told = (await states(checks))["clock"]
    round_trips = time.monotonic() - begun
    assert state == "degraded"
    detail = rf"is (\S+) s {where} that of the database and (\S+) s {where} that of Redis"
    matched = re.fullmatch(detail, told or "")
    assert matched, told
    assert [float(told) for told in matched.groups()] == pytest.approx(
        [5, 5], abs=round_trips + 0.1
    )


async def test_a_process_whose_clock_is_wrong_follows_that_of_the_database(
    postgresql_databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_clock = SystemClock.of_this_machine
    ahead = 7
    monkeypatch.setattr(bootstrap_health, "CLOCK_INTERVAL", 0.05)
    monkeypatch.setattr(system.clock, "offset", timedelta())
    monkeypatch.setattr(system.clock, "compared", timedelta())
    monkeypatch.setattr(
        system.clock, "of_this_machine", lambda: true_clock() + timedelta(seconds=ahead)
    )

    def follows() -> bool:
        return abs(system.clock.offset.total_seconds() + ahead) < 1

    with postgresql_databases.fresh() as url, capture_logs() as logged:
        async with serving(url, tmp_path) as api, api.app.lifespan():
            assert follows()  # before its first request
            for seconds in (20, 0, -20):
                ahead = seconds
                await eventually(follows)

            def told() -> list[str]:
                return [line["event"] for line in logged if line["event"].startswith("clock_")]

            await eventually(lambda: told() == ["clock_wrong", "clock_right", "clock_wrong"])
        told_ahead = next(line["seconds_ahead"] for line in logged if "seconds_ahead" in line)
        assert 5 < told_ahead <= 7  # as far as it is certain, when the answer takes its time


async def test_a_part_that_hangs_is_unavailable_in_time_and_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "TIMEOUT", 0.05)
    asked = 0
    answer = asyncio.Event()

    async def hang() -> None:
        nonlocal asked
        asked += 1
        await answer.wait()

    checks = HealthChecks({"database": hang}, {})
    for _ in range(3):
        assert (await checks.run()).status == "unavailable"
    assert asked == 1
    answer.set()
    assert (await checks.run()).status == "ok"

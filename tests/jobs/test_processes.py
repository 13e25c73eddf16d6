"""Worker and scheduler processes on PostgreSQL and Redis, and jobs within the server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.locks import SqlJobLock
from sidepro.jobs import broker as brokers
from sidepro.jobs.runner import SHUTDOWN_TIMEOUT
from tests.clients import TIMEOUT, Client, eventually, http_client
from tests.cluster import shared_settings
from tests.databases import address_of
from tests.servers import RedisServer, SideProJobs, SideProServer, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients import Json
    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

SIMILAR = "similar-skills"


@pytest.fixture
def settings(
    postgresql_databases: Databases, redis_server: RedisServer, tmp_path: Path
) -> Iterator[Json]:
    with redis_server.client() as client:
        client.flushall()
    with shared_settings(postgresql_databases, redis_server, tmp_path) as found:
        yield {**found, "SIDEPRO_LOG_FORMAT": "json"}


@pytest.fixture
def settings_of_mode(mode: str, request: pytest.FixtureRequest, tmp_path: Path) -> Json:
    if mode == "embedded":
        return {"SIDEPRO_DATA_DIR": str(tmp_path)}
    found: Json = request.getfixturevalue("settings")
    return found


@pytest.fixture
def settings_of_own(
    postgresql_databases: Databases, own_redis: RedisServer, tmp_path: Path
) -> Iterator[Json]:
    with shared_settings(postgresql_databases, own_redis, tmp_path) as found:
        yield {**found, "SIDEPRO_LOG_FORMAT": "json"}


def logged(process: SideProServer, event: str) -> list[dict[str, Any]]:
    lines = [line for line in process.log().splitlines() if line.startswith("{")]
    return [line for line in map(json.loads, lines) if line["event"] == event]


async def profile(person: Client, *skills: str) -> None:
    body = {"bio": "", "image_id": None, "github_url": None, "region": None, "meet_time": None}
    await person.call("PUT", "/me/profile", {**body, "skills": list(skills)})


async def publish(person: Client) -> None:
    project = {"title": "A map", "summary": "Of cafés", "content": "#", "skills": ["Python"]}
    await person.call("POST", "/projects", project)


async def recommended(person: Client) -> Json:
    """The first recommendation."""
    found = await person.call("GET", "/recommendations")
    return dict(found["items"][0])


@pytest.mark.parametrize("mode", ["embedded", "serve alone", "workers"])
async def test_a_skill_edit_changes_recommendations_within_seconds(
    mode: str, settings_of_mode: Json
) -> None:
    """Not by the schedule, whose next tick may be a minute away."""
    settings = settings_of_mode
    with ExitStack() as processes:
        options = ["--no-jobs"] if mode == "workers" else []
        if mode == "workers":
            for name in ("worker", "worker", "scheduler"):
                processes.enter_context(SideProJobs(name, settings))
        server = processes.enter_context(SideProServer(settings, *options))
        async with http_client(server.url) as http:
            author, other, reader = [await Client.sign_up(http) for _ in range(3)]
            await profile(author, "Python", "React")
            await profile(other, "Java", "Spring")
            for writer in (author, other):
                await publish(writer)

            async def shares(*skills: str) -> bool:
                found = await recommended(reader)
                return (found["basis"], set(found["shared_skills"])) == (SIMILAR, set(skills))

            assert (await recommended(reader))["basis"] == "popular"
            await profile(reader, "Python")
            await eventually(lambda: shares("Python"), 2 * TIMEOUT)
            await reader.call("PATCH", "/me/profile", {"skills": ["Spring", "Java"]})
            await eventually(lambda: shares("Spring", "Java"), 2 * TIMEOUT)


async def test_two_schedulers_send_each_tick_once_and_one_is_enough(
    settings: Json, redis_server: RedisServer
) -> None:
    def sent() -> Counter[int]:
        """The number of sent ticks by second."""
        with redis_server.client() as client:
            messages = [json.loads(one[b"data"]) for _, one in client.xrange(brokers.STREAM)]
        return Counter(
            round(one["kwargs"]["sent_at"])
            for one in messages
            if one["task_name"] == "similarity_tick"
        )

    with SideProJobs("worker", settings) as worker:
        with (
            SideProJobs("scheduler", settings, every=1),
            SideProJobs("scheduler", settings, every=1) as other,
        ):
            await eventually(lambda: sent().total() > 6, 3 * TIMEOUT)
            other.kill()
            until_then = sent().total()
            await eventually(lambda: sent().total() > until_then + 2, 2 * TIMEOUT)
        # A scheduler sends its first tick at startup, at any time of a second.
        twice = [second for second, times in sent().items() if times > 1]
        assert len(twice) <= 2, sent()

        def done() -> int:
            # Each runs, or is skipped during another run.
            ran = "similarity_computed", "similarity_skipped"
            return sum(len(logged(worker, name)) for name in ran)

        await eventually(lambda: done() >= sent().total())
        assert await asyncio.to_thread(worker.terminate) == 0
        assert done() == sent().total(), "each runs once"


class JobsAheadOfTime(SideProJobs):
    """On a machine whose clock is an hour ahead."""

    PATCH = (
        "from datetime import UTC, datetime, timedelta;"
        "from sidepro.adapters.system import SystemClock;"
        "clock = lambda: datetime.now(UTC) + timedelta(hours=1);"
        "SystemClock.of_this_machine = staticmethod(clock)"
    )


async def test_a_worker_whose_clock_is_wrong_says_so_and_follows_that_of_the_database(
    settings: Json,
) -> None:
    address = f"127.0.0.1:{free_port()}"
    with (
        JobsAheadOfTime("worker", {**settings, "SIDEPRO_METRICS_BIND": address}) as worker,
        SideProJobs("scheduler", settings, every=1),
    ):
        database = Database(address_of(settings))

        async def age_of_a_run() -> timedelta | None:
            async with database.reading() as connection:
                statement = text("SELECT now() - max(started_at) FROM job_runs")
                found: timedelta | None = (await connection.execute(statement)).scalar_one()
                return found

        async def has_run() -> bool:
            return await age_of_a_run() is not None

        try:
            await eventually(has_run, 2 * TIMEOUT)
            age = await age_of_a_run()
            assert age is not None
            assert abs(age) < timedelta(minutes=1)
        finally:
            await database.close()
        async with http_client(f"http://{address}") as http:
            health = (await http.get("/health/ready")).json()
        assert health["status"] == "degraded"
        detail = health["parts"]["clock"]["detail"]
        told = re.match(r"is (\d+\.\d) s ahead of that of the database", detail)
        assert told, detail
        [line] = logged(worker, "clock_wrong")
        # As far as it is certain: the time that the answer took is not counted.
        for seconds_ahead in (float(told[1]), line["seconds_ahead"]):
            assert 3590 < seconds_ahead <= 3600


async def test_jobs_pause_during_a_redis_outage_and_resume(
    own_redis: RedisServer, settings_of_own: Json
) -> None:
    redis, settings = own_redis, settings_of_own
    with (
        SideProJobs("worker", settings) as worker,
        SideProJobs("scheduler", settings, every=1) as scheduler,
        SideProServer(settings, "--no-jobs") as server,
    ):
        await eventually(lambda: bool(logged(worker, "similarity_computed")))
        redis.stop()
        async with http_client(server.url) as http:
            person = await Client.sign_up(http)
            began = time.monotonic()
            await profile(person, "Python")
            assert time.monotonic() - began < TIMEOUT / 2, "an edit does not wait for Redis"
        processes = (worker, scheduler, server)
        before = [cpu(one.pid) for one in processes]
        await asyncio.sleep(4)  # long enough to measure the CPU time
        spent = [cpu(one.pid) - then for one, then in zip(processes, before, strict=True)]
        assert max(spent) < 1, spent
        redis.resume()
        known = len(logged(worker, "similarity_computed"))
        await eventually(lambda: len(logged(worker, "similarity_computed")) > known, 5)


def cpu(pid: int) -> float:
    """CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def test_a_stopping_worker_cancels_jobs_that_take_too_long(
    settings: Json,
) -> None:
    database = Database(address_of(settings))
    try:
        with (
            SideProJobs("worker", settings) as worker,
            SideProServer(settings, "--no-jobs") as server,
        ):
            async with (
                http_client(server.url) as http,
                # The lock is taken, so the run does not end.
                SqlJobLock(database).acquire(wait=True),
            ):
                await profile(await Client.sign_up(http), "Python")
                await eventually(lambda: waits_for_its_turn(database))
                began = time.monotonic()
                assert await asyncio.to_thread(worker.terminate) == 0
                seconds = time.monotonic() - began
            assert SHUTDOWN_TIMEOUT < seconds < SHUTDOWN_TIMEOUT + TIMEOUT
            assert logged(worker, "job_cancelled")
            assert "Traceback" not in worker.log()
    finally:
        await database.close()


async def waits_for_its_turn(database: Database) -> bool:
    """Whether a connection's last statement tried to take the lock."""
    statement = text(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock(%' "
        "AND pid <> pg_backend_pid() AND datname = current_database()"
    )
    async with database.reading() as connection:
        return int(await connection.scalar(statement) or 0) > 1


async def test_only_a_worker_loads_polars(
    settings: Json,
) -> None:
    """It costs memory and startup time, and only a worker computes."""
    with (
        SideProJobs("worker", settings) as worker,
        SideProJobs("scheduler", settings) as scheduler,
        SideProServer(settings, "--no-jobs") as server,
    ):
        async with http_client(server.url) as http:
            author, reader = [await Client.sign_up(http) for _ in range(2)]
            await publish(author)
            await profile(author, "Python")
            await profile(reader, "Python")

            async def is_found() -> bool:
                return bool((await recommended(reader))["basis"] == SIMILAR)

            await eventually(is_found, 2 * TIMEOUT)
            await reader.call("GET", "/me/export")
            assert (await http.get("/metrics")).status_code == 200
        processes = {"worker": worker, "scheduler": scheduler, "server": server}
        assert {name for name, one in processes.items() if has_loaded("_polars", one.pid)} == {
            "worker"
        }


def has_loaded(package: str, pid: int) -> bool:
    """Whether a process has mapped a compiled file of this package."""
    return f"/{package}" in Path(f"/proc/{pid}/maps").read_text()


@pytest.mark.parametrize(
    ("name", "sent"), [("worker", signal.SIGHUP), ("scheduler", signal.SIGTERM)]
)
async def test_an_idle_process_stops_at_once(
    settings: Json, name: str, sent: signal.Signals
) -> None:
    with SideProJobs(name, settings) as process:
        began = time.monotonic()
        assert await asyncio.to_thread(process.terminate, sent=sent) == 0
        assert time.monotonic() - began < SHUTDOWN_TIMEOUT
        assert "Traceback" not in process.log()

"""The jobs in one process: schedule, logs, failures and shutdown."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from taskiq.exceptions import ScheduledTaskCancelledError, SendTaskError
from taskiq.schedule_sources import LabelScheduleSource

from sidepro.adapters.in_process.job_claims import InProcessJobClaims
from sidepro.domain.deletion.retention import Deleted
from sidepro.domain.errors import Unavailable
from sidepro.domain.mail.mail_sender import MailRun
from sidepro.jobs import runner, scheduler, tasks
from sidepro.jobs.tasks import JobRunner
from sidepro.jobs.trigger import BrokerTrigger
from tests.clients import TIMEOUT, eventually, http_client
from tests.jobs.fakes import (
    Digests,
    Images,
    Mails,
    RecordingLog,
    Retention,
    Similarity,
    Trending,
    jobs_with,
)
from tests.servers import SideProServer

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.anyio


class UnavailableClaims:
    """Claims in a store that is down."""

    async def claim(self, name: str, seconds: int) -> bool:
        raise Unavailable

    async def release(self, name: str) -> None:
        raise Unavailable

    async def now(self) -> float:
        raise Unavailable


@pytest.fixture
async def similarity() -> Similarity:
    return Similarity()


@pytest.fixture
def images() -> Images:
    return Images()


@pytest.fixture
async def jobs(similarity: Similarity, images: Images, log: RecordingLog) -> JobRunner:
    return jobs_with(InProcessJobClaims(), similarity, images)


async def run_job(jobs: JobRunner, name: str, sent_at: float | None = None) -> None:
    """Run a job as the broker does."""
    jobs.register()
    task = jobs.broker.find_task(name)
    assert task is not None
    await task.original_func(time.time() if sent_at is None else sent_at)


# ------------------------------------------------------------------------------------ each job


async def test_the_schedule(jobs: JobRunner) -> None:
    jobs.register()
    source = LabelScheduleSource(jobs.broker)
    await source.startup()
    schedules = await source.get_schedules()
    assert {(one.task_name, one.cron) for one in schedules} == {
        ("similarity_tick", "* * * * *"),
        ("image_removal", "*/10 * * * *"),
        ("retention", "17 * * * *"),
        ("trending", "*/10 * * * *"),
        ("mail", "* * * * *"),
    }


async def test_a_tick_runs_the_job_and_logs_the_result(
    jobs: JobRunner, similarity: Similarity, log: RecordingLog
) -> None:
    await run_job(jobs, tasks.SIMILARITY_TICK)
    assert similarity.finished == 1
    assert log.events == {("info", "similarity_computed"): 1}
    assert log.members == {"people": 3, "changed": 2, "ms": 250, "requested": False}


@pytest.mark.parametrize("task", [tasks.SIMILARITY_TICK, tasks.IMAGE_REMOVAL, tasks.MAIL])
async def test_a_job_whose_store_is_away_counts_as_skipped(
    similarity: Similarity, images: Images, log: RecordingLog, task: str
) -> None:
    similarity.failures, images.failures, mails = [Unavailable()], [Unavailable()], Mails()
    mails.is_away = True
    jobs = jobs_with(InProcessJobClaims(), similarity, images, mail=mails)
    recorded = dict[str, str]()
    jobs.record = lambda job, outcome, _: recorded.update({job: outcome})
    await run_job(jobs, task)
    assert recorded[task] == "skipped"
    assert log.events == {("warning", "job_skipped"): 1}
    assert log.members["job"] == task


async def test_a_tick_during_another_run_is_skipped(
    jobs: JobRunner, similarity: Similarity, log: RecordingLog
) -> None:
    similarity.is_skipped = True
    await run_job(jobs, tasks.SIMILARITY_TICK)
    assert log.events == {("info", "similarity_skipped"): 1}


@pytest.mark.parametrize(
    "job", [tasks.SIMILARITY_TICK, tasks.REQUESTED_SIMILARITY.task, tasks.IMAGE_REMOVAL]
)
async def test_an_expired_job_is_skipped(
    jobs: JobRunner, similarity: Similarity, images: Images, log: RecordingLog, job: str
) -> None:
    await run_job(jobs, job, time.time() - 61)
    assert (similarity.started, images.runs) == (0, 0)
    assert log.events == {("warning", "job_expired"): 1}
    assert log.members == {"job": job, "seconds": 61}


@pytest.mark.parametrize("age", [59, -3600], ids=["within a minute", "clock set back"])
async def test_a_job_that_has_not_expired_runs(
    jobs: JobRunner, similarity: Similarity, age: float
) -> None:
    await run_job(jobs, tasks.SIMILARITY_TICK, time.time() - age)
    assert similarity.finished == 1


async def test_without_the_shared_clock_no_job_expires(
    similarity: Similarity, images: Images, log: RecordingLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "MIN_DELAY", 0.01)
    unavailable = jobs_with(UnavailableClaims(), similarity, images)
    await run_job(unavailable, tasks.SIMILARITY_TICK, 0)
    await run_job(unavailable, tasks.REQUESTED_SIMILARITY.task, 0)
    assert similarity.finished == 2


async def test_the_image_removal_logs_only_removals(
    jobs: JobRunner, images: Images, log: RecordingLog
) -> None:
    await run_job(jobs, tasks.IMAGE_REMOVAL)
    assert not log.events
    images.removed = 3
    await run_job(jobs, tasks.IMAGE_REMOVAL)
    assert log.events == {("info", "images_removed"): 1}
    assert log.members == {"images": 3}


async def test_the_retention_job_logs_what_it_deleted_and_that_the_database_is_away(
    similarity: Similarity, images: Images, log: RecordingLog
) -> None:
    retention = Retention()
    jobs = jobs_with(InProcessJobClaims(), similarity, images, retention=retention)
    await run_job(jobs, tasks.RETENTION)
    assert not log.events
    retention.deleted = Deleted(sessions=2, refresh_tokens=3, idempotency_keys=0, mails=4)
    await run_job(jobs, tasks.RETENTION)
    assert log.members == {
        "sessions": 2,
        "refresh_tokens": 3,
        "idempotency_keys": 0,
        "account_tokens": 0,
        "mails": 4,
        "chat_requests": 0,
        "removed_content": 0,
    }
    retention.is_away = True
    await run_job(jobs, tasks.RETENTION)
    assert log.events == {
        ("info", "expired_rows_deleted"): 1,
        ("warning", "job_skipped"): 1,
    }


async def test_the_mail_job_logs_what_it_did_and_why_it_could_not(
    similarity: Similarity, images: Images, log: RecordingLog
) -> None:
    mails = Mails()
    jobs = jobs_with(InProcessJobClaims(), similarity, images, mail=mails)
    await run_job(jobs, tasks.MAIL)
    assert not log.events
    mails.result = MailRun(sent=2, delayed=1, failed=1, server_problem="421 busy")
    await run_job(jobs, tasks.MAIL)
    assert log.members == {"sent": 2, "delayed": 1, "failed": 1}
    mails.is_away = True
    await run_job(jobs, tasks.MAIL)
    assert log.events == {
        ("warning", "mail_server_unavailable"): 1,
        ("info", "mails_sent"): 1,
        ("warning", "job_skipped"): 1,
    }


@pytest.mark.parametrize(
    ("result", "outcome", "event"),
    [
        (2, "completed", ("info", "digests_begun")),
        (Unavailable(), "skipped", ("warning", "job_skipped")),
        (RuntimeError(), "failed", None),
    ],
    ids=["begun", "database away", "defect"],
)
async def test_mails_are_sent_whatever_comes_of_digests(
    similarity: Similarity,
    images: Images,
    log: RecordingLog,
    result: int | Exception,
    outcome: str,
    event: tuple[str, str] | None,
) -> None:
    mails, digests = Mails(), Digests()
    mails.result, digests.result = MailRun(sent=1), result
    jobs = jobs_with(InProcessJobClaims(), similarity, images, mail=mails, digests=digests)
    recorded = dict[str, str]()
    jobs.record = lambda job, found, _: recorded.update({job: found})
    with nullcontext() if event else pytest.raises(RuntimeError):
        await run_job(jobs, tasks.MAIL)
    assert log.events["info", "mails_sent"] == 1
    assert event is None or log.events[event] == 1
    assert recorded[tasks.DIGESTS] == outcome


async def test_a_requested_mail_job_makes_way_for_further_requests_before_it_sends(
    similarity: Similarity, images: Images
) -> None:
    claims, mails = InProcessJobClaims(), Mails()
    jobs = jobs_with(claims, similarity, images, mail=mails)
    assert await claims.claim(tasks.REQUESTED_MAIL.claim, 60)
    mails.before = lambda: claims.claim(tasks.REQUESTED_MAIL.claim, 60)
    await run_job(jobs, tasks.REQUESTED_MAIL.task)
    assert mails.seen == [True]


async def test_the_trending_job_logs_changes_and_that_the_database_is_away(
    similarity: Similarity, images: Images, log: RecordingLog
) -> None:
    trending = Trending()
    jobs = jobs_with(InProcessJobClaims(), similarity, images, trending=trending)
    await run_job(jobs, tasks.TRENDING)
    assert not log.events
    trending.changed = 3
    await run_job(jobs, tasks.TRENDING)
    assert log.members == {"changed": 3, "ms": 250}
    trending.is_away = True
    await run_job(jobs, tasks.TRENDING)
    assert log.events == {("info", "trending_renewed"): 1, ("warning", "job_skipped"): 1}


# --------------------------------------------------------------------------- beginning and end


async def test_scheduled_jobs_run_at_startup(
    jobs: JobRunner, similarity: Similarity, images: Images
) -> None:
    async with runner.embedded(jobs):
        await similarity.until_started(1)
        await eventually(lambda: images.runs >= 1)
    assert similarity.started == similarity.finished >= 1


async def test_starting_does_not_wait_for_the_first_run(
    jobs: JobRunner, similarity: Similarity
) -> None:
    similarity.can_finish.clear()
    async with asyncio.timeout(TIMEOUT), runner.embedded(jobs):
        await similarity.until_started(1)
        assert similarity.finished == 0
        similarity.can_finish.set()
    assert similarity.finished >= 1


async def test_shutdown_waits_for_running_jobs(jobs: JobRunner, similarity: Similarity) -> None:
    similarity.can_finish.clear()
    leaving = asyncio.Event()

    async def serve() -> None:
        async with runner.embedded(jobs):
            await similarity.until_started(1)
            leaving.set()

    serving = asyncio.create_task(serve())
    await leaving.wait()
    done, _ = await asyncio.wait([serving], timeout=0.1)
    assert not done
    similarity.can_finish.set()
    async with asyncio.timeout(TIMEOUT):
        await serving
    assert similarity.finished >= 1


async def test_shutdown_cancels_jobs_that_take_too_long(
    jobs: JobRunner, similarity: Similarity, log: RecordingLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "SHUTDOWN_TIMEOUT", 0.1)
    similarity.can_finish.clear()
    before = asyncio.all_tasks()
    async with asyncio.timeout(TIMEOUT):
        async with runner.embedded(jobs):
            await similarity.until_started(1)
            progress_callback = similarity.progress_callback
            assert progress_callback is not None
            progress_callback(1, 2)
        await eventually(lambda: asyncio.all_tasks() == before)
    assert log.events["warning", "job_cancelled"] == 1
    assert similarity.finished == 0
    with pytest.raises(tasks.Cancelled):
        progress_callback(2, 2)  # ends the computing thread


async def test_shutdown_does_not_start_delayed_jobs(
    jobs: JobRunner, similarity: Similarity, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "MIN_DELAY", 3600.0)
    monkeypatch.setattr(tasks, "MAX_DELAY", 3600.0)
    requests = BrokerTrigger(jobs.broker, jobs.claims, tasks.REQUESTED_SIMILARITY)
    async with asyncio.timeout(TIMEOUT):
        async with runner.embedded(jobs):
            await eventually(lambda: images.runs > 0)
            await similarity.until_started(1)
            await requests.request()
            await requests.close()
            started = similarity.started
    assert similarity.started == started
    await run_job(jobs, tasks.SIMILARITY_TICK)
    assert similarity.started == started, "no job starts after the shutdown"


async def test_the_schedule_goes_on_after_a_failed_tick(
    jobs: JobRunner, similarity: Similarity, log: RecordingLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "EVERY_MINUTE", [{"interval": 1}])  # short for the test
    similarity.failures = [RuntimeError("a defect"), Unavailable()]
    before = asyncio.all_tasks()
    async with runner.embedded(jobs):
        await similarity.until_started(3)
    assert similarity.finished >= 1
    assert log.events["warning", "job_skipped"] == 1
    assert log.events["info", "similarity_computed"] == similarity.finished
    assert asyncio.all_tasks() == before, "no task is left"


# --------------------------------------------------------------------------------- the schedule


async def test_two_schedulers_send_each_tick_once(
    jobs: JobRunner, similarity: Similarity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "EVERY_MINUTE", [{"interval": timedelta(seconds=1)}])
    started_at = time.time()
    async with runner.embedded(jobs), runner.scheduler(jobs), runner.scheduler(jobs):
        await similarity.until_started(4)
        seconds = time.time() - started_at
    # One at startup, and one each second.
    assert similarity.started <= seconds + 2


async def test_a_sleep_that_ends_early_counts_for_the_next_minute(
    jobs: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sleep may end some milliseconds before the minute."""
    jobs.register()
    source = scheduler._Source(jobs)
    await source.startup()
    tick = next(one for one in await source.get_schedules() if one.task_name == "similarity_tick")
    minute = 29_000_000 * 60.0
    for moment in (minute, minute + 59.999, minute + 120.001):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        await source.pre_send(tick)
    monkeypatch.setattr(time, "time", lambda: minute + 150)
    with pytest.raises(ScheduledTaskCancelledError):
        await source.pre_send(tick)


async def test_a_job_that_cannot_be_sent_is_logged_and_retried(
    jobs: JobRunner,
    similarity: Similarity,
    images: Images,
    log: RecordingLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "EVERY_MINUTE", [{"interval": 1}])
    unavailable = jobs_with(UnavailableClaims(), similarity, images)
    async with runner.scheduler(unavailable):
        await eventually(lambda: log.events["warning", "job_not_sent"] > 2)

    async def refuse(_message: object) -> None:
        raise SendTaskError

    monkeypatch.setattr(jobs.broker, "kick", refuse)
    log.events.clear()
    async with runner.scheduler(jobs):
        await eventually(lambda: log.events["warning", "job_not_sent"] > 2)
    assert similarity.started == 0


@pytest.mark.parametrize("ahead", [0, 3600], ids=["from right", "to right"])
async def test_a_clock_set_back_delays_no_tick(
    jobs: JobRunner,
    similarity: Similarity,
    log: RecordingLog,
    monkeypatch: pytest.MonkeyPatch,
    ahead: float,
) -> None:
    monkeypatch.setattr(tasks, "EVERY_MINUTE", [{"interval": 1}])
    monkeypatch.setattr(scheduler, "CLOCK_CHECK_INTERVAL", 0.1)
    monkeypatch.setattr(runner, "RETRY_DELAY", 0.1)
    offset = 0.0
    reads = 0

    class Clock:
        monotonic = staticmethod(time.monotonic)

        @staticmethod
        def time() -> float:
            nonlocal reads
            reads += 1
            return time.time() - offset

    monkeypatch.setattr(scheduler, "time", Clock)
    async with runner.embedded(jobs):
        await similarity.until_started(2)
        offset = -ahead
        before = reads
        await eventually(lambda: reads > before + 5)
        assert not log.events["warning", "jobs_interrupted"], "the clock went forward"
        offset += 3600.0
        await eventually(lambda: log.events["warning", "jobs_interrupted"] == 1)
        assert log.members == {"reason": "ClockWentBack"}
        await similarity.until_started(similarity.started + 2)


# ------------------------------------------------------------------------------ a whole process


@pytest.mark.servers
async def test_a_server_runs_jobs_at_startup_unless_disabled(
    tmp_path: Path,
) -> None:
    settings = {"SIDEPRO_DATA_DIR": str(tmp_path), "SIDEPRO_LOG_FORMAT": "json"}

    def logged(server: SideProServer) -> list[dict[str, Any]]:
        lines = [line for line in server.log().splitlines() if line.startswith("{")]
        events = [json.loads(line) for line in lines]
        return [event for event in events if event["event"] == "similarity_computed"]

    with SideProServer(settings) as server:
        await eventually(lambda: bool(logged(server)))
        event = logged(server)[0]
        assert (event["people"], event["changed"]) == (0, 0)

    with SideProServer(settings, "--no-jobs") as server:
        async with http_client(server.url) as http:
            assert (await http.get("/health/ready")).status_code == 200
        assert server.terminate() == 0
        assert logged(server) == []

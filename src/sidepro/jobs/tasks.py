"""The background jobs and their schedule."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, astuple, dataclass
from typing import Any

import structlog
from taskiq import AsyncBroker

from sidepro.domain.deletion.retention import RetentionService
from sidepro.domain.digests.digest_service import DigestService
from sidepro.domain.errors import Unavailable
from sidepro.domain.images.image_service import ImageService
from sidepro.domain.mail.mail_sender import MailSender
from sidepro.domain.operations.job_service import JobRecorder
from sidepro.domain.operations.views import Job
from sidepro.domain.projects.trending_service import TrendingService
from sidepro.domain.recommendations.ports import NeighbourStore
from sidepro.domain.recommendations.similarity_job import SimilarityJob
from sidepro.jobs.claims import JobClaims

log = structlog.get_logger(__name__)

EVERY_MINUTE = [{"cron": "* * * * *"}]
EVERY_TEN_MINUTES = [{"cron": "*/10 * * * *"}]
EVERY_HOUR = [{"cron": "17 * * * *"}]

SIMILARITY_TICK = "similarity_tick"
IMAGE_REMOVAL = "image_removal"
RETENTION = "retention"
TRENDING = "trending"
MAIL = "mail"
DIGESTS = "digests"
"""The first part of `MAIL`, in metrics."""


@dataclass(frozen=True, slots=True)
class RequestedJob:
    """A job that runs on request: the name of its task, and the claim of a request that has been
    sent and has not started.
    """

    task: str
    claim: str


REQUESTED_SIMILARITY = RequestedJob("asked_similarity_tick", "similarity-asked")
REQUESTED_MAIL = RequestedJob("requested_mail", "mail-requested")

EXPIRES_AFTER = 60.0
"""Seconds after which a sent job is skipped: the next scheduled one is due."""

MIN_DELAY, MAX_DELAY = 2.0, 30.0
"""Bounds of the delay of a requested tick, in seconds. Further requests join it meanwhile. The
delay is the duration of the last run, so many edits use at most half of a processor.
"""

CANCEL_TIMEOUT = 2.0
"""Seconds for cancelled jobs to end."""


Work = Callable[[], Awaitable[None]]

RecordJob = Callable[[str, str, float], None]
"""Takes the job, its outcome and its seconds. Outcomes are `completed`, `skipped` (a store was
away), `failed`, `cancelled` and `expired`.
"""


class Cancelled(Exception):
    """The process is shutting down and the computation must stop."""


class JobRunner:
    """Registers the jobs with a broker, and keeps track of those running in this process.

    A job may run twice, concurrently, or be cancelled at any time. The next run completes its
    work.
    """

    def __init__(
        self,
        broker: AsyncBroker,
        claims: JobClaims,
        similarity: SimilarityJob,
        neighbours: NeighbourStore,
        images: ImageService,
        retention: RetentionService,
        trending: TrendingService,
        recorder: JobRecorder,
        mail: MailSender[Any],
        digests: DigestService,
    ) -> None:
        self.broker = broker
        self.claims = claims
        self._similarity = similarity
        self._neighbours = neighbours
        self._images = images
        self._retention = retention
        self._trending = trending
        self._recorder = recorder
        self._mail = mail
        self._digests = digests
        self._running: set[asyncio.Task[str]] = set()
        self._shutting_down = asyncio.Event()
        self._is_cancelled = threading.Event()
        self.record: RecordJob = lambda _job, _outcome, _seconds: None
        """Called after each job."""
        self.observe: Callable[[str], AbstractContextManager[object]] = nullcontext
        """Takes the job. Each runs inside of it."""

    def register(self) -> None:
        """Register the tasks with the broker, so that this process can run them.

        The argument of a task is its sending time, from `JobClaims.now`.
        """

        async def similarity_tick(sent_at: float) -> None:
            await self._run(SIMILARITY_TICK, sent_at, self._compute_similarity)

        async def requested_similarity_tick(sent_at: float) -> None:
            await self._run(REQUESTED_SIMILARITY.task, sent_at, self._compute_requested)

        async def image_removal(sent_at: float) -> None:
            await self._run(IMAGE_REMOVAL, sent_at, self._remove_images)

        async def retention(sent_at: float) -> None:
            await self._run(RETENTION, sent_at, self._delete_expired)

        async def trending(sent_at: float) -> None:
            await self._run(TRENDING, sent_at, self._renew_trending)

        async def mail(sent_at: float) -> None:
            await self._run(MAIL, sent_at, self._send_mails_and_digests)

        async def requested_mail(sent_at: float) -> None:
            await self._run(REQUESTED_MAIL.task, sent_at, self._send_requested_mails)

        register = self.broker.register_task
        register(similarity_tick, task_name=SIMILARITY_TICK, schedule=EVERY_MINUTE)
        register(requested_similarity_tick, task_name=REQUESTED_SIMILARITY.task)
        register(image_removal, task_name=IMAGE_REMOVAL, schedule=EVERY_TEN_MINUTES)
        register(retention, task_name=RETENTION, schedule=EVERY_HOUR)
        register(trending, task_name=TRENDING, schedule=EVERY_TEN_MINUTES)
        register(mail, task_name=MAIL, schedule=EVERY_MINUTE)
        register(requested_mail, task_name=REQUESTED_MAIL.task)

    async def shut_down(self, grace: float) -> None:
        """Start no more jobs, and cancel those that have not finished after `grace` seconds."""
        self._shutting_down.set()
        await self._wait(grace)
        self._is_cancelled.set()
        for task in self._running:
            task.cancel()
        await self._wait(CANCEL_TIMEOUT)

    async def _wait(self, seconds: float) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    async def _run(self, name: str, sent_at: float, work: Work) -> None:
        """Run a job in a separate task, which `shut_down` can cancel."""
        task = asyncio.create_task(self._run_unless_expired(name, sent_at, work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        started = time.perf_counter()
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
        if task.cancelled():
            log.warning("job_cancelled", job=name)
            outcome = "cancelled"
        elif task.exception():
            outcome = "failed"
        else:
            outcome = task.result()
        self.record(name, outcome, time.perf_counter() - started)
        if outcome == "failed":
            task.result()

    async def _run_unless_expired(self, name: str, sent_at: float, work: Work) -> str:
        """Returns the outcome."""
        age = 0.0
        with suppress(Unavailable):
            age = await self.claims.now() - sent_at
        if age > EXPIRES_AFTER:
            log.warning("job_expired", job=name, seconds=round(age))
            return "expired"
        if self._shutting_down.is_set():
            return "expired"
        try:
            with self.observe(name):
                await work()
        except Unavailable as error:
            # The old result stays, and the next run does what is left.
            log.warning("job_skipped", job=name, reason=error.reason)
            return "skipped"
        return "completed"

    async def _compute_requested(self) -> None:
        """Wait for further requests, then run. Requests during the run start another one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(await self._request_delay()):
                await self._shutting_down.wait()
            return
        # If Redis is down, the claim expires.
        with suppress(Unavailable):
            await self.claims.release(REQUESTED_SIMILARITY.claim)
        await self._compute_similarity(wait=True)

    async def _request_delay(self) -> float:
        last = None
        with suppress(Unavailable):
            last = await self._neighbours.last_run()
        return min(max(MIN_DELAY, last.seconds if last else 0.0), MAX_DELAY)

    async def _compute_similarity(self, *, wait: bool = False) -> None:
        run = await self._similarity.run(wait=wait, progress=self._check_cancelled)
        if run is None:
            log.info("similarity_skipped", reason="another run is active, or has finished later")
            return
        log.info(
            "similarity_computed",
            people=run.people,
            changed=run.changed,
            ms=round(run.seconds * 1000),
            requested=wait,
        )

    def _check_cancelled(self, _done: int, _total: int) -> None:
        """Progress callback, called in the computing thread."""
        if self._is_cancelled.is_set():
            raise Cancelled

    async def _remove_images(self) -> None:
        started_at = self._recorder.now()
        removed = await self._images.remove_unused()
        await self._recorder.completed(Job.IMAGE_REMOVAL, started_at, removed)
        if removed:
            log.info("images_removed", images=removed)

    async def _delete_expired(self) -> None:
        started_at = self._recorder.now()
        deleted = await self._retention.delete_expired()
        await self._recorder.completed(Job.RETENTION, started_at, sum(astuple(deleted)))
        if any(astuple(deleted)):
            log.info("expired_rows_deleted", **asdict(deleted))

    async def _renew_trending(self) -> None:
        run = await self._trending.renew()
        if run.changed:
            log.info("trending_renewed", changed=run.changed, ms=round(run.seconds * 1000))

    async def _send_mails_and_digests(self) -> None:
        started, outcome = time.perf_counter(), "failed"
        try:
            begun = await self._digests.run()
            outcome = "completed"
            if begun:
                log.info("digests_begun", begun=begun)
        except Unavailable as error:
            outcome = "skipped"
            log.warning("job_skipped", job=DIGESTS, reason=error.reason)
        finally:  # a defect of digests must not stop other mails
            self.record(DIGESTS, outcome, time.perf_counter() - started)
            await self._send_mails()

    async def _send_requested_mails(self) -> None:
        # If Redis is down, the claim expires.
        with suppress(Unavailable):
            await self.claims.release(REQUESTED_MAIL.claim)
        await self._send_mails()

    async def _send_mails(self) -> None:
        started_at = self._recorder.now()
        run = await self._mail.run()
        await self._recorder.completed(Job.MAIL, started_at, run.sent)
        if run.server_problem is not None:
            log.warning("mail_server_unavailable", reason=run.server_problem)
        if run.sent or run.delayed or run.failed:
            log.info("mails_sent", sent=run.sent, delayed=run.delayed, failed=run.failed)

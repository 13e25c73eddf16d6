"""Fakes of the services that the jobs call, and of their log."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from sidepro.adapters import system
from sidepro.domain.deletion.retention import Deleted, RetentionService
from sidepro.domain.digests.digest_service import DigestService
from sidepro.domain.errors import Unavailable
from sidepro.domain.images.image_service import ImageService
from sidepro.domain.mail.mail_sender import MailRun, MailSender
from sidepro.domain.mail.ports import MailUnitOfWork
from sidepro.domain.operations.job_service import JobRecorder
from sidepro.domain.operations.views import Job, JobRun
from sidepro.domain.projects.ports import TrendingRun
from sidepro.domain.projects.trending_service import TrendingService
from sidepro.domain.recommendations.ports import NeighbourStore, SimilarityRun
from sidepro.domain.recommendations.similarity_job import SimilarityJob
from sidepro.jobs import broker as brokers
from sidepro.jobs.tasks import JobRunner
from tests.clients import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from taskiq import AsyncBroker

    from sidepro.domain.recommendations.ports import Progress
    from sidepro.jobs.claims import JobClaims


class Similarity:
    """A similarity job that counts its runs, waits and fails as the test says."""

    def __init__(self) -> None:
        self.started = 0
        self.finished = 0
        self.failures: list[Exception] = []
        self.can_finish = asyncio.Event()
        self.can_finish.set()
        self.is_skipped = False
        self.progress_callback: Progress | None = None

    async def run(
        self, *, full: bool = False, wait: bool = False, progress: Progress
    ) -> SimilarityRun | None:
        self.started += 1
        self.progress_callback = progress
        if self.failures:
            raise self.failures.pop()
        await self.can_finish.wait()
        self.finished += 1
        if self.is_skipped:
            return None
        return SimilarityRun(datetime(2026, 1, 1, tzinfo=UTC), 0.25, people=3, changed=2)

    async def last_run(self) -> SimilarityRun | None:
        return None

    async def until_started(self, number: int) -> None:
        await eventually(lambda: self.started >= number)


class Images:
    """An image service that counts its runs and fails as the test says."""

    def __init__(self) -> None:
        self.runs = 0
        self.removed = 0
        self.failures: list[Exception] = []

    async def remove_unused(self) -> int:
        self.runs += 1
        if self.failures:
            raise self.failures.pop()
        return self.removed


class Retention:
    """Deletes nothing, or is unavailable."""

    def __init__(self) -> None:
        self.runs = 0
        self.is_away = False
        self.deleted = Deleted(sessions=0, refresh_tokens=0, idempotency_keys=0, chat_requests=0)

    async def delete_expired(self) -> Deleted:
        self.runs += 1
        if self.is_away:
            raise Unavailable
        return self.deleted


class Mails:
    """Sends nothing, does as the test says, or is unavailable. `before` runs before it sends."""

    def __init__(self) -> None:
        self.result = MailRun()
        self.is_away = False
        self.before: Callable[[], Awaitable[bool]] | None = None
        self.seen: list[bool] = []

    async def run(self) -> MailRun:
        if self.before is not None:
            self.seen.append(await self.before())
        if self.is_away:
            raise Unavailable
        return self.result


class Trending:
    """Changes as many scores as the test says, or is unavailable."""

    def __init__(self) -> None:
        self.changed = 0
        self.is_away = False

    async def renew(self) -> TrendingRun:
        if self.is_away:
            raise Unavailable
        return TrendingRun(datetime(2026, 1, 1, tzinfo=UTC), 0.25, self.changed)


class Runs:
    """Remembers the runs of jobs that were stored."""

    def __init__(self) -> None:
        self.stored: list[JobRun] = []

    async def save(self, run: JobRun) -> None:
        self.stored.append(run)

    async def last_runs(self) -> dict[Job, JobRun]:
        return {run.job: run for run in self.stored}


class RecordingLog:
    """Counts events by level and name."""

    def __init__(self) -> None:
        self.events: Counter[tuple[str, str]] = Counter()
        self.members: dict[str, Any] = {}

    def info(self, event: str, **members: object) -> None:
        self.events["info", event] += 1
        self.members = members

    def warning(self, event: str, **members: object) -> None:
        self.events["warning", event] += 1
        self.members = members


class Digests:
    """The digests of a run: their number, or an error."""

    def __init__(self) -> None:
        self.result: int | Exception = 0

    async def run(self) -> int:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def jobs_with(
    claims: JobClaims,
    similarity: Similarity,
    images: Images,
    broker: AsyncBroker | None = None,
    retention: Retention | None = None,
    trending: Trending | None = None,
    runs: Runs | None = None,
    mail: Mails | None = None,
    digests: Digests | None = None,
) -> JobRunner:
    return JobRunner(
        broker or brokers.in_process(),
        claims,
        cast("SimilarityJob", similarity),
        cast("NeighbourStore", similarity),
        cast("ImageService", images),
        cast("RetentionService", retention),
        cast("TrendingService", trending or Trending()),
        JobRecorder(runs or Runs(), system.clock),
        cast("MailSender[MailUnitOfWork]", mail or Mails()),
        cast("DigestService", digests or Digests()),
    )

"""What stands in for what the jobs call, and for where they write."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from sidepro.domain.images.image_service import ImageService
from sidepro.domain.recommendations.ports import NeighbourStore, SimilarityRun
from sidepro.domain.recommendations.similarity_job import SimilarityJob
from sidepro.jobs import broker as brokers
from sidepro.jobs.tasks import JobRunner
from tests.clients import until

if TYPE_CHECKING:
    from taskiq import AsyncBroker

    from sidepro.domain.recommendations.ports import Progress
    from sidepro.jobs.claims import JobClaims


class Similarity:
    """Stands in for the job: counts runs, and does at each what the test asks for."""

    def __init__(self) -> None:
        self.begun = 0
        self.finished = 0
        self.faults: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_skipped = False
        self.computes: Progress | None = None

    async def run(
        self, *, full: bool = False, wait: bool = False, progress: Progress
    ) -> SimilarityRun | None:
        self.begun += 1
        self.computes = progress
        if self.faults:
            raise self.faults.pop()
        await self.gate.wait()
        self.finished += 1
        if self.is_skipped:
            return None
        return SimilarityRun(datetime(2026, 1, 1, tzinfo=UTC), 0.25, people=3, changed=2)

    async def last_run(self) -> SimilarityRun | None:
        return None

    async def until_begun(self, number: int) -> None:
        await until(lambda: self.begun >= number)


class Images:
    """Stands in for the service: counts runs, and meets at each what the test asks for."""

    def __init__(self) -> None:
        self.runs = 0
        self.removed = 0
        self.faults: list[Exception] = []

    async def remove_unused(self) -> int:
        self.runs += 1
        if self.faults:
            raise self.faults.pop()
        return self.removed


class Log:
    """Notes events by level and name."""

    def __init__(self) -> None:
        self.events: Counter[tuple[str, str]] = Counter()
        self.members: dict[str, Any] = {}

    def info(self, event: str, **members: object) -> None:
        self.events["info", event] += 1
        self.members = members

    def warning(self, event: str, **members: object) -> None:
        self.events["warning", event] += 1
        self.members = members


def jobs_with(
    notes: JobClaims, similarity: Similarity, images: Images, broker: AsyncBroker | None = None
) -> JobRunner:
    return JobRunner(
        broker or brokers.in_process(),
        notes,
        cast("SimilarityJob", similarity),
        cast("NeighbourStore", similarity),
        cast("ImageService", images),
    )

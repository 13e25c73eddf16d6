"""The state of the background jobs."""

from dataclasses import dataclass
from datetime import datetime

from sidepro.domain.accounts.ports import SimilarityTrigger
from sidepro.domain.clock import Clock
from sidepro.domain.operations.ports import JobRunStore
from sidepro.domain.operations.views import Job, JobRun, JobState
from sidepro.domain.projects.ports import TrendingStore
from sidepro.domain.recommendations.ports import NeighbourStore


@dataclass(frozen=True, slots=True)
class JobRecorder:
    """Stores the runs of jobs whose result does not tell when they ran."""

    store: JobRunStore
    clock: Clock

    def now(self) -> datetime:
        """The time at which a run starts."""
        return self.clock()

    async def completed(self, job: Job, started_at: datetime, changed: int) -> None:
        """Store a completed run. Raises `Unavailable` as the store does."""
        seconds = max(0.0, (self.clock() - started_at).total_seconds())
        await self.store.save(JobRun(job, started_at, seconds, changed))


@dataclass(frozen=True, slots=True)
class JobService:
    """Tells when each job ran last. The results of two jobs tell it themselves."""

    runs: JobRunStore
    neighbours: NeighbourStore
    trending: TrendingStore
    similarity: SimilarityTrigger
    clock: Clock

    async def states(self) -> tuple[JobState, ...]:
        """All jobs with their last completed runs.

        Raises:
            Unavailable: a store cannot be reached.
        """
        runs = dict(await self.runs.last_runs())
        similarity = await self.neighbours.last_run()
        if similarity is not None:
            runs[Job.SIMILARITY] = JobRun(
                Job.SIMILARITY, similarity.computed_at, similarity.seconds, similarity.changed
            )
        trending = await self.trending.last_run()
        if trending is not None:
            runs[Job.TRENDING] = JobRun(
                Job.TRENDING, trending.computed_at, trending.seconds, trending.changed
            )
        now = self.clock()
        return tuple(JobState.at(now, job, runs.get(job)) for job in Job)

    async def run_similarity(self) -> None:
        """Run the similarity job soon."""
        await self.similarity.request()

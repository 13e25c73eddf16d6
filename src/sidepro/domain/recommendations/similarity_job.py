"""The similarity job: finds out who is similar to whom, every minute and when somebody asks."""

from sidepro.domain.clock import Clock
from sidepro.domain.recommendations.packed import Similarities
from sidepro.domain.recommendations.ports import (
    JobLock,
    NeighbourStore,
    PopulationReader,
    Progress,
    SimilarityEngine,
    SimilarityRun,
)


class SimilarityJob:
    """Only this computes. What it found last it keeps, so that the next run has less to do."""

    def __init__(
        self,
        population: PopulationReader,
        engine: SimilarityEngine,
        store: NeighbourStore,
        turns: JobLock,
        clock: Clock,
    ) -> None:
        self._population = population
        self._engine = engine
        self._store = store
        self._turns = turns
        self._clock = clock
        self._found: Similarities | None = None

    async def run(
        self, *, full: bool = False, wait: bool = False, progress: Progress = lambda *_: None
    ) -> SimilarityRun | None:
        """Find out anew, or with `full` from nothing; what was done.

        `None` when nothing was: another run is under way (unless told to `wait` for its end), or a
        later one has left its result meanwhile. Safe to run twice, at once, or to be killed.

        Raises:
            Unavailable: the database or the store cannot be reached. The old result stays.
        """
        async with self._turns.acquire(wait=wait) as is_mine:
            return await self._run(full, progress) if is_mine else None

    async def _run(self, full: bool, progress: Progress) -> SimilarityRun | None:
        computed_at = self._clock()
        population = await self._population.population()
        before = None if full else self._found or await self._store.latest()
        computed = await self._engine.similarities(population, before, progress)
        took = (self._clock() - computed_at).total_seconds()
        run = SimilarityRun(computed_at, max(0.0, took), len(population), computed.changed)
        if not await self._store.replace(computed.similarities, run):
            return None
        self._found = computed.similarities
        return run

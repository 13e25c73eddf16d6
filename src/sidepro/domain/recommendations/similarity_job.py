"""The similarity job: computes everybody's neighbours, every minute and on request."""

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
    """Runs the engine and stores its result. Keeps the last result for the next run to update."""

    def __init__(
        self,
        population: PopulationReader,
        engine: SimilarityEngine,
        store: NeighbourStore,
        lock: JobLock,
        clock: Clock,
    ) -> None:
        self._population = population
        self._engine = engine
        self._store = store
        self._lock = lock
        self._clock = clock
        self._last: Similarities | None = None

    async def run(
        self, *, full: bool = False, wait: bool = False, progress: Progress = lambda *_: None
    ) -> SimilarityRun | None:
        """Update the stored neighbours, or recompute all of them with `full`.

        `None` if nothing was stored: another run is in progress (`wait` waits for its end), or a
        later run has already stored its result. Runs may be repeated, concurrent or killed.

        Raises:
            Unavailable: the database or the store cannot be reached. The old result stays.
        """
        async with self._lock.acquire(wait=wait) as acquired:
            return await self._run(full, progress) if acquired else None

    async def _run(self, full: bool, progress: Progress) -> SimilarityRun | None:
        computed_at = self._clock()
        population = await self._population.population()
        before = None if full else self._last or await self._store.latest()
        computed = await self._engine.similarities(population, before, progress)
        seconds = (self._clock() - computed_at).total_seconds()
        run = SimilarityRun(computed_at, max(0.0, seconds), len(population), computed.changed)
        if not await self._store.replace(computed.similarities, run):
            return None
        self._last = computed.similarities
        return run

"""The similarity engine, imported at its first use.

Polars and NumPy take a tenth of a process's start time and 22 MiB. Most processes compute nothing.
"""

import asyncio

from sidepro.domain.recommendations.packed import Population, Similarities
from sidepro.domain.recommendations.ports import Computed, Progress


class PolarsEngine:
    """See `sidepro.domain.recommendations.ports.SimilarityEngine`."""

    def __init__(self, threads: int) -> None:
        """Computes in `threads` threads. Each needs memory of its own."""
        self._threads = threads

    async def similarities(
        self, population: Population, before: Similarities | None, progress: Progress
    ) -> Computed:
        return await asyncio.to_thread(self._compute, population, before, progress)

    def _compute(
        self, population: Population, before: Similarities | None, progress: Progress
    ) -> Computed:
        from sidepro.adapters.similarity.engine import similarities  # noqa: PLC0415 - see above

        return similarities(population, before, progress, self._threads)

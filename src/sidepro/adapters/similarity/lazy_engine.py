"""The engine behind its port. Polars is loaded when there is something to compute.

It is a tenth of the start of every process and 22 MiB, and most processes have nothing to compute.
"""

import asyncio

from sidepro.domain.recommendations.packed import Population, Similarities
from sidepro.domain.recommendations.ports import Computed, Progress


class PolarsEngine:
    """See `sidepro.domain.recommendations.ports.SimilarityEngine`."""

    def __init__(self, threads: int) -> None:
        """`threads` are used at once, each of which takes some memory of its own."""
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

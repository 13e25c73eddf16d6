"""The similarity engine: for now the domain's reference, in a thread of its own."""

import asyncio
from collections.abc import Mapping

from sidepro.domain.recommendations.jaccard import Neighbour, Population, neighbours
from sidepro.domain.shared import UserId


class ReferenceEngine:
    """See `sidepro.domain.recommendations.ports.SimilarityEngine`."""

    async def neighbours(self, population: Population) -> Mapping[UserId, tuple[Neighbour, ...]]:
        return await asyncio.to_thread(neighbours, population)

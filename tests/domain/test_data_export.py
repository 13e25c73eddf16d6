"""An export starts only when all of its stores answer."""

import pytest

from sidepro.domain.data_export.data_export_service import DataExportService
from sidepro.domain.errors import Unavailable
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.recommendations.ports import SimilarityRun
from tests.domain.services import Services, awaited
from tests.fakes.data_export import MemoryDataExportReader
from tests.fakes.readers import MemoryReader


class UnreachableNeighbourStore(MemoryReader):
    """A neighbour store that is down."""

    async def last_run(self) -> SimilarityRun | None:
        raise Unavailable


@awaited
async def test_an_export_does_not_start_while_a_store_is_unreachable(services: Services) -> None:
    caller = await services.person("Python")
    reader = MemoryDataExportReader(services.store, ImageUrls())
    assert (await DataExportService(reader, services.reader).account(caller)).id == caller.id
    with pytest.raises(Unavailable):
        await DataExportService(reader, UnreachableNeighbourStore(services.store)).account(caller)

"""What is held about somebody is given whole, or not begun with."""

import pytest

from sidepro.domain.data_export.data_export_service import DataExportService
from sidepro.domain.errors import Unavailable
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.recommendations.ports import SimilarityRun
from tests.domain.world import World, awaited
from tests.fakes.data_export import MemoryArchive
from tests.fakes.readers import MemoryReader


class AwayStore(MemoryReader):
    """Keeps the result of the similarity job, and cannot be reached."""

    async def last_run(self) -> SimilarityRun | None:
        raise Unavailable


@awaited
async def test_while_part_of_it_cannot_be_had_an_archive_is_not_begun(world: World) -> None:
    caller = await world.person("Python")
    reader = MemoryArchive(world.store, ImageUrls())
    assert (await DataExportService(reader, world.reader).account(caller)).id == caller.id
    with pytest.raises(Unavailable):
        await DataExportService(reader, AwayStore(world.store)).account(caller)

"""What is held about somebody is given whole, or not begun with."""

import pytest

from sidepro.adapters.memory.archive import MemoryArchive
from sidepro.adapters.memory.readers import MemoryReader
from sidepro.domain.accounts.archive import ArchiveService
from sidepro.domain.errors import Unavailable
from sidepro.domain.images.addresses import ImageAddresses
from sidepro.domain.recommendations.ports import Run
from tests.domain.world import World, awaited


class AwayStore(MemoryReader):
    """Keeps the result of the similarity job, and cannot be reached."""

    async def last_run(self) -> Run | None:
        raise Unavailable


@awaited
async def test_while_part_of_it_cannot_be_had_an_archive_is_not_begun(world: World) -> None:
    caller = await world.person("Python")
    reader = MemoryArchive(world.store, ImageAddresses())
    assert (await ArchiveService(reader, world.reader).account(caller)).id == caller.id
    with pytest.raises(Unavailable):
        await ArchiveService(reader, AwayStore(world.store)).account(caller)

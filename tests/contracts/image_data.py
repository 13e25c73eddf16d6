"""Images and their claims in the tests of the image repository."""

from datetime import timedelta

from sidepro.domain.ids import ImageId, UserId
from sidepro.domain.images.image import Image
from tests.contracts.adapters import Adapters
from tests.factories import NOW

LATER = NOW + timedelta(days=2)


async def add_stored(adapters: Adapters, *images: Image) -> None:
    """Add images and mark them as stored."""
    async with adapters.unit_of_work() as work:
        for image in images:
            await work.images.add(image)
            assert await work.images.mark_stored(image.id)
        await work.commit()


async def claim(
    adapters: Adapters, *, unused: bool = True, unfinished: bool = False, limit: int = 100
) -> set[ImageId]:
    """Claim images for deletion; `unused` and `unfinished` ones count as old enough."""
    async with adapters.unit_of_work() as work:
        claimed = await work.images.claim_for_deletion(
            unused_before=LATER if unused else NOW - timedelta(days=1),
            unfinished_before=LATER if unfinished else NOW - timedelta(days=1),
            limit=limit,
        )
        await work.commit()
    return {image.id for image in claimed}


async def can_lock(adapters: Adapters, image: Image, owner_id: UserId) -> bool:
    async with adapters.unit_of_work() as work:
        return await work.images.lock_for_reference(image.id, owner_id)

"""Images that only hidden projects show: nobody gets them by their usual address.

    (no row) ──> MOVING ──> WITHHELD ──> RETURNING ──> (no row)

Moderators hide a project at once, also where images are served by a store that knows no people.
So the object of the image is moved to a secret name, which only those learn who may still see the
project. To restore it, the object is moved back. The row is changed before the object is moved,
and says what is to be done. So an interrupted move is completed by the next run.
"""

from dataclasses import dataclass
from typing import Protocol

from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import ImageId, NewSecret
from sidepro.domain.images.image import WithholdingState
from sidepro.domain.images.ports import ImageStore, WithheldImages
from sidepro.domain.images.urls import ImageKey
from sidepro.domain.unit_of_work import UnitOfWork, UnitOfWorkFactory

BATCH_SIZE = 100


class WithholdingUnitOfWork(UnitOfWork, Protocol):
    """A transaction over withheld images."""

    @property
    def withheld_images(self) -> WithheldImages: ...


@dataclass(frozen=True, slots=True)
class ImageWithholding:
    """Moves objects. Safe to repeat, to run concurrently and to stop at any time."""

    unit_of_work: UnitOfWorkFactory[WithholdingUnitOfWork]
    store: ImageStore
    new_name: NewSecret

    async def reconcile(self) -> None:
        """Withhold what is to be withheld, and give back the rest. While database or store cannot
        be reached, leaves the rest to the next run.
        """
        try:
            for image_id in await self._plan():
                await self._move(image_id)
        except Unavailable:
            return

    async def _plan(self) -> tuple[ImageId, ...]:
        async with self.unit_of_work() as work:
            while image_ids := await work.withheld_images.to_withhold(BATCH_SIZE):
                for image_id in image_ids:
                    name = ImageKey(f"{self.new_name()}.webp")
                    await work.withheld_images.add(image_id, name)
            await work.withheld_images.mark_returning()
            unfinished = await work.withheld_images.unfinished()
            await work.commit()
        return unfinished

    async def _move(self, image_id: ImageId) -> None:
        # The lock is held during the move: two processes must not move one object both ways.
        async with self.unit_of_work() as work:
            image = await work.withheld_images.lock(image_id)
            if image is None:
                return
            if image.state is WithholdingState.MOVING:
                await self.store.move(image.key, image.name)
            elif image.state is WithholdingState.RETURNING:
                await self.store.move(image.name, image.key)
            await work.withheld_images.finish(image)
            await work.commit()

"""Uploading images, and removing those that nothing refers to."""

from dataclasses import dataclass
from typing import IO

from sidepro.domain.clock import Clock
from sidepro.domain.errors import Fault, ImageQuota, NotAuthenticated, SideProError, Unavailable
from sidepro.domain.idempotency import Attempt, Replayed
from sidepro.domain.identity import Caller
from sidepro.domain.ids import ImageId, NewId
from sidepro.domain.images.image import MEDIA_TYPE, UNFINISHED_FOR, UNUSED_FOR, Image
from sidepro.domain.images.ports import ImageCodec, ImageStore, RandomNames
from sidepro.domain.images.urls import ImageAddresses, ImageUrl
from sidepro.domain.images.views import ImageView
from sidepro.domain.unit_of_work import UnitOfWork, UnitOfWorkFactory

AT_ONCE = 100
"""Images that are removed together."""


@dataclass(frozen=True, slots=True)
class ImageService:
    """What people send is encoded anew before anything of it is kept."""

    unit_of_work: UnitOfWorkFactory
    codec: ImageCodec
    store: ImageStore
    addresses: ImageAddresses
    clock: Clock
    new_id: NewId
    new_name: RandomNames
    quota: int

    async def upload(
        self, caller: Caller, file: IO[bytes], attempt: Attempt[ImageView] | None = None
    ) -> ImageView:
        """Keep a picture. `quota` is what all images of the caller may have together, in bytes.

        The row comes first and the object second: whatever breaks in between, there is a row by
        which the object is found and removed, and no image is answered that is not kept.

        Raises:
            ImageKindNotTaken, BadImage: see `ImageCodec`.
            ImageQuota: the caller's images would have more bytes than they may.
            Unavailable: it could not be encoded or kept.
            Replayed, KeyReused, KeyInUse: see `Attempt.begin`.
        """
        if attempt:
            # Whether it was done before, ere anything is done again.
            async with self.unit_of_work() as work:
                await attempt.begin(work.attempts, self.clock())
        picture = await self.codec.encode(file)
        image = Image.of(picture, ImageId(self.new_id()), caller.id, self.new_name(), self.clock())
        try:
            async with self.unit_of_work() as work:
                await self._must_have_room(work, image)
                await work.images.add(image)
                await work.commit()
        except ImageQuota:
            if attempt:
                # It may be the same that was done meanwhile, and takes the room.
                async with self.unit_of_work() as work:
                    await attempt.begin(work.attempts, self.clock())
            raise
        await self.store.put(image.key, picture.data)
        try:
            return await self._kept(image, attempt)
        except (Replayed, SideProError):
            # Nobody will hear of this one: it goes with the unused ones.
            async with self.unit_of_work() as work:
                await work.images.give_up(image.id)
                await work.commit()
            raise

    async def _kept(self, image: Image, attempt: Attempt[ImageView] | None) -> ImageView:
        view = self._view(image)
        async with self.unit_of_work() as work:
            if attempt:
                await attempt.begin(work.attempts, image.created_at)
            # Once more: others may have been kept since.
            await self._must_have_room(work, image)
            there = await work.images.stored(image.id)
            if there:
                if attempt:
                    await attempt.keep(work.attempts, view)
                await work.commit()
        if not there:
            # It took so long that the removal has been here: nothing else knows the object.
            await self.store.delete([image.key])
            raise Unavailable
        return view

    async def _must_have_room(self, work: UnitOfWork, image: Image) -> None:
        if image.owner_id is None or await work.users.get(image.owner_id) is None:
            raise NotAuthenticated
        if await work.images.bytes_of(image.owner_id) + image.size > self.quota:
            raise ImageQuota(Fault("would exceed what you may keep", pointer="/file"))

    def _view(self, image: Image) -> ImageView:
        return ImageView(
            id=image.id,
            url=ImageUrl(self.addresses.base + image.key),
            width=image.width,
            height=image.height,
            media_type=MEDIA_TYPE,
            size=image.size,
        )

    async def remove_unused(self) -> int:
        """Remove images that nothing has referred to for a day, those of people who withdrew, and
        what broken uploads left behind; how many.

        Safe to run twice, at once, or to be killed: objects go before their rows.
        """
        now = self.clock()
        async with self.unit_of_work() as work:
            await work.images.note_unused(now)
            await work.commit()
        removed = 0
        while True:
            async with self.unit_of_work() as work:
                going = await work.images.take_out(
                    unused_before=now - UNUSED_FOR,
                    unfinished_before=now - UNFINISHED_FOR,
                    limit=AT_ONCE,
                )
                if not going:
                    return removed
                await work.commit()
            await self.store.delete([image.key for image in going])
            async with self.unit_of_work() as work:
                await work.images.forget([image.id for image in going])
                await work.commit()
            removed += len(going)

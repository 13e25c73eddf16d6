"""Uploading images, and removing those that nothing refers to."""

from dataclasses import dataclass
from typing import IO

from sidepro.domain.clock import Clock
from sidepro.domain.errors import (
    FieldError,
    ImageQuota,
    NotAuthenticated,
    SideProError,
    Unavailable,
)
from sidepro.domain.idempotency import (
    IdempotentRequest,
    ReplayResponse,
    check_replay,
    run_idempotent,
)
from sidepro.domain.identity import Caller
from sidepro.domain.ids import ImageId, NewId, NewSecret
from sidepro.domain.images.image import MEDIA_TYPE, UNUSED_TTL, UPLOAD_TTL, Image
from sidepro.domain.images.ports import ImageCodec, ImageStore, ImageUnitOfWork
from sidepro.domain.images.urls import ImageUrl, ImageUrls
from sidepro.domain.images.views import ImageView
from sidepro.domain.unit_of_work import UnitOfWorkFactory

DELETE_BATCH = 100
"""Images that are removed together."""


class _RowRemoved(Exception):
    """The cleanup took an upload for broken and removed its row."""


@dataclass(frozen=True, slots=True)
class ImageService:
    """What people send is encoded anew before anything of it is kept."""

    unit_of_work: UnitOfWorkFactory[ImageUnitOfWork]
    codec: ImageCodec
    store: ImageStore
    urls: ImageUrls
    clock: Clock
    new_id: NewId
    new_name: NewSecret
    quota: int

    async def upload(
        self, caller: Caller, file: IO[bytes], request: IdempotentRequest[ImageView] | None = None
    ) -> ImageView:
        """Keep a picture. `quota` is what all images of the caller may have together, in bytes.

        The row comes first and the object second: whatever breaks in between, there is a row by
        which the object is found and removed, and no image is answered that is not kept.

        Raises:
            UnsupportedImageType, BadImage: see `ImageCodec`.
            ImageQuota: the caller's images would have more bytes than they may.
            Unavailable: it could not be encoded or kept.
            ReplayResponse, IdempotencyKeyReused, IdempotencyKeyInUse: see `run_idempotent`.
        """
        await check_replay(self.unit_of_work, request, self.clock())
        picture = await self.codec.encode(file)
        image = Image.of(picture, ImageId(self.new_id()), caller.id, self.new_name(), self.clock())
        try:
            async with self.unit_of_work() as work:
                await self._enforce_quota(work, image)
                await work.images.add(image)
                await work.commit()
        except ImageQuota:
            # A concurrent request with the same key may have used up the quota.
            await check_replay(self.unit_of_work, request, self.clock())
            raise
        await self.store.put(image.key, picture.data)

        async def finish(work: ImageUnitOfWork) -> ImageView:
            # Again: other uploads may have finished since.
            await self._enforce_quota(work, image)
            if not await work.images.mark_stored(image.id):
                raise _RowRemoved
            return self._view(image)

        try:
            return await run_idempotent(self.unit_of_work, request, image.created_at, finish)
        except _RowRemoved as error:
            await self.store.delete([image.key])
            raise Unavailable from error
        except (ReplayResponse, SideProError):
            # The upload failed; leave it for cleanup.
            async with self.unit_of_work() as work:
                await work.images.abandon(image.id)
                await work.commit()
            raise

    async def _enforce_quota(self, work: ImageUnitOfWork, image: Image) -> None:
        if image.owner_id is None or await work.users.get(image.owner_id) is None:
            raise NotAuthenticated
        if await work.images.bytes_of(image.owner_id) + image.size > self.quota:
            raise ImageQuota(FieldError("would exceed what you may keep", pointer="/file"))

    def _view(self, image: Image) -> ImageView:
        return ImageView(
            id=image.id,
            url=ImageUrl(self.urls.base + image.key),
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
            await work.images.mark_unused(now)
            await work.commit()
        removed = 0
        while True:
            async with self.unit_of_work() as work:
                going = await work.images.claim_for_deletion(
                    unused_before=now - UNUSED_TTL,
                    unfinished_before=now - UPLOAD_TTL,
                    limit=DELETE_BATCH,
                )
                if not going:
                    return removed
                await work.commit()
            await self.store.delete([image.key for image in going])
            async with self.unit_of_work() as work:
                await work.images.delete([image.id for image in going])
                await work.commit()
            removed += len(going)

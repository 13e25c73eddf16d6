"""Uploading images, and cleaning up unused ones."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from sidepro.domain.clock import Clock
from sidepro.domain.errors import (
    FieldError,
    ImageQuota,
    NotAuthenticated,
    NotFound,
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
from sidepro.domain.images.ports import ImageCodec, ImageReader, ImageStore, ImageUnitOfWork
from sidepro.domain.images.urls import ImageUrl, ImageUrls
from sidepro.domain.images.views import ImageUsage, ImageView, OwnImageView
from sidepro.domain.images.withholding import ImageWithholding
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from sidepro.domain.violations import OVER_QUOTA

DELETE_BATCH = 100
"""Images per cleanup transaction."""


class _UploadExpired(Exception):
    """Cleanup has removed the row of an upload that took too long."""


@dataclass(frozen=True, slots=True)
class ImageService:
    """Re-encodes and stores uploads. `quota` limits the images of a person, in bytes."""

    unit_of_work: UnitOfWorkFactory[ImageUnitOfWork]
    reader: ImageReader
    codec: ImageCodec
    store: ImageStore
    urls: ImageUrls
    clock: Clock
    new_id: NewId
    new_name: NewSecret
    quota: int
    withholding: ImageWithholding | None = None

    async def upload(
        self, caller: Caller, file: IO[bytes], request: IdempotentRequest[ImageView] | None = None
    ) -> ImageView:
        """Re-encode and store an image.

        The row is committed before the object is stored: after a failure in between, cleanup finds
        the object by its row. The image is returned only when both are stored.

        Raises:
            UnsupportedImageType, BadImage, Unavailable: see `ImageCodec`, `ImageStore`.
            ImageQuota: the caller's images would exceed the quota.
            NotAuthenticated: the caller's account was deleted.
            ReplayResponse, IdempotencyKeyReused, IdempotencyKeyInUse: see `run_idempotent`.
        """
        await check_replay(self.unit_of_work, request, self.clock())
        picture = await self.codec.encode(file, caller.id)
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
            # Check again: other uploads may have finished since.
            await self._enforce_quota(work, image)
            if not await work.images.mark_stored(image.id):
                raise _UploadExpired
            return self._view(image)

        try:
            return await run_idempotent(self.unit_of_work, request, image.created_at, finish)
        except _UploadExpired as error:
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
            raise ImageQuota(FieldError(OVER_QUOTA, pointer="/file"))

    def _view(self, image: Image) -> ImageView:
        return ImageView(
            id=image.id,
            url=ImageUrl(self.urls.base + image.key),
            width=image.width,
            height=image.height,
            media_type=MEDIA_TYPE,
            size=image.size,
        )

    async def images(self, caller: Caller, page: PageRequest) -> Page[OwnImageView]:
        """A page of the caller's images, newest first."""
        return await self.reader.images(caller.id, page)

    async def usage(self, caller: Caller) -> ImageUsage:
        """The part of the quota that the caller's images use."""
        return await self.reader.usage(caller.id)

    async def ensure_own(self, caller: Caller, image_id: ImageId) -> None:
        """Check that the caller has this image.

        Raises:
            NotFound: there is no such image, or it is not theirs.
        """
        async with self.unit_of_work() as work:
            if not await work.images.lock_for_reference(image_id, caller.id):
                raise NotFound

    async def delete(self, caller: Caller, image_id: ImageId) -> None:
        """Delete an image of the caller. If the store fails, cleanup deletes the object later.

        Raises:
            NotFound: the caller has no such image.
            ImageInUse: a profile or a project shows it.
        """
        async with self.unit_of_work() as work:
            image = await work.images.claim_own(image_id, caller.id)
            await work.commit()
        with suppress(Unavailable):
            await self._delete([image])

    async def _delete(self, images: Sequence[Image]) -> None:
        async with self.unit_of_work() as work:
            names = await work.withheld_images.names([image.id for image in images])
        await self.store.delete([*(image.key for image in images), *names])
        async with self.unit_of_work() as work:
            await work.images.delete([image.id for image in images])
            await work.commit()

    async def remove_unused(self) -> int:
        """Delete images that were unreferenced for a day, images without an owner, and failed
        uploads. Returns how many.

        Safe to interrupt, to repeat and to run concurrently: objects are deleted before rows.
        """
        if self.withholding is not None:
            await self.withholding.reconcile()  # completes interrupted moves
        now = self.clock()
        async with self.unit_of_work() as work:
            await work.images.mark_unused(now)
            await work.commit()
        removed = 0
        while True:
            async with self.unit_of_work() as work:
                images = await work.images.claim_for_deletion(
                    unused_before=now - UNUSED_TTL,
                    unfinished_before=now - UPLOAD_TTL,
                    limit=DELETE_BATCH,
                )
                if not images:
                    return removed
                await work.commit()
            await self._delete(images)
            removed += len(images)

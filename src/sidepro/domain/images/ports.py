"""What images need from the outside."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import IO, Protocol

from sidepro.domain.idempotency import IdempotentUnitOfWork
from sidepro.domain.ids import (
    ImageId,
    ProjectId,
    UserId,
)
from sidepro.domain.images.image import Image, Picture
from sidepro.domain.images.urls import ImageKey


class ImageCodec(Protocol):
    """Makes pictures of what people send."""

    async def encode(self, file: IO[bytes]) -> Picture:
        """A fresh encoding of the picture in the file, at most 2,048 pixels wide and high, upright
        and without anything but the picture. What is moving goes on moving.

        What the file is MUST be told by its content alone. Time and memory MUST be bounded,
        whatever is in it and however many are encoded at once; the event loop MUST NOT wait.

        Raises:
            UnsupportedImageType: it is no PNG, JPEG, WebP or GIF.
            BadImage: it is broken, empty, something else besides, or has too many pixels or
                frames.
            Unavailable: too much is under way.
        """
        ...


class ImageStore(Protocol):
    """Keeps the bytes of images by their keys, which are never used twice."""

    async def put(self, key: ImageKey, data: bytes) -> None:
        """Keep an object.

        Nobody MUST ever see a part of it. What was put MUST survive a crash after the return.

        Raises:
            Unavailable: it could not be kept, or it is unknown whether it was.
        """
        ...

    async def size(self, key: ImageKey) -> int | None:
        """How many bytes the object has; `None` when there is none.

        Raises:
            Unavailable: the store cannot be reached.
        """
        ...

    async def read(self, key: ImageKey, start: int, end: int) -> bytes:
        """The bytes of an object that is there, from `start` and up to, not including, `end`.

        Raises:
            NotFound: the object is gone.
            Unavailable: the store cannot be reached.
        """
        ...

    async def delete(self, keys: Sequence[ImageKey]) -> None:
        """Remove objects, and what a crash in the midst of putting them has left behind. Safe to
        repeat: those that are not there MUST be passed over.

        Raises:
            Unavailable: the store cannot be reached. Some may be gone.
        """
        ...


class ImageRepository(Protocol):
    """Images and what refers to them, inside a unit of work."""

    async def bytes_of(self, user_id: UserId) -> int:
        """How many bytes the stored images of a user have. The user was got in the same unit of
        work, which holds back their other uploads.
        """
        ...

    async def add(self, image: Image) -> None:
        """Store a new image, whose object is not there yet.

        Raises:
            NotFound: the owner is gone.
        """
        ...

    async def abandon(self, image_id: ImageId) -> None:
        """Note that a new image is not wanted: it is removed at the next run. Others are left
        alone.
        """
        ...

    async def mark_stored(self, image_id: ImageId) -> bool:
        """Note that the object of a new image is there now; whether the image still is."""
        ...

    async def lock_for_reference(self, image_id: ImageId, owner_id: UserId) -> bool:
        """Whether this is a stored image of this owner. If so, it MUST NOT go before the unit of
        work ends.
        """
        ...

    async def set_references(
        self, project_id: ProjectId, owner_id: UserId, keys: Collection[ImageKey]
    ) -> None:
        """Note which stored images of this owner the text of a project shows now. Other keys are
        passed over. What is shown MUST NOT go.
        """
        ...

    async def mark_unused(self, now: datetime) -> None:
        """Note of each stored image since when nothing refers to it; not of those that something
        refers to.
        """
        ...

    async def claim_for_deletion(
        self, *, unused_before: datetime, unfinished_before: datetime, limit: int
    ) -> tuple[Image, ...]:
        """Up to `limit` images that are to go now, and that nothing can refer to from now on:
        stored ones that have been unused since `unused_before` or earlier, or that have no owner;
        new ones from before `unfinished_before`; and those that are going already.

        What is referred to MUST NOT be among them, even if the reference is made at the same
        time.
        """
        ...

    async def delete(self, image_ids: Collection[ImageId]) -> None:
        """Remove images that are going, after their objects. Safe to repeat."""
        ...


class ImageOwners(Protocol):
    """The users that own images, inside a unit of work."""

    async def get(self, user_id: UserId) -> object | None:
        """The user, or `None`. MUST lock the user until the unit of work ends, which serialises
        the uploads that are measured against their quota.
        """
        ...


class ImageUnitOfWork(IdempotentUnitOfWork, Protocol):
    """A transaction over images."""

    @property
    def users(self) -> ImageOwners: ...
    @property
    def images(self) -> ImageRepository: ...

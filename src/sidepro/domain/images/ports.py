"""Ports of images."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import IO, Protocol

from sidepro.domain.idempotency import IdempotentUnitOfWork
from sidepro.domain.ids import ImageId, ProjectId, UserId
from sidepro.domain.images.image import Image, Picture, WithheldImage
from sidepro.domain.images.urls import ImageKey
from sidepro.domain.images.views import ImageUsage, OwnImageView
from sidepro.domain.pagination import Page, PageRequest


class ImageCodec(Protocol):
    """Re-encodes uploads."""

    async def encode(self, file: IO[bytes], uploader: UserId | None = None) -> Picture:
        """The picture in the file, re-encoded: upright, at most 2,048 pixels wide and high, in
        sRGB, without metadata. Animations stay animated. Damage in parts that the picture does not
        need is ignored.

        The type MUST be detected from the content alone. Time and memory MUST be bounded for any
        content and any number of concurrent calls. The event loop MUST NOT be blocked. The files
        of one uploader MUST be decoded one after the other.

        Raises:
            UnsupportedImageType: the file is not PNG, JPEG, WebP or GIF.
            BadImage: the file is broken, empty, a polyglot, or has too many pixels or frames.
            Unavailable: too many uploads are being encoded, in total or for this uploader.
        """
        ...


class ImageStore(Protocol):
    """Stores image bytes by key. A key is never used twice."""

    async def put(self, key: ImageKey, data: bytes) -> None:
        """Store an object.

        Readers MUST NOT see a partial object. On return it MUST be durable.

        Raises:
            Unavailable: the object was not stored, or the outcome is unknown.
        """
        ...

    async def size(self, key: ImageKey) -> int | None:
        """The size of the object in bytes; `None` if there is no object.

        Raises:
            Unavailable: the store cannot be reached.
        """
        ...

    async def read(self, key: ImageKey, start: int, end: int) -> bytes:
        """The bytes of an object from `start` up to, but not including, `end`.

        Raises:
            NotFound: there is no such object.
            Unavailable: the store cannot be reached.
        """
        ...

    async def move(self, key: ImageKey, to: ImageKey) -> None:
        """Give an object another key. At any time it MUST be there under one of them, whole, and
        on return under the other one alone. MUST complete an interrupted call, and ignore a
        missing object.

        Raises:
            Unavailable: the store cannot be reached.
        """
        ...

    async def delete(self, keys: Sequence[ImageKey]) -> None:
        """Delete objects, and leftovers of a crash during `put`. MUST ignore missing objects.

        Raises:
            Unavailable: the store cannot be reached. Some objects may be deleted.
        """
        ...


class ImageRepository(Protocol):
    """Images and references to them, inside a unit of work."""

    async def bytes_of(self, user_id: UserId) -> int:
        """The total size of a user's stored images in bytes.

        The caller has locked the user in this unit of work, so no other upload can interfere.
        """
        ...

    async def add(self, image: Image) -> None:
        """Insert a new image whose object is not stored yet.

        Raises:
            NotFound: the owner does not exist.
        """
        ...

    async def abandon(self, image_id: ImageId) -> None:
        """Mark a new image for the next cleanup. MUST NOT change images in other states."""
        ...

    async def mark_stored(self, image_id: ImageId) -> bool:
        """Mark a new image as stored; `False` if cleanup has claimed or deleted it."""
        ...

    async def lock_for_reference(self, image_id: ImageId, owner_id: UserId) -> bool:
        """Whether this is a stored image of this owner. If so, it MUST NOT be claimed for deletion
        before the unit of work ends.
        """
        ...

    async def set_references(
        self, project_id: ProjectId, owner_id: UserId, keys: Collection[ImageKey]
    ) -> None:
        """Replace the references of a project's text to stored images of this owner.

        MUST ignore other keys. A referenced image MUST NOT be claimed for deletion.
        """
        ...

    async def mark_unused(self, now: datetime) -> None:
        """Record since when each unreferenced stored image is unused. Clear the time of the
        others.
        """
        ...

    async def claim_for_deletion(
        self, *, unused_before: datetime, unfinished_before: datetime, limit: int
    ) -> tuple[Image, ...]:
        """Mark up to `limit` images as DELETING and return them.

        Selects stored images that have been unused since `unused_before` or earlier or have no
        owner, new images created before `unfinished_before`, and images that are DELETING already.
        A referenced image MUST NOT be among them, even if the reference is added concurrently.
        """
        ...

    async def claim_own(self, image_id: ImageId, owner_id: UserId) -> Image:
        """Mark a stored image of this owner as DELETING. A reference that is added concurrently
        MUST either prevent this or fail.

        Raises:
            NotFound: the owner has no such image.
            ImageInUse: something refers to it.
        """
        ...

    async def delete(self, image_ids: Collection[ImageId]) -> None:
        """Delete the rows of DELETING images, after their objects. Safe to repeat."""
        ...


class ImageReader(Protocol):
    """Reads without locks."""

    async def images(self, owner_id: UserId, page: PageRequest) -> Page[OwnImageView]:
        """A page of a person's stored images, newest first, in one statement."""
        ...

    async def usage(self, owner_id: UserId) -> ImageUsage:
        """The number and the total size of these images."""
        ...

    async def sizes(self, keys: Collection[ImageKey]) -> Mapping[ImageKey, tuple[int, int]]:
        """The width and height of those images that are stored. The caller need not own them."""
        ...


class WithheldImages(Protocol):
    """Withheld images, inside a unit of work.

    An image is to be withheld while a hidden project shows it, but no other project or profile.
    """

    async def to_withhold(self, limit: int) -> tuple[ImageId, ...]:
        """Up to `limit` stored images that are to be withheld and have no row."""
        ...

    async def add(self, image_id: ImageId, name: ImageKey) -> None:
        """Add a row in the state MOVING, unless there is one."""
        ...

    async def mark_returning(self) -> None:
        """Set the state of all images that are not to be withheld any more to RETURNING, and that
        of returning ones that are to be withheld again to MOVING.
        """
        ...

    async def unfinished(self) -> tuple[ImageId, ...]:
        """The images in the states MOVING and RETURNING."""
        ...

    async def lock(self, image_id: ImageId) -> WithheldImage | None:
        """The image, locked, with its row and against deletion; `None` if it has no row, is not
        stored, or is locked by another unit of work.
        """
        ...

    async def finish(self, image: WithheldImage) -> None:
        """Store that the object of this locked image was moved: WITHHELD, or no row any more."""
        ...

    async def names(self, image_ids: Sequence[ImageId]) -> tuple[ImageKey, ...]:
        """The secret names of these images, of those that have one."""
        ...


class ImageOwners(Protocol):
    """The users that own images, inside a unit of work."""

    async def get(self, user_id: UserId) -> object | None:
        """The user, or `None`. MUST lock the user until the unit of work ends: this serialises the
        quota checks of their uploads.
        """
        ...


class ImageUnitOfWork(IdempotentUnitOfWork, Protocol):
    """A transaction over images."""

    @property
    def users(self) -> ImageOwners: ...
    @property
    def images(self) -> ImageRepository: ...
    @property
    def withheld_images(self) -> WithheldImages: ...

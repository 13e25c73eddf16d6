"""An image, and its states.

    NEW ──────> STORED ──────> DELETING ──> (no row)
     └────────────────────────────^

The row of an image is inserted before its object is stored, and deleted after the object. So every
object has a row, and cleanup never has to list the store. NEW: the object may still be uploading.
STORED: the object exists and may be referenced. DELETING: the image has no references, accepts no
new ones, and its object is being deleted.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sidepro.domain.ids import ImageId, UserId
from sidepro.domain.images.urls import ImageKey

MEDIA_TYPE = "image/webp"
"""The media type of every stored image."""

UNUSED_TTL = timedelta(days=1)
"""How long an unreferenced image is kept."""

UPLOAD_TTL = timedelta(hours=1)
"""An upload that is unfinished after this time has failed: no request takes this long."""


class ImageState(StrEnum):
    """The state of an image, as described above."""

    NEW = "new"
    STORED = "stored"
    DELETING = "going"


@dataclass(frozen=True, slots=True)
class Picture:
    """A re-encoded upload, as WebP. Width and height are in pixels."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Image:
    """An image and its owner, who is `None` after withdrawal. `size` is in bytes."""

    id: ImageId
    owner_id: UserId | None
    key: ImageKey
    width: int
    height: int
    size: int
    created_at: datetime

    @classmethod
    def of(
        cls, picture: Picture, image_id: ImageId, owner_id: UserId, name: str, now: datetime
    ) -> "Image":
        """An image of this picture. `name` is random, so that a URL does not reveal the owner."""
        return cls(
            id=image_id,
            owner_id=owner_id,
            key=ImageKey(f"{name}.webp"),
            width=picture.width,
            height=picture.height,
            size=len(picture.data),
            created_at=now,
        )


class WithholdingState(StrEnum):
    """What happens to the object of a withheld image: see `sidepro.domain.images.withholding`. The
    values are stored.
    """

    MOVING = "moving"
    WITHHELD = "withheld"
    RETURNING = "returning"


@dataclass(frozen=True, slots=True)
class WithheldImage:
    """An image whose object is, or will be, stored as `name` instead of `key`."""

    image_id: ImageId
    key: ImageKey
    name: ImageKey
    state: WithholdingState

"""A stored image, and the picture that is kept of it.

    new ──────> stored ──────> going ──> (no row)
     └───────────────────────────^

The row of an image is there before its object in the store, and goes after it: so every object has
a row that names it, and nothing has to be searched for in the store. `new`: the object may be on
its way. `stored`: the object is there, and may be referred to. `going`: nothing refers to it, and
nothing may any more; the object is being removed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sidepro.domain.ids import ImageId, UserId
from sidepro.domain.images.urls import ImageKey

MEDIA_TYPE = "image/webp"
"""What every stored image is."""

UNUSED_TTL = timedelta(days=1)
"""After so long an image goes that nothing refers to."""

UPLOAD_TTL = timedelta(hours=1)
"""After so long an upload has failed, whatever became of it: no call takes as long."""


class ImageState(StrEnum):
    """What has become of an image."""

    NEW = "new"
    STORED = "stored"
    DELETING = "going"


@dataclass(frozen=True, slots=True)
class Picture:
    """A fresh encoding, as WebP, of what somebody sent. Width and height in pixels."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Image:
    """An image and whose it is; `size` is in bytes. The owner of one whose owner withdrew is
    `None`.
    """

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
        """An image of this picture. `name` is random, and tells of nobody."""
        return cls(
            id=image_id,
            owner_id=owner_id,
            key=ImageKey(f"{name}.webp"),
            width=picture.width,
            height=picture.height,
            size=len(picture.data),
            created_at=now,
        )

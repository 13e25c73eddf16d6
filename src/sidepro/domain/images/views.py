"""What uploading gives."""

from dataclasses import dataclass

from sidepro.domain.ids import ImageId
from sidepro.domain.images.urls import ImageUrl


@dataclass(frozen=True, slots=True)
class ImageView:
    """An image as it is stored: width and height in pixels, `size` in bytes."""

    id: ImageId
    url: ImageUrl
    width: int
    height: int
    media_type: str
    size: int

"""What uploading gives."""

from dataclasses import dataclass

from sidepro.domain.images.addresses import ImageUrl
from sidepro.domain.shared import ImageId


@dataclass(frozen=True, slots=True)
class ImageView:
    """An image as it is stored: width and height in pixels, `size` in bytes."""

    id: ImageId
    url: ImageUrl
    width: int
    height: int
    media_type: str
    size: int

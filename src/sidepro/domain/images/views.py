"""Views of images."""

from dataclasses import dataclass

from sidepro.domain.ids import ImageId
from sidepro.domain.images.urls import ImageUrl


@dataclass(frozen=True, slots=True)
class ImageView:
    """A stored image. Width and height are in pixels, `size` is in bytes."""

    id: ImageId
    url: ImageUrl
    width: int
    height: int
    media_type: str
    size: int

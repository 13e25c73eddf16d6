"""Views of images."""

from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, slots=True)
class OwnImageView(ImageView):
    """A stored image as its owner sees it. `in_use`: a profile or a project shows it."""

    created_at: datetime
    in_use: bool


@dataclass(frozen=True, slots=True)
class ImageUsage:
    """How many stored images a person has, and their total size in bytes."""

    count: int
    size: int

"""Encoding images in tests."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

from sidepro.adapters.images.codec import PillowCodec
from tests import image_files

if TYPE_CHECKING:
    from sidepro.domain.images.image import Picture


KINDS = ("PNG", "JPEG", "WEBP", "GIF")


async def encoded(codec: PillowCodec, data: bytes) -> tuple[Picture, Image.Image]:
    """The encoded picture, and the same decoded."""
    picture = await codec.encode(io.BytesIO(data))
    decoded = image_files.opened(picture.data)
    assert decoded.format == "WEBP"
    assert decoded.size == (picture.width, picture.height)
    return picture, decoded


JPEG = image_files.saved(image_files.picture(), "JPEG")

"""Encoding images in tests."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from sidepro.adapters.images.codec import PillowCodec
from sidepro.domain.errors import BadImage
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


async def error_of(codec: PillowCodec, data: bytes) -> str:
    """The error message for a bad image."""
    with pytest.raises(BadImage) as caught:
        await codec.encode(io.BytesIO(data))
    (error,) = caught.value.errors
    assert error.pointer == "/file"
    return error.violation.detail


def alike(one: Any, other: Any, by: int = 12) -> bool:
    """Whether two colours are nearly equal."""
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))

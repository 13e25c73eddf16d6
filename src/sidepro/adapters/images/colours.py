"""Colours and transparency: conversion of any mode and colour profile to 8 bits of sRGB."""

from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageChops, ImageCms, ImageMath
from PIL.PngImagePlugin import PngImageFile

_GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B")
_MAX_PROFILE = 4 * 2**20

Transform = Callable[[Image.Image], Image.Image]


class SrgbConverter:
    """Converts pictures with a colour profile to sRGB. A damaged profile is ignored."""

    def __init__(self, profile: bytes | None) -> None:
        self._profile: ImageCms.ImageCmsProfile | None = None
        self._space = ""
        self._transforms: dict[tuple[str, str], Transform | None] = {}
        if profile and len(profile) <= _MAX_PROFILE:
            try:
                self._profile = ImageCms.ImageCmsProfile(BytesIO(profile))
                self._space = self._profile.profile.xcolor_space.strip()
            except (OSError, TypeError, ValueError, ImageCms.PyCMSError):
                self._profile = None

    def convert(self, picture: Image.Image, mode: str) -> Image.Image:
        """The picture in `mode`, RGB or RGBA."""
        is_grey = picture.mode in _GREY_MODES
        if picture.mode.startswith("I"):
            picture = _eight_bits(picture)
        if self._space == "RGB" and picture.mode != "CMYK":
            converted = picture.convert(mode)
            transform = self._transform(mode, mode)
            return transform(converted) if transform else converted
        if self._space == "GRAY" and is_grey:
            return self._through(picture, "L", mode)
        if self._space == "CMYK" and picture.mode == "CMYK":
            return self._through(picture, "CMYK", mode)
        return picture.convert(mode)

    def _through(self, picture: Image.Image, source: str, mode: str) -> Image.Image:
        """The picture, converted by a profile for grey or CMYK, with its transparency."""
        transform = self._transform(source, "RGB")
        if transform is None:
            return picture.convert(mode)
        converted = transform(picture.convert(source)).convert(mode)
        if mode == "RGBA":
            converted.putalpha(picture.convert("RGBA").getchannel("A"))
        return converted

    def _transform(self, source: str, target: str) -> Transform | None:
        key = source, target
        if key not in self._transforms:
            self._transforms[key] = self._new_transform(source, target)
        return self._transforms[key]

    def _new_transform(self, source: str, target: str) -> Transform | None:
        if self._profile is None:
            return None
        try:
            transform = ImageCms.buildTransform(
                self._profile, ImageCms.createProfile("sRGB"), source, target
            )
        except (ImageCms.PyCMSError, ValueError):
            return None

        def apply(picture: Image.Image) -> Image.Image:
            return transform.apply(picture)

        return apply


def _eight_bits(picture: Image.Image) -> Image.Image:
    """16 bits of grey as L or LA: Pillow would clip values above 255."""
    wide = picture.convert("I")
    grey = wide.point(lambda value: value * (1 / 256)).convert("L")
    key = picture.info.get("transparency")
    if not isinstance(key, int):
        return grey
    alpha = ImageMath.lambda_eval(
        lambda names: names["convert"]((names["wide"] != key) * 255, "L"), wide=wide
    )
    return Image.merge("LA", (grey, alpha))


def scale_transparent_colour(picture: Image.Image, depth: int) -> None:
    """Scale the transparent colour of a PNG from `depth` bits to 8, as its pixels.

    Pillow scales only the pixels.
    """
    key = picture.info.get("transparency")
    if picture.mode == "L" and isinstance(key, int) and depth in (2, 4):
        picture.info["transparency"] = key * 255 // (2**depth - 1)


def apply_wide_transparent_colour(picture: Image.Image, depth: int, file: BytesIO) -> None:
    """Turn the transparent colour of a loaded PNG with 16 bits per RGB channel into alpha.

    Pillow keeps the upper 8 bits of a channel. The lower ones are decoded from the file here, so
    that colours which differ in them alone stay visible.
    """
    key = picture.info.get("transparency")
    if picture.mode != "RGB" or not isinstance(key, tuple) or depth != 16:
        return
    opaque = Image.new("L", picture.size)
    with PngImageFile(file) as lower:
        lower.tile = [part._replace(args="RGB;16L") for part in lower.tile]
        lower.load()
        for half, shift in ((picture, 8), (lower, 0)):
            for number, channel in enumerate(key):
                differs = [255] * 256
                differs[channel >> shift & 255] = 0
                opaque = ImageChops.lighter(opaque, half.getchannel(number).point(differs))
    picture.putalpha(opaque)
    del picture.info["transparency"]

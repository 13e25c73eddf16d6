"""Decodes uploaded images and encodes them as WebP, with Pillow, in threads of its own.

Pixels and frames are limited before anything is decoded. All images in progress together have at
most as many pixels as one may have, which bounds memory: 40 megapixels take 0.3 to 0.4 GB, as
WebP 0.6 to 0.9 GB.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from threading import Condition
from typing import IO

import structlog
from PIL import Image
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from sidepro.adapters.images.formats import (
    BrokenError,
    Format,
    Layout,
    UnknownFormatError,
    read_layout,
)
from sidepro.domain.errors import BadImage, FieldError, Unavailable, UnsupportedImageType
from sidepro.domain.images.image import Picture

log = structlog.get_logger(__name__)

THREADS = 2
MAX_WAITING = 30
"""Images waiting for a thread; further ones are refused for the moment."""

MAX_SIDE = 2_048
MAX_FRAMES = 300
MAX_FRAME_MS = 60_000

MAX_LOOPS = 65_535
"""Repetitions of an animation; 0 is endless. RFC 9649, section 2.7.1.1."""

_BAND = 2**21
"""Pixels of a large image that are scaled down at once."""

# The plugins themselves: Image.open would guess the format again, and may choose another.
_PLUGINS: dict[Format, type[ImageFile]] = {
    Format.PNG: PngImageFile,
    Format.JPEG: JpegImageFile,
    Format.WEBP: WebPImageFile,
    Format.GIF: GifImageFile,
}

_ORIENTATION = 0x0112
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that undoes an Exif orientation (Exif 2.32, 4.6.4 A)."""


class PillowCodec:
    """See `sidepro.domain.images.ports.ImageCodec`. Animations become WebP animations."""

    def __init__(self, max_pixels: int) -> None:
        """`max_pixels` is the limit for all frames of an image together."""
        self._max_pixels = max_pixels
        self._too_many_pixels = f"has more than {max_pixels:,} pixels"
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="images")
        self._pixels = _PixelBudget(max_pixels)
        self._in_progress = 0
        # Pillow's own limit must not be stricter than ours.
        Image.MAX_IMAGE_PIXELS = max(max_pixels, Image.MAX_IMAGE_PIXELS or 0)

    async def encode(self, file: IO[bytes]) -> Picture:
        if self._in_progress >= THREADS + MAX_WAITING:
            raise Unavailable
        self._in_progress += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._encoded, file)
        finally:
            self._in_progress -= 1

    def close(self) -> None:
        """Finish the images in progress and stop the threads."""
        self._threads.shutdown()

    def _encoded(self, file: IO[bytes]) -> Picture:
        file.seek(0)
        data = file.read()
        try:
            layout = read_layout(data)
            with _PLUGINS[layout.format](BytesIO(data[: layout.end])) as opened:
                return self._decoded_and_encoded(opened, layout)
        except UnknownFormatError:
            raise UnsupportedImageType from None
        except BrokenError as error:
            raise BadImage(FieldError(str(error), pointer="/file")) from None
        except Image.DecompressionBombError:
            raise BadImage(FieldError(self._too_many_pixels, pointer="/file")) from None
        except MemoryError as error:
            raise Unavailable from error
        # Pillow's parsers raise arbitrary exceptions for damaged files.
        except Exception as error:
            log.info("image_broken", reason=type(error).__name__)
            raise BadImage(FieldError("is broken", pointer="/file")) from None

    def _decoded_and_encoded(self, opened: ImageFile, layout: Layout) -> Picture:
        width, height = layout.canvas or opened.size
        # The default image of an animated PNG may be none of its frames.
        first = int(getattr(opened, "default_image", False))
        count = layout.frames or int(getattr(opened, "n_frames", 1)) - first
        pixels = width * height * count
        if count > MAX_FRAMES:
            raise BrokenError(f"has more than {MAX_FRAMES} frames")
        if pixels > self._max_pixels:
            raise BrokenError(self._too_many_pixels)
        with self._pixels.reserve(pixels):
            frames = list(_frames(opened, first, count))
            loop = int(opened.info.get("loop", layout.format == Format.GIF))
            return _webp(frames, min(loop, MAX_LOOPS))


class _PixelBudget:
    """Limits the pixels of all images that are decoded at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reserved = 0
        self._changed = Condition()

    @contextmanager
    def reserve(self, pixels: int) -> Iterator[None]:
        """Wait until `pixels` fit, and hold them for the block."""
        with self._changed:
            self._changed.wait_for(lambda: self._reserved + pixels <= self._limit)
            self._reserved += pixels
        try:
            yield
        finally:
            with self._changed:
                self._reserved -= pixels
                self._changed.notify_all()


Frame = tuple[Image.Image, int]
"""An image of its final size, and its duration in milliseconds."""


def _frames(opened: ImageFile, first: int, count: int) -> Iterator[Frame]:
    if count == 1:
        opened.draft(None, _fitting(opened.size))
        opened.load()
        orientation = _orientation(opened)
        mode = "RGBA" if opened.has_transparency_data else "RGB"
        yield _upright(_scaled(opened, mode), orientation), 0
        return
    orientation = _orientation(opened)
    for number in range(first, first + count):
        opened.seek(number)
        opened.load()
        duration = min(max(round(opened.info.get("duration", 0)), 0), MAX_FRAME_MS)
        yield _upright(_scaled(opened, "RGBA"), orientation), duration


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    """The size scaled down to at most `MAX_SIDE` a side, in proportion."""
    longest = max(size)
    if longest <= MAX_SIDE:
        return size
    width, height = (max(1, round(side * MAX_SIDE / longest)) for side in size)
    return width, height


def _scaled(picture: Image.Image, mode: str) -> Image.Image:
    """The picture in `mode` and of its final size.

    It is converted and averaged in bands, so that there is no second large picture in memory.
    """
    width, height = picture.size
    final = _fitting(picture.size)
    # Reduced first: a resize alone needs much memory for a picture of one long line.
    across = max(1, width // final[0])
    down = max(1, height // final[1])
    scaled = Image.new(mode, (-(-width // across), -(-height // down)))
    step = max(1, _BAND // (width * down)) * down
    for top in range(0, height, step):
        band = picture.crop((0, top, width, min(height, top + step)))
        scaled.paste(_converted(band, mode).reduce((across, down)), (0, top // down))
    return scaled.resize(final, Image.Resampling.LANCZOS) if scaled.size != final else scaled


def _converted(picture: Image.Image, mode: str) -> Image.Image:
    if picture.mode.startswith("I"):
        # 16 bits of grey: Pillow would clip values above 255.
        picture = picture.convert("I").point(lambda grey: grey * (1 / 256)).convert("L")
    return picture.convert(mode)


def _orientation(opened: ImageFile) -> int:
    try:
        return int(opened.getexif().get(_ORIENTATION, 1))
    except Exception:  # as above; a picture with damaged Exif data is still a picture
        return 1


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    transposition = _TRANSPOSITIONS.get(orientation)
    return picture if transposition is None else picture.transpose(transposition)


def _webp(frames: list[Frame], loop: int) -> Picture:
    first, *others = (picture for picture, _ in frames)
    encoded = BytesIO()
    if others:
        first.save(
            encoded,
            "WEBP",
            save_all=True,
            append_images=others,
            duration=[duration for _, duration in frames],
            loop=loop,
            quality=75,
            method=2,
        )
    else:
        first.save(encoded, "WEBP", quality=82, method=4)
    return Picture(encoded.getvalue(), first.width, first.height)

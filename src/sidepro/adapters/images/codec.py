"""Decoding what people send and encoding it anew as WebP, with Pillow, in threads of its own.

What is decoded is bounded beforehand: the file's size by whoever hands it over, its pixels (those
of all frames together) and frames by what the file says of itself, before Pillow sees it. Pictures
that are under way at once have no more pixels together than one may have, so that memory is
bounded by the same setting: measured, 40 megapixels take 0.3 to 0.4 GB, as WebP 0.6 to 0.9.
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
    Kind,
    Look,
    NotTakenError,
    look_at,
)
from sidepro.domain.errors import BadImage, FieldError, Unavailable, UnsupportedImageType
from sidepro.domain.images.image import Picture

log = structlog.get_logger(__name__)

THREADS = 2
MAX_WAITING = 30
"""Pictures that wait for a thread; whoever comes then may try again later."""

MAX_SIDE = 2_048
MAX_FRAMES = 300
MAX_FRAME_MS = 60_000
"""Milliseconds."""

MAX_LOOPS = 65_535
"""How often an animation may be repeated; 0 is for ever. RFC 9649, section 2.7.1.1."""

_BAND = 2**21
"""Pixels of a large picture that are made smaller together."""

# Each plugin by itself: what Image.open adds is a guess at the kind, which is known here.
_PLUGINS: dict[Kind, type[ImageFile]] = {
    Kind.PNG: PngImageFile,
    Kind.JPEG: JpegImageFile,
    Kind.WEBP: WebPImageFile,
    Kind.GIF: GifImageFile,
}

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each orientation that a camera notes (Exif 2.32, 4.6.4 A)."""


class PillowCodec:
    """See `sidepro.domain.images.ports.ImageCodec`. Animations are kept, as WebP animations."""

    def __init__(self, max_pixels: int) -> None:
        """`max_pixels` is what all frames of a picture may have together."""
        self._max_pixels = max_pixels
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="images")
        self._pixels = _Budget(max_pixels)
        self._under_way = 0
        # Pillow's own check stays behind ours, and must not be stricter.
        Image.MAX_IMAGE_PIXELS = max(max_pixels, Image.MAX_IMAGE_PIXELS or 0)

    async def encode(self, file: IO[bytes]) -> Picture:
        if self._under_way >= THREADS + MAX_WAITING:
            raise Unavailable
        self._under_way += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._encoded, file)
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """End the threads, after the pictures under way."""
        self._threads.shutdown()

    def _encoded(self, file: IO[bytes]) -> Picture:
        file.seek(0)
        data = file.read()
        try:
            look = look_at(data)
            self._check(look.width, look.height, look.frames)
            with self._pixels.spent(look.pixels):
                return self._decoded_and_encoded(data[: look.end], look)
        except NotTakenError:
            raise UnsupportedImageType from None
        except BrokenError as error:
            raise BadImage(FieldError(str(error), pointer="/file")) from None
        except MemoryError as error:
            raise Unavailable from error
        # Pillow raises whatever comes up in its many parsers when a file is not sound.
        except Exception as error:
            log.info("image_broken", reason=type(error).__name__)
            raise BadImage(FieldError("is broken", pointer="/file")) from None

    def _decoded_and_encoded(self, data: bytes, look: Look) -> Picture:
        with _PLUGINS[look.kind](BytesIO(data)) as opened:
            # What the decoder goes by must be what was looked at.
            self._check(*opened.size, look.frames)
            frames = list(_frames(opened, look))
            loop = min(int(opened.info.get("loop", look.kind == Kind.GIF)), MAX_LOOPS)
        return _webp(frames, loop)

    def _check(self, width: int, height: int, frames: int) -> None:
        if frames > MAX_FRAMES:
            raise BrokenError(f"has more than {MAX_FRAMES} frames")
        if width * height * frames > self._max_pixels:
            raise BrokenError(f"has more than {self._max_pixels:,} pixels")


class _Budget:
    """Lets threads go on as long as they do not spend too much together."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._spent = 0
        self._changed = Condition()

    @contextmanager
    def spent(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for so many, and keep it inside of the block."""
        with self._changed:
            self._changed.wait_for(lambda: self._spent + pixels <= self._most)
            self._spent += pixels
        try:
            yield
        finally:
            with self._changed:
                self._spent -= pixels
                self._changed.notify_all()


Frame = tuple[Image.Image, int]
"""A picture of its final size, and for how many milliseconds it is shown."""


def _frames(opened: ImageFile, look: Look) -> Iterator[Frame]:
    if look.frames <= 1:
        opened.draft(None, _fitting(opened.size))
        opened.load()
        orientation = _orientation(opened)
        mode = "RGBA" if opened.has_transparency_data else "RGB"
        yield _upright(_smaller(opened, mode), orientation), 0
        return
    orientation = _orientation(opened)
    # The default image of an animated PNG may be none of its frames.
    first = int(getattr(opened, "default_image", False))
    for number in range(first, first + look.frames):
        opened.seek(number)
        opened.load()
        duration = min(max(round(opened.info.get("duration", 0)), 0), MAX_FRAME_MS)
        yield _upright(_smaller(opened, "RGBA"), orientation), duration


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    """The size made smaller, in proportion, until it fits."""
    longest = max(size)
    if longest <= MAX_SIDE:
        return size
    width, height = (max(1, round(side * MAX_SIDE / longest)) for side in size)
    return width, height


def _smaller(picture: Image.Image, mode: str) -> Image.Image:
    """The picture in this mode and of its final size.

    A large one is converted and averaged in bands, so that there is no second large one.
    """
    width, height = picture.size
    final = _fitting(picture.size)
    # Each side by itself: a resize alone needs very much for a picture of a single long line.
    across = max(1, width // final[0])
    down = max(1, height // final[1])
    smaller = Image.new(mode, (-(-width // across), -(-height // down)))
    step = max(1, _BAND // (width * down)) * down
    for top in range(0, height, step):
        band = picture.crop((0, top, width, min(height, top + step)))
        smaller.paste(_converted(band, mode).reduce((across, down)), (0, top // down))
    return smaller.resize(final, Image.Resampling.LANCZOS) if smaller.size != final else smaller


def _converted(picture: Image.Image, mode: str) -> Image.Image:
    if picture.mode.startswith("I"):
        # 16 bits of grey: Pillow would cut off what is above 255.
        picture = picture.convert("I").point(lambda grey: grey * (1 / 256)).convert("L")
    return picture.convert(mode)


def _orientation(opened: ImageFile) -> int:
    try:
        return int(opened.getexif().get(_ORIENTATION, 1))
    except Exception:  # as above: notes that are not sound are no reason to refuse a picture
        return 1


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    undone = _UPRIGHT.get(orientation)
    return picture if undone is None else picture.transpose(undone)


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

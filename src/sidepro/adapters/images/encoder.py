"""Decodes an image and encodes it as WebP. Animations become WebP animations.

Pixels and frames are limited before anything is decoded. An animation of any length has only a few
frames in memory at a time.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import IO

import structlog
from PIL import Image
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from sidepro.adapters.images.codec import PixelBudget
from sidepro.adapters.images.colours import (
    SrgbConverter,
    apply_wide_transparent_colour,
    scale_transparent_colour,
)
from sidepro.adapters.images.formats import (
    BrokenError,
    Format,
    UnknownFormatError,
    bit_depth,
    read_layout,
)
from sidepro.domain.errors import (
    BadImage,
    FieldError,
    SideProError,
    Unavailable,
    UnsupportedImageType,
)
from sidepro.domain.images.image import Picture
from sidepro.domain.violations import FieldCode, Violation

log = structlog.get_logger(__name__)

MAX_SIDE = 2_048
MAX_FRAMES = 300

ANIMATION_FACTOR = 2
"""All frames of an animation together may have this many times the pixels of one picture."""

_FRAMES_IN_MEMORY = 4
"""For an animation: its canvas, the previous frame, and their conversions."""

MAX_FRAME_MS = 60_000

MAX_PLAYS = 65_535
"""Plays of an animation; 0 is endless. RFC 9649, section 2.7.1.1."""

_BAND = 2**21
"""Pixels of a large image that are scaled down at once."""

# Uses the plugins directly: Image.open would detect the format again and may choose another.
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


def encode(file: IO[bytes], max_pixels: int, budget: PixelBudget) -> Picture:
    """The picture of a file. Waits until its pixels fit into the budget.

    Raises:
        UnsupportedImageType: the file is of no accepted format.
        BadImage: it is damaged or too large.
        Unavailable: memory does not suffice.
    """
    # Pillow's own limit must not be stricter than ours.
    Image.MAX_IMAGE_PIXELS = max(max_pixels, Image.MAX_IMAGE_PIXELS or 0)
    try:
        return _read_and_encoded(file, max_pixels, budget)
    except UnknownFormatError:
        refusal: SideProError = UnsupportedImageType()
    except BrokenError as error:
        refusal = _bad_image(error)
    except Image.DecompressionBombError:
        refusal = _bad_image(_TooManyPixelsError(max_pixels))
    except MemoryError:
        refusal = Unavailable()
    except Exception as error:  # Pillow's parsers raise any for a damaged file
        log.info("image_broken", reason=type(error).__name__)
        refusal = _bad_image(BrokenError("is broken"))
    # Not in the `except`: as its context, the error would keep the picture in memory.
    raise refusal


def _read_and_encoded(file: IO[bytes], max_pixels: int, budget: PixelBudget) -> Picture:
    file.seek(0)
    data = file.read()
    layout = read_layout(data)
    needed = layout.needed(data)
    with _PLUGINS[layout.format](BytesIO(needed)) as opened:
        if layout.format == Format.PNG:
            scale_transparent_colour(opened, bit_depth(data))
        profile = layout.png_profile(data) or opened.info.get("icc_profile")
        colours = SrgbConverter(profile)
        width, height = layout.canvas or opened.size
        # The default image of an animated PNG is not always one of its frames.
        first = int(getattr(opened, "default_image", False))
        count = layout.frames or int(getattr(opened, "n_frames", 1)) - first
        _check_size(width, height, count, max_pixels)
        in_memory = width * height * min(count, _FRAMES_IN_MEMORY)
        with budget.reserve(min(in_memory, max_pixels)):
            if count == 1:
                return _webp(_still(opened, colours, needed))
            frames = _frames(opened, colours, first, count)
            return _animated_webp(frames, count, _plays(opened, layout.format))


def _check_size(width: int, height: int, count: int, max_pixels: int) -> None:
    limit = max_pixels * ANIMATION_FACTOR
    if count > MAX_FRAMES:
        raise BrokenError(f"has more than {MAX_FRAMES} frames")
    if width * height > max_pixels:
        raise _TooManyPixelsError(max_pixels)
    if width * height * count > limit:
        raise _TooManyPixelsError(limit, f" in all its frames: {count} of {width} × {height}")


class _TooManyPixelsError(BrokenError):
    def __init__(self, limit: int, where: str = "") -> None:
        super().__init__(f"has more than {limit:,} pixels{where}")
        self.limit = limit


Frame = tuple[Image.Image, int]
"""An image of its final size, and its duration in milliseconds."""


def _still(opened: ImageFile, colours: SrgbConverter, data: bytes) -> Image.Image:
    opened.draft(None, _fitting(opened.size))
    opened.load()
    if opened.format == Format.PNG:
        apply_wide_transparent_colour(opened, bit_depth(data), BytesIO(data))
    orientation = _orientation(opened)
    mode = "RGBA" if opened.has_transparency_data else "RGB"
    return _upright(_scaled(opened, mode, colours), orientation)


def _frames(opened: ImageFile, colours: SrgbConverter, first: int, count: int) -> Iterator[Frame]:
    orientation = _orientation(opened)
    for number in range(first, first + count):
        opened.seek(number)
        opened.load()
        duration = min(max(round(opened.info.get("duration", 0)), 0), MAX_FRAME_MS)
        yield _upright(_scaled(opened, "RGBA", colours), orientation), duration


def _plays(opened: ImageFile, image_format: Format) -> int:
    """How often an animation is played; 0 is endless.

    A GIF stores the number of repetitions after the first play. Without this number it is played
    once.
    """
    loop = int(opened.info.get("loop", 0))
    if image_format == Format.GIF:
        loop = loop + 1 if loop else int("loop" not in opened.info)
    return min(loop, MAX_PLAYS)


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    """The size scaled down to at most `MAX_SIDE` per side, in proportion."""
    longest = max(size)
    if longest <= MAX_SIDE:
        return size
    width, height = (max(1, round(side * MAX_SIDE / longest)) for side in size)
    return width, height


def _scaled(picture: Image.Image, mode: str, colours: SrgbConverter) -> Image.Image:
    """The picture in `mode` and of its final size.

    Converts and averages in bands, to avoid a second large picture in memory.
    """
    width, height = picture.size
    final = _fitting(picture.size)
    # Reduce first: a resize alone needs much memory for a picture of one long line.
    across = max(1, width // final[0])
    down = max(1, height // final[1])
    scaled = Image.new(mode, (-(-width // across), -(-height // down)))
    step = max(1, _BAND // (width * down)) * down
    for top in range(0, height, step):
        band = picture.crop((0, top, width, min(height, top + step)))
        scaled.paste(colours.convert(band, mode).reduce((across, down)), (0, top // down))
    return scaled.resize(final, Image.Resampling.LANCZOS) if scaled.size != final else scaled


def _orientation(opened: ImageFile) -> int:
    try:
        return int(opened.getexif().get(_ORIENTATION, 1))
    except Exception:  # as above; a picture with damaged Exif data is still a picture
        return 1


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    transposition = _TRANSPOSITIONS.get(orientation)
    return picture if transposition is None else picture.transpose(transposition)


def _webp(picture: Image.Image) -> Picture:
    encoded = BytesIO()
    picture.save(encoded, "WEBP", quality=82, method=4)
    return Picture(encoded.getvalue(), picture.width, picture.height)


class _LaterFrames:
    """The frames after the first, each decoded when Pillow's encoder seeks it."""

    mode = "RGBA"

    def __init__(self, frames: Iterator[Frame], count: int, durations: list[int]) -> None:
        self.n_frames = count
        self._frames = frames
        self._durations = durations
        self._current: Image.Image | None = None

    def seek(self, _number: int) -> None:
        self._current, duration = next(self._frames)
        self._durations.append(duration)

    def getim(self) -> object:
        return self._current.getim() if self._current else None


def _animated_webp(frames: Iterator[Frame], count: int, plays: int) -> Picture:
    first, duration = next(frames)
    durations = [duration]
    encoded = BytesIO()
    first.save(
        encoded,
        "WEBP",
        save_all=True,
        append_images=[_LaterFrames(frames, count - 1, durations)],
        duration=durations,
        loop=plays,
        quality=75,
        method=2,
    )
    return Picture(encoded.getvalue(), first.width, first.height)


def _bad_image(error: BrokenError) -> BadImage:
    if isinstance(error, _TooManyPixelsError):
        violation = Violation(FieldCode.TOO_MANY_PIXELS, str(error), {"max": error.limit})
    else:
        violation = Violation(FieldCode.BAD_IMAGE, str(error))
    return BadImage(FieldError(violation, pointer="/file"))

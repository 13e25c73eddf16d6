"""Encoding images: what is kept, frames, and concurrency."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, PngImagePlugin

from sidepro.adapters.images import codec as codecs
from sidepro.adapters.images import encoder
from sidepro.adapters.images.codec import PillowCodec
from sidepro.domain.errors import Unavailable
from tests import image_files

if TYPE_CHECKING:
    pass
from tests.adapters.image_codec import KINDS, alike, encoded

pytestmark = pytest.mark.anyio


MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16")


ORIENTATION = 0x0112


@pytest.mark.parametrize("kind", KINDS)
async def test_every_format_becomes_webp_and_looks_the_same(codec: PillowCodec, kind: str) -> None:
    original = image_files.picture((64, 48))
    _, decoded = await encoded(codec, image_files.saved(original, kind))
    assert decoded.size == (64, 48)
    for place in ((0, 0), (32, 24), (63, 10)):
        assert alike(decoded.convert("RGB").getpixel(place), original.getpixel(place), 30)


@pytest.mark.parametrize("mode", MODES)
async def test_every_mode_is_accepted(codec: PillowCodec, mode: str) -> None:
    image = Image.new(mode, (20, 10)) if mode == "I;16" else image_files.picture((20, 10), mode)
    _, decoded = await encoded(
        codec, image_files.saved(image, "JPEG" if mode == "CMYK" else "PNG")
    )
    assert decoded.size == (20, 10)


async def test_sixteen_bits_of_grey_keep_their_brightness(codec: PillowCodec) -> None:
    grey = Image.new("I;16", (16, 16), 0x8000)
    _, decoded = await encoded(codec, image_files.saved(grey))
    assert alike(decoded.convert("RGB").getpixel((8, 8)), (128, 128, 128))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
async def test_transparency_is_kept(codec: PillowCodec, mode: str) -> None:
    image = image_files.picture((16, 16), "RGBA", (200, 0, 0, 0)).convert(mode)
    options: dict[str, Any] = {"transparency": 0} if mode == "P" else {}
    _, decoded = await encoded(codec, image_files.saved(image, **options))
    assert decoded.convert("RGBA").getpixel((8, 8))[3] == 0  # type: ignore[index]  # it has bands


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((2048, 10), (2048, 10)),
        ((2049, 10), (2048, 10)),
        ((10, 2049), (10, 2048)),
        ((3000, 1000), (2048, 683)),
        ((2000, 1999), (2000, 1999)),
        ((50_000, 20), (2048, 1)),
        ((3, 60_000), (1, 2048)),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
async def test_a_large_picture_is_scaled_down_in_proportion(
    codec: PillowCodec, size: tuple[int, int], expected: tuple[int, int], kind: str
) -> None:
    picture, _ = await encoded(codec, image_files.saved(image_files.picture(size), kind))
    assert (picture.width, picture.height) == expected


async def test_scaling_in_bands_leaves_no_seams(
    codec: PillowCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = image_files.picture((2_100, 1_500))
    _, whole = await encoded(codec, image_files.saved(original))
    monkeypatch.setattr(encoder, "_BAND", 2_100 * 7)
    _, banded = await encoded(codec, image_files.saved(original))
    assert banded.tobytes() == whole.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_exif_orientation_is_applied(
    codec: PillowCodec, orientation: int, kind: str
) -> None:
    upright = Image.new("RGB", (40, 20), "white")
    upright.paste((255, 0, 0), (0, 0, 20, 10))  # red at the top left
    undo = encoder._TRANSPOSITIONS.get(orientation)
    back = {Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270}
    back |= {there: here for here, there in back.items()}
    rotated = upright if undo is None else upright.transpose(back.get(undo, undo))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    _, decoded = await encoded(codec, image_files.saved(rotated, kind, exif=exif))
    assert decoded.size == (40, 20)
    assert alike(decoded.convert("RGB").getpixel((5, 3)), (254, 0, 0), 40)
    assert alike(decoded.convert("RGB").getpixel((35, 16)), (255, 255, 255), 40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_metadata_is_dropped(codec: PillowCodec, kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET in Exif"
    exif[0x8825] = {1: "N", 2: (37.0, 33.0, 0.0)}  # where it was taken
    options: dict[str, Any] = {"exif": exif, "icc_profile": b"SECRET profile"}
    if kind == "PNG":
        words = PngImagePlugin.PngInfo()
        words.add_text("Comment", "SECRET words")
        options["pnginfo"] = words
    else:
        options["xmp"] = b"SECRET packet"
    original = image_files.saved(image_files.picture(), kind, **options)
    assert b"SECRET" in original
    picture, decoded = await encoded(codec, original)
    assert b"SECRET" not in picture.data
    assert b"EXIF" not in picture.data
    assert not decoded.getexif()
    assert decoded.info.keys().isdisjoint({"exif", "icc_profile", "xmp", "comment"})


# Pillow warns.
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning", "ignore:Truncated:UserWarning")
async def test_unreadable_exif_data_is_ignored(codec: PillowCodec) -> None:
    for broken in (b"Exif\0\0nonsense", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0MM\0*\xff"):
        await encoded(codec, image_files.saved(image_files.picture(), "JPEG", exif=broken))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
async def test_animations_are_kept(codec: PillowCodec, kind: str) -> None:
    original = image_files.animated(kind, 5, loop=3)
    picture = await codec.encode(io.BytesIO(original))
    with Image.open(io.BytesIO(picture.data)) as decoded:
        assert (getattr(decoded, "n_frames", 1), decoded.size) == (5, (16, 12))
        decoded.load()
        assert decoded.info["duration"] == 40
        assert decoded.info["loop"] in (3, 4), "GIF counts repetitions, the others rounds"
        assert alike(decoded.convert("RGB").getpixel((8, 6)), (0, 0, 99), 20)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_exif_orientation_is_applied_to_animations(codec: PillowCodec, kind: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    first, *others = (Image.new("RGB", (40, 20), (shade, 0, 0)) for shade in (0, 99, 199))
    buffer = io.BytesIO()
    first.save(buffer, kind, save_all=True, append_images=others, duration=40, exif=exif)
    picture = await codec.encode(io.BytesIO(buffer.getvalue()))
    with Image.open(io.BytesIO(picture.data)) as decoded:
        assert (getattr(decoded, "n_frames", 1), decoded.size) == (3, (20, 40))


async def test_a_gif_without_a_loop_count_is_shown_once(codec: PillowCodec) -> None:
    picture = await codec.encode(io.BytesIO(image_files.animated("GIF", 3)))
    assert image_files.opened(picture.data).info["loop"] == 1


async def test_the_default_image_of_an_animated_png_is_left_out(codec: PillowCodec) -> None:
    original = image_files.animated("PNG", 4, default_image=True)
    picture = await codec.encode(io.BytesIO(original))
    assert getattr(image_files.opened(picture.data), "n_frames", 1) == 3


async def test_a_large_animation_is_scaled_down(codec: PillowCodec) -> None:
    picture = await codec.encode(io.BytesIO(image_files.animated("GIF", 2, (4_096, 64))))
    assert (picture.width, picture.height) == (2_048, 32)


async def test_encoding_does_not_block_the_event_loop(codec: PillowCodec) -> None:
    large = image_files.saved(image_files.picture((2_000, 1_900)))
    encoding = asyncio.create_task(codec.encode(io.BytesIO(large)))
    iterations = 0
    while not encoding.done():
        await asyncio.sleep(0.001)
        iterations += 1
    assert iterations > 10


async def test_the_number_of_waiting_images_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "MAX_WAITING", 3)
    codec = PillowCodec(1_000)
    release = threading.Event()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            release.wait(10)
            return super().read(size)

    waiting = [asyncio.create_task(codec.encode(Slow(image_files.gif(1)))) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await codec.encode(io.BytesIO(image_files.gif(1)))
    release.set()
    await asyncio.gather(*waiting)
    await codec.encode(io.BytesIO(image_files.gif(1)))
    codec.close()


def test_pixels_of_concurrent_images_are_limited_together() -> None:
    budget = codecs.PixelBudget(100)
    lock, now, most = threading.Lock(), 0, 0

    def spend(pixels: int) -> None:
        nonlocal now, most
        with budget.reserve(pixels):
            with lock:
                now += pixels
                most = max(most, now)
            time.sleep(0.001)
            with lock:
                now -= pixels

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(spend, [30, 40, 100, 60, 1, 99] * 5))
    assert most <= 100

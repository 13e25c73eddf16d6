"""Re-encoded images keep their colours, their transparency and how often they play."""

import asyncio
import io
import struct
import threading
import time
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from isal import isal_zlib
from PIL import Image, ImageCms

from sidepro.adapters.images.codec import MAX_WAITING_EACH, PillowCodec
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import UserId
from tests import image_files
from tests.adapters.image_codec import alike, encoded, error_of
from tests.clients import eventually
from tests.factories import new_id
from tests.image_files import chunk

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def codec() -> AsyncIterator[PillowCodec]:
    made = PillowCodec(40_000_000)
    yield made
    made.close()


# ------------------------------------------------------------------------------- colour profiles


def _s15(value: float) -> bytes:
    return struct.pack(">i", round(value * 65_536))


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile, version 2 (ICC.1:2001-04)."""
    table = struct.pack(">I", len(tags))
    place, data = 128 + 4 + 12 * len(tags), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", place + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    head = struct.pack(">I", place + len(data)) + b"lcms" + b"\x02\x40\0\0" + b"mntr" + space
    head += b"XYZ " + bytes(12) + b"acsp" + bytes(28) + _s15(0.9642) + _s15(1) + _s15(0.8249)
    return head.ljust(128, b"\0") + table + data


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_s15, values))


def _gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


_WHITE = {b"wtpt": _xyz(0.9642, 1, 0.8249)}
SWAPPED = _profile(
    b"RGB ",
    {
        # the primaries of sRGB, with red and green exchanged
        **_WHITE,
        b"rXYZ": _xyz(0.3851, 0.7169, 0.0971),
        b"gXYZ": _xyz(0.4361, 0.2225, 0.0139),
        b"bXYZ": _xyz(0.1431, 0.0606, 0.7141),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _gamma(2.2)),
    },
)
LINEAR_GREY = _profile(b"GRAY", {**_WHITE, b"kTRC": _gamma(1.0)})
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_colours_are_converted_to_srgb(codec: PillowCodec, kind: str) -> None:
    red = Image.new("RGB", (32, 32), (220, 30, 30))
    _, plain = await encoded(codec, image_files.saved(red, kind, icc_profile=SRGB))
    assert alike(plain.convert("RGB").getpixel((16, 16)), (220, 30, 30), 20)
    _, decoded = await encoded(codec, image_files.saved(red, kind, icc_profile=SWAPPED))
    assert alike(decoded.convert("RGB").getpixel((16, 16)), (30, 220, 30), 20)
    assert "icc_profile" not in decoded.info


@pytest.mark.parametrize("mode", ["P", "RGBA"])
async def test_palettes_and_transparent_pictures_are_converted(
    codec: PillowCodec, mode: str
) -> None:
    picture = Image.new("RGBA", (16, 16), (220, 30, 30, 100)).convert(mode)
    _, decoded = await encoded(codec, image_files.saved(picture, icc_profile=SWAPPED))
    red, green, blue, *alpha = decoded.convert("RGBA").getpixel((8, 8))  # type: ignore[misc]  # it has bands
    assert alike((red, green, blue), (30, 220, 30), 20)
    if mode == "RGBA":
        assert alike(alpha, [100])


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
async def test_grey_pictures_are_converted(codec: PillowCodec, mode: str) -> None:
    grey = (
        Image.new("I;16", (16, 16), 55 * 256) if mode == "I;16" else Image.new("L", (16, 16), 55)
    )
    if mode == "LA":
        grey = Image.merge("LA", (grey, Image.new("L", (16, 16), 80)))
    _, decoded = await encoded(codec, image_files.saved(grey, icc_profile=LINEAR_GREY))
    assert alike(decoded.convert("RGB").getpixel((8, 8)), (128, 128, 128), 4)
    if mode == "LA":
        assert alike(decoded.convert("RGBA").getchannel("A").getextrema(), (80, 80))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_animations_are_converted(codec: PillowCodec, kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), (220, 30, shade)) for shade in (30, 60)]
    data = image_files.saved(
        frames[0], kind, save_all=True, append_images=frames[1:], icc_profile=SWAPPED, duration=50
    )
    _, decoded = await encoded(codec, data)
    assert alike(decoded.convert("RGB").getpixel((8, 8)), (30, 220, 30), 25)


@pytest.mark.parametrize("profile", [b"nonsense", SWAPPED[:150], LINEAR_GREY, bytes(300)])
async def test_a_profile_that_cannot_be_used_is_ignored(
    codec: PillowCodec, profile: bytes
) -> None:
    red = Image.new("RGB", (16, 16), (220, 30, 30))
    for kind in ("PNG", "JPEG", "WEBP"):
        _, decoded = await encoded(codec, image_files.saved(red, kind, icc_profile=profile))
        assert alike(decoded.convert("RGB").getpixel((8, 8)), (220, 30, 30), 20)


# ---------------------------------------------------------------------------------- transparency


def _png(depth: int, kind: int, row: bytes, *chunks: bytes, damaged: bytes = b"") -> bytes:
    """A PNG of eight pixels in four rows; `row` has two pixels."""
    header = struct.pack(">IIBBBBB", 2, 4, depth, kind, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + row) * 4))
    parts = (chunk(b"IHDR", header), damaged, *chunks, pixels, chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _key(*values: int) -> bytes:
    return chunk(b"tRNS", struct.pack(f">{len(values)}H", *values))


@pytest.mark.parametrize(
    ("data", "alphas"),
    [
        (_png(1, 0, b"\x40", _key(1)), (255, 0)),
        (_png(2, 0, b"\x60", _key(1)), (0, 255)),
        (_png(4, 0, b"\x3a", _key(3)), (0, 255)),
        (_png(8, 0, b"\x30\xc0", _key(0x30)), (0, 255)),
        (_png(16, 0, b"\x12\x34\x12\x35", _key(0x1234)), (0, 255)),
        (_png(8, 2, bytes([1, 2, 3, 200, 201, 202]), _key(1, 2, 3)), (0, 255)),
        (
            _png(16, 2, bytes([1, 9, 2, 9, 3, 9, 200, 9, 5, 9, 6, 9]), _key(0x109, 0x209, 0x309)),
            (0, 255),
        ),
        (
            _png(16, 2, bytes([1, 9, 2, 9, 3, 9, 1, 9, 2, 9, 3, 8]), _key(0x109, 0x209, 0x309)),
            (0, 255),
        ),
        (
            _png(16, 2, bytes([1, 9, 2, 8, 3, 9, 1, 8, 2, 9, 3, 9]), _key(0x109, 0x209, 0x309)),
            (255, 255),
        ),
        (_png(8, 4, bytes([90, 0, 90, 255])), (0, 255)),
        (_png(16, 4, bytes([90, 9, 0, 0, 90, 9, 255, 255])), (0, 255)),
        (_png(16, 6, bytes([9, 9] * 3 + [0, 0] + [9, 9] * 3 + [255, 255])), (0, 255)),
        (
            _png(8, 3, b"\0\1", chunk(b"PLTE", bytes(6)), chunk(b"tRNS", b"\x80\xff")),
            (128, 255),
        ),
        (_png(4, 3, b"\x01", chunk(b"PLTE", bytes(6)), chunk(b"tRNS", b"\0")), (0, 255)),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value),
)
async def test_every_kind_of_transparency_of_a_png_is_kept(
    codec: PillowCodec, data: bytes, alphas: tuple[int, int]
) -> None:
    _, decoded = await encoded(codec, data)
    alpha = decoded.convert("RGBA").getchannel("A")
    assert [alike([alpha.getpixel((x, 1))], [alphas[x]], 3) for x in (0, 1)] == [True, True]


# ------------------------------------------------------------------------------------ animations


@pytest.mark.parametrize(
    ("kind", "loop", "expected"),
    [
        ("GIF", None, 1),
        ("GIF", 0, 0),
        ("GIF", 1, 2),
        ("GIF", 65_535, 65_535),
        ("PNG", 0, 0),
        ("PNG", 1, 1),
        ("PNG", 100_000, 65_535),
        ("WEBP", 0, 0),
        ("WEBP", 5, 5),
    ],
)
async def test_animations_play_as_often_as_before(
    codec: PillowCodec, kind: str, loop: int | None, expected: int
) -> None:
    options: dict[str, Any] = {} if loop is None else {"loop": loop}
    _, decoded = await encoded(codec, image_files.animated(kind, 3, **options))
    assert decoded.info["loop"] == expected


async def test_a_usual_screen_recording_is_accepted(codec: PillowCodec) -> None:
    picture = await codec.encode(io.BytesIO(image_files.gif(100, 800, 600)))
    with Image.open(io.BytesIO(picture.data)) as decoded:
        assert decoded.size == (800, 600)


async def test_the_message_about_a_long_animation_says_what_counts(codec: PillowCodec) -> None:
    message = await error_of(codec, image_files.gif(200, 1_000, 800))
    assert message == "has more than 80,000,000 pixels in all its frames: 200 of 1000 × 800"


async def test_durations_of_all_frames_are_kept(codec: PillowCodec) -> None:
    frames = [Image.new("RGB", (8, 8), (90 * n, 0, 0)) for n in range(3)]
    data = image_files.saved(
        frames[0], "GIF", save_all=True, append_images=frames[1:], duration=[40, 250, 90]
    )
    picture = await codec.encode(io.BytesIO(data))
    with Image.open(io.BytesIO(picture.data)) as decoded:
        durations = []
        for number in range(3):
            decoded.seek(number)
            decoded.load()
            durations.append(decoded.info["duration"])
    assert durations == [40, 250, 90]


# ----------------------------------------------------------------------------------------- damage


def _broken(name: bytes, data: bytes) -> bytes:
    """A chunk with a wrong checksum."""
    return chunk(name, data)[:-4] + b"\0\0\0\0"


@pytest.mark.parametrize(
    "damaged",
    [
        _broken(b"tEXt", b"Comment\0x"),
        _broken(b"iCCP", b"x\0\0" + zlib.compress(SWAPPED)),
        chunk(b"iCCP", b"x\0\0nonsense"),
        _broken(b"eXIf", b"MM\0*"),
        chunk(b"zTXt", b"Comment\0\0nonsense"),
        chunk(b"iTXt", b""),
        chunk(b"pHYs", b"x"),
        chunk(b"gAMA", b""),
        chunk(b"cHRM", b"xx"),
        chunk(b"tRNS", b"\0"),
        _broken(b"abcd", b"x" * 50),
        chunk(b"zTXt", b"Comment\0\0" + isal_zlib.compress(bytes(200_000_000), 1)),
    ],
    ids=lambda damaged: damaged[4:8].decode(),
)
async def test_damage_in_unneeded_chunks_of_a_png_is_ignored(
    codec: PillowCodec, damaged: bytes
) -> None:
    row = bytes([200, 20, 20, 20, 20, 200])
    whole, _ = await encoded(codec, _png(8, 2, row))
    started = time.process_time()
    assert (await encoded(codec, _png(8, 2, row, damaged=damaged)))[0] == whole
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "segment",
    [
        b"\xff\xe0\0\x04JF",
        b"\xff\xe1\0\x0cExif\0\0MM\0*",
        b"\xff\xe2\0\x10ICC_PROFILE\0\x01\x09",
        b"\xff\xe2\0\x08MPF\0xx",
        b"\xff\xed\0\x1aPhotoshop 3.0\x008BIM\x04\x04\0\0\xff\xff",
        b"\xff\xfe\0\x05\xff\xd9\xff",
        b"\xff\xec\0\x02",
    ],
)
async def test_damage_in_unneeded_segments_of_a_jpeg_is_ignored(
    codec: PillowCodec, segment: bytes
) -> None:
    data = image_files.saved(image_files.picture(), "JPEG")
    whole, _ = await encoded(codec, data)
    assert (await encoded(codec, data[:2] + segment + data[2:]))[0] == whole


# ------------------------------------------------------------------------------------------ turns


class _Blocked(io.BytesIO):
    """A file that is read when the test allows it."""

    def __init__(self, release: threading.Event, started: list[str], name: str) -> None:
        super().__init__(image_files.gif(1))
        self._release, self._started, self._name = release, started, name

    def read(self, size: int | None = -1, /) -> bytes:
        self._started.append(self._name)
        self._release.wait(10)
        return super().read(size)


async def test_one_person_does_not_take_all_threads() -> None:
    codec, release = PillowCodec(1_000), threading.Event()
    started: list[str] = []
    busy, other = UserId(new_id()), UserId(new_id())
    tasks = [
        asyncio.create_task(codec.encode(_Blocked(release, started, "busy"), busy))
        for _ in range(MAX_WAITING_EACH)
    ]
    await eventually(lambda: started == ["busy"])
    with pytest.raises(Unavailable):
        await codec.encode(io.BytesIO(image_files.gif(1)), busy)
    await asyncio.wait_for(codec.encode(io.BytesIO(image_files.gif(1)), other), 5)
    assert started == ["busy"]
    release.set()
    await asyncio.gather(*tasks)
    await codec.encode(io.BytesIO(image_files.gif(1)), busy)
    codec.close()

"""Files that the image codec refuses, and at what cost."""

from __future__ import annotations

import contextlib
import io
import resource
import time
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, PngImagePlugin

from sidepro.adapters.images import encoder
from sidepro.adapters.images.codec import PillowCodec
from sidepro.adapters.images.formats import BrokenError, Format, read_layout
from sidepro.domain.errors import BadImage, SideProError, Unavailable, UnsupportedImageType
from tests import image_files

if TYPE_CHECKING:
    pass
from tests.adapters.image_codec import JPEG, KINDS, encoded, error_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "data",
    [
        *(
            image_files.SVG,
            image_files.HTML,
            image_files.ZIP,
            b"%PDF-1.7\n",
            b"plain text",
            b"\0" * 50,
        ),
        image_files.saved(image_files.picture(), "BMP"),
        image_files.saved(image_files.picture(), "TIFF"),
        image_files.saved(image_files.picture(), "ICO"),
        image_files.saved(image_files.picture(), "AVIF"),
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"\n" + image_files.saved(image_files.picture()),
    ],
)
async def test_other_formats_are_refused(codec: PillowCodec, data: bytes) -> None:
    with pytest.raises(UnsupportedImageType):
        await codec.encode(io.BytesIO(data))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_truncated_file_is_refused(codec: PillowCodec, kind: str) -> None:
    whole = image_files.saved(image_files.picture((24, 16)), kind)
    for length in range(len(whole)):
        with pytest.raises(SideProError) as caught:
            await codec.encode(io.BytesIO(whole[:length]))
        # The first 11 bytes of a WebP do not show the format.
        unknown = kind == "WEBP" and 0 < length < 12
        assert isinstance(caught.value, UnsupportedImageType if unknown else BadImage)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_damaged_file_is_refused_or_accepted_without_other_errors(
    codec: PillowCodec, kind: str
) -> None:
    whole = image_files.saved(image_files.picture((24, 16)), kind)
    for place in range(0, len(whole), max(1, len(whole) // 150)):
        for wrong in (0, 0xFF, whole[place] ^ 0x10):
            spoiled = whole[:place] + bytes([wrong]) + whole[place + 1 :]
            with contextlib.suppress(BadImage, UnsupportedImageType):
                await codec.encode(io.BytesIO(spoiled))


PLAIN = image_files.png(1, 1, data=bytes(2))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (PLAIN[:8] + image_files.chunk(b"teXt", b"x" * 20) + PLAIN[8:], "begin with its header"),
        (PLAIN[:33] + PLAIN[8:33] + PLAIN[33:], "begin with its header"),
        (image_files.png(0, 1), "is broken"),
        (image_files.png(1, 1, image_files.chunk(b"acTL", bytes(8))), "is broken"),
        (image_files.png(1, 1, image_files.chunk(b"acTL", b"\0\0\0\2\0\0\0\0")), "is broken"),
        (image_files.png(1, 1, image_files.chunk(b"fcTL", bytes(26))), "is broken"),
        (JPEG[:20] + b"\0" + JPEG[20:], "no marker"),
        (JPEG.replace(b"\xff\xc0", b"\xff\xfe"), "is broken"),
        (image_files.riff((b"VP8X", bytes(10)), (b"ANMF", b"")), "is broken"),
        (image_files.riff((b"EXIF", bytes(10))), "is broken"),
        (image_files.riff((b"VP8X", bytes(10)))[:-2] + b"\x09\0", "is broken"),
        (image_files.gif(0), "is broken"),
        (image_files.gif(1)[:-1] + b"x;", "between its blocks"),
    ],
)
async def test_errors_say_what_is_wrong(codec: PillowCodec, data: bytes, message: str) -> None:
    assert message in await error_of(codec, data)


def test_a_run_of_fill_bytes_in_a_scan_costs_linear_time() -> None:
    started = time.process_time()
    with pytest.raises(BrokenError, match="truncated"):
        read_layout(b"\xff\xd8\xff\xda\0\x02" + b"\xff" * 40_000 + b"\0")
    assert time.process_time() - started < 0.5


async def test_fill_bytes_between_markers_are_skipped(codec: PillowCodec) -> None:
    filled = JPEG.replace(b"\xff\xdb", b"\xff\xff\xff\xdb", 1)
    assert await encoded(codec, filled) == await encoded(codec, JPEG)


async def test_a_lack_of_memory_is_a_temporary_error(
    codec: PillowCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(encoder, "_webp", fails)
    with pytest.raises(Unavailable):
        await codec.encode(io.BytesIO(PLAIN))


async def test_exif_data_that_crashes_its_parser_are_ignored(
    codec: PillowCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "getexif", fails)
    await encoded(codec, PLAIN)


async def test_an_empty_file_is_refused(codec: PillowCodec) -> None:
    assert await error_of(codec, b"") == "is empty"


async def test_pixels_are_limited(codec: PillowCodec) -> None:
    await encoded(codec, image_files.saved(Image.new("L", (2_000, 2_000))))
    too_many = image_files.saved(Image.new("L", (2_000, 2_001)))
    assert await error_of(codec, too_many) == "has more than 4,000,000 pixels"


async def test_pixels_of_all_frames_are_limited_together(codec: PillowCodec) -> None:
    assert "pixels" in await error_of(codec, image_files.gif(9, 1_000, 1_000))


async def test_frames_are_limited(codec: PillowCodec) -> None:
    most = await codec.encode(io.BytesIO(image_files.gif(300)))
    assert most.width == 1
    assert await error_of(codec, image_files.gif(301)) == "has more than 300 frames"


@pytest.mark.parametrize(
    "data", [data for _, data in image_files.bombs()], ids=[n for n, _ in image_files.bombs()]
)
async def test_a_decompression_bomb_is_refused_cheaply(codec: PillowCodec, data: bytes) -> None:
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    await error_of(codec, data)
    assert time.process_time() - started < 10, "seconds, where its pixels would take minutes"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 64 * 1024, "kilobytes"


@pytest.mark.parametrize(
    "data",
    [data for _, data in image_files.polyglots()],
    ids=[n for n, _ in image_files.polyglots()],
)
async def test_a_polyglot_file_is_refused(codec: PillowCodec, data: bytes) -> None:
    await error_of(codec, data)


@pytest.mark.parametrize(
    "more",
    [
        b"\0" * 100,
        b"\r\n",
        image_files.saved(image_files.picture((8, 8)), "JPEG"),
        b"\0\0\0\x18ftypmp42" + bytes(40),
        b"\0\0\x01\x0aImage_UTC_Data1771234567890SEFH" + bytes(20) + b"SEFT",
    ],
    ids=["padding", "a line's end", "another picture", "a clip", "a maker's notes"],
)
async def test_data_that_cameras_append_to_a_jpeg_are_dropped(
    codec: PillowCodec, more: bytes
) -> None:
    alone, _ = await encoded(codec, image_files.saved(image_files.picture(), "JPEG"))
    with_more, _ = await encoded(codec, image_files.saved(image_files.picture(), "JPEG") + more)
    assert with_more == alone


@pytest.mark.parametrize("kind", KINDS)
def test_format_and_end_are_read_without_decoding(kind: str) -> None:
    data = image_files.saved(image_files.picture((70, 50)), kind)
    layout = read_layout(data)
    assert (layout.format, layout.end) == (Format(kind), len(data))


def test_canvas_and_frames_of_a_gif_are_read_without_decoding() -> None:
    layout = read_layout(image_files.animated("GIF", 7, (70, 50)))
    assert (layout.canvas, layout.frames) == ((70, 50), 7)


def test_the_canvas_of_a_gif_contains_frames_that_exceed_it() -> None:
    small = bytearray(image_files.saved(image_files.picture((70, 50)), "GIF"))
    small[6:10] = b"\x01\0\x01\0"
    assert read_layout(bytes(small)).canvas == (70, 50)


async def test_the_size_that_the_decoder_uses_is_limited(
    codec: PillowCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Large(PngImagePlugin.PngImageFile):
        @property
        def size(self) -> tuple[int, int]:
            return 100_000, 100_000

    monkeypatch.setitem(encoder._PLUGINS, Format.PNG, Large)
    assert "pixels" in await error_of(codec, image_files.saved(image_files.picture()))

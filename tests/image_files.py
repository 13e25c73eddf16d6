"""Image files for the tests, generated: good ones and hostile ones."""

import io
import struct
import zlib
from collections.abc import Sequence

from PIL import Image

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><html><script>alert(1)</script></html>"
ZIP = b"PK\x03\x04\x14\x00\x00\x00\x00\x00" + bytes(20) + b"PK\x05\x06" + bytes(18)


def picture(
    size: tuple[int, int] = (64, 48), mode: str = "RGB", colour: object = None
) -> Image.Image:
    """A gradient, or a picture of one colour."""
    if colour is not None:
        return Image.new(mode, size, colour)  # type: ignore[arg-type]  # any colour of the mode
    return Image.radial_gradient("L").resize(size).convert("RGB").convert(mode)


def noise(size: tuple[int, int]) -> Image.Image:
    """A picture that does not compress."""
    return Image.effect_noise(size, 90).convert("RGB")


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The encoded picture."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def animated(kind: str, frames: int, size: tuple[int, int] = (16, 12), **options: object) -> bytes:
    """An animation. Its frames differ, because encoders merge equal ones."""
    images = [picture(size, colour=(90 * n % 256, 70 * n % 256, 99)) for n in range(frames)]
    return saved(images[0], kind, save_all=True, append_images=images[1:], duration=40, **options)


def opened(data: bytes) -> Image.Image:
    """The decoded picture."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


# ------------------------------------------------------------------------------------- hostile


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, *chunks: bytes, data: bytes = b"") -> bytes:
    """A PNG with this size in its header, whatever its data."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packed = zlib.compress(data, 9)
    parts = (chunk(b"IHDR", header), *chunks, chunk(b"IDAT", packed), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gif(frames: int, width: int = 1, height: int = 1) -> bytes:
    """A GIF of equal frames, built by hand because Pillow is slow for many."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return head + frame * frames + b";"


def jpeg_of_many_scans(scans: int, size: tuple[int, int] = (64, 64)) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    plain = saved(picture(size), "JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    scan = plain[last:-2]
    return plain[:-2] + scan * scans + b"\xff\xd9"


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP of these chunks."""
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_canvas(width: int, height: int, frames: int = 0) -> bytes:
    """An extended WebP with this canvas and empty frames."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    flags = b"\x02\0\0\0" if frames else b"\0\0\0\0"
    return riff((b"VP8X", flags + size), *[(b"ANMF", bytes(24))] * frames)


def bombs() -> Sequence[tuple[str, bytes]]:
    """Small files with many pixels, frames or parts, each with a name."""
    return [
        ("PNG of 50,000 x 50,000", png(50_000, 50_000)),
        ("PNG of 2³¹ x 1", png(2**31 - 1, 1)),
        ("JPEG of 65,500 x 65,500", _large_jpeg()),
        ("GIF of 65,535 x 65,535", gif(1, 65_535, 65_535)),
        ("WebP of 16,777,216 x 16,777,216", webp_canvas(2**24, 2**24)),
        ("GIF with 10,000 frames", gif(10_000)),
        ("GIF with 600,000 frames", gif(600_000)),
        ("WebP with 10,000 frames", webp_canvas(1, 1, 10_000)),
        ("PNG with 10,000 frames", _apng(10_000)),
        ("GIF with 100 frames of a megapixel", gif(100, 1_000, 1_000)),
        ("PNG with 400,000 chunks", png(1, 1, *[chunk(b"teXt", b"")] * 400_000)),
        ("JPEG with 2,000 scans", jpeg_of_many_scans(2_000)),
        ("JPEG with a run of fill bytes", b"\xff\xd8\xff\xda\0\2" + b"\xff" * 40_000 + b"\0"),
        ("PNG of fewer bytes than it says", png(2_000, 2_000, data=bytes(100))),
    ]


def _large_jpeg() -> bytes:
    plain = bytearray(saved(picture((8, 8)), "JPEG"))
    place = plain.index(b"\xff\xc0")
    plain[place + 5 : place + 9] = struct.pack(">HH", 65_500, 65_500)
    return bytes(plain)


def _apng(frames: int) -> bytes:
    control = struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 10, 0, 0)
    return png(
        1, 1, chunk(b"acTL", struct.pack(">II", frames, 0)), *[chunk(b"fcTL", control)] * frames
    )


def polyglots() -> Sequence[tuple[str, bytes]]:
    """Files that are also valid in another format, each with a name."""
    found = [
        (f"{kind} and {what}", saved(picture(), kind) + more)
        for kind in ("PNG", "JPEG", "WEBP", "GIF")
        for what, more in (("a ZIP", ZIP), ("HTML", HTML), ("a PDF", b"\n%PDF-1.7\n%%EOF\n"))
    ]
    script = b"GIF89a=1;/*" + bytes(20) + b"*/;alert(1)//"
    return [*found, ("GIF and JavaScript", script), ("GIF and PHP", gif(1) + b"<?php system(1);")]

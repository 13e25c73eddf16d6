"""Checks of an image file that Pillow does not make: its format by content, its end, its blocks.

Pillow reads sizes and numbers of frames itself, before it decodes. What is left to do here:

- the end of the image: Pillow ignores what follows, such as an archive or a script;
- the number of blocks: Pillow reads thousands of empty ones in slow Python;
- the scans of a JPEG: the decoder goes over the whole picture for each;
- the canvas of a GIF: Pillow enlarges it for frames that exceed it, while it decodes;
- the frames of a GIF: Pillow counts them in slow Python.

Each check is one linear pass over the blocks of the format. Sources: PNG (third edition),
ITU-T T.81 (JPEG), RFC 9649 (WebP), GIF89a.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """The accepted formats, by Pillow's names."""

    PNG = "PNG"
    JPEG = "JPEG"
    WEBP = "WEBP"
    GIF = "GIF"


class UnknownFormatError(Exception):
    """The file is of no accepted format."""


class BrokenError(Exception):
    """The file is damaged or abusive; the message completes "the file …"."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The format of a file and the offset behind its image; for a GIF also the size of its canvas
    in pixels and its number of frames.
    """

    format: Format
    end: int
    canvas: tuple[int, int] | None = None
    frames: int | None = None


MAX_SCANS = 40
"""Scans of a JPEG. Progressive files usually have ten."""

_MAX_BLOCKS = 10_000
_BYTES_PER_BLOCK = 64
"""A file may have `_MAX_BLOCKS`, and one more for each `_BYTES_PER_BLOCK` bytes."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_MAGIC = {_PNG: Format.PNG, _JPEG: Format.JPEG, b"GIF87a": Format.GIF, b"GIF89a": Format.GIF}

# In a scan, 0xFF comes before 0 (an escape), a restart marker, a fill byte or the next marker.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def read_layout(data: bytes) -> Layout:
    """Check the structure of a file.

    Raises:
        UnknownFormatError: it is no PNG, JPEG, WebP or GIF.
        BrokenError: it is empty or truncated, has too many blocks, or data follows the image.
    """
    image_format = _format(data)
    reader = _BlockReader(data)
    read = {Format.PNG: _png, Format.JPEG: _jpeg, Format.WEBP: _webp, Format.GIF: _gif}
    try:
        layout = read[image_format](reader)
    except IndexError:
        raise BrokenError("is truncated") from None
    if not _is_harmless(data[layout.end :], image_format):
        raise BrokenError("has data after the image")
    return layout


def _format(data: bytes) -> Format:
    if not data:
        raise BrokenError("is empty")
    for magic, image_format in _MAGIC.items():
        if data.startswith(magic) or magic.startswith(data):
            return image_format
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Format.WEBP
    raise UnknownFormatError


def _is_harmless(tail: bytes, image_format: Format) -> bool:
    """Whether the tail is padding or, after a JPEG, what cameras append: further pictures, a
    video, notes. It is dropped.
    """
    rest = tail.lstrip(b"\0\t\r\n ")
    if not rest:
        return True
    return image_format == Format.JPEG and (
        rest.startswith(_JPEG) or b"ftyp" in rest[:8] or rest.endswith(b"SEFT")
    )


class _BlockReader:
    """Reads blocks of a file and counts them. Raises IndexError beyond the end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._left = _MAX_BLOCKS + len(data) // _BYTES_PER_BLOCK

    def read(self, start: int, length: int) -> bytes:
        if start + length > len(self.data):
            raise IndexError
        self._left -= 1
        if self._left < 0:
            raise BrokenError("has too many blocks")
        return self.data[start : start + length]

    def big(self, start: int, length: int) -> int:
        return int.from_bytes(self.read(start, length), "big")

    def little(self, start: int, length: int) -> int:
        return int.from_bytes(self.read(start, length), "little")


def _png(reader: _BlockReader) -> Layout:
    place = len(_PNG)
    while True:
        length, name = reader.big(place, 4), reader.data[place + 4 : place + 8]
        if (name == b"IHDR") != (place == len(_PNG)):
            raise BrokenError("does not begin with its header")
        reader.read(place + 8 + length, 4)
        place += length + 12
        if name == b"IEND":
            return Layout(Format.PNG, place)


def _jpeg(reader: _BlockReader) -> Layout:
    place, scans = 2, 0
    while True:
        if reader.read(place, 1) != b"\xff":
            raise BrokenError("has no marker where one is expected")
        marker = reader.data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker == 0xD9:
            return Layout(Format.JPEG, place + 2)
        place += 2 + reader.big(place + 2, 2)
        if marker == 0xDA:
            scans += 1
            if scans > MAX_SCANS:
                raise BrokenError("has too many scans")
            found = _NEXT_MARKER.search(reader.data, place)
            if found is None:
                raise IndexError
            place = found.start()


def _webp(reader: _BlockReader) -> Layout:
    end = 8 + reader.little(4, 4)
    reader.read(end, 0)
    return Layout(Format.WEBP, end)


def _gif(reader: _BlockReader) -> Layout:
    width, height = reader.little(6, 2), reader.little(8, 2)
    place = 13 + _palette_size(reader.read(10, 1)[0])
    frames = 0
    while True:
        match reader.read(place, 1):
            case b";":
                return Layout(Format.GIF, place + 1, (width, height), frames)
            case b"!":
                place += 2
            case b",":
                frames += 1
                left, top = reader.little(place + 1, 2), reader.little(place + 3, 2)
                width = max(width, left + reader.little(place + 5, 2))
                height = max(height, top + reader.little(place + 7, 2))
                place += 11 + _palette_size(reader.read(place + 9, 1)[0])
            case _:
                raise BrokenError("has data between its blocks")
        while length := reader.read(place, 1)[0]:
            place += 1 + length
        place += 1


def _palette_size(flags: int) -> int:
    """The bytes of a GIF's colour table, by the flags before it."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0

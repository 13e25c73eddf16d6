"""Checks of an image file that Pillow does not make: its format by content, its end, its blocks.

Pillow reads sizes and numbers of frames itself, before it decodes. This module checks:

- the end of the image: Pillow ignores what follows, such as an archive or a script;
- the number of blocks: Pillow reads thousands of empty ones in slow Python;
- the scans of a JPEG: the decoder goes over the whole picture for each;
- the canvas of a GIF: Pillow enlarges it for frames that exceed it, while it decodes;
- the frames of a GIF: Pillow counts them in slow Python;
- the parts that the picture does not need, such as notes: they are left out, because Pillow
  refuses damaged ones.

Each check is one linear pass over the blocks of the format. Sources: PNG (third edition),
ITU-T T.81 (JPEG), RFC 9649 (WebP), GIF89a.
"""

import re
import zlib
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
    """The file is damaged or abusive. The message completes "the file …"."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The format of a file and the offset behind its image.

    `unneeded` are the places of parts that the picture does not need, in ascending order;
    `profile` is the place of a PNG's colour profile. For a GIF there are also the size of its
    canvas in pixels and its number of frames.
    """

    format: Format
    end: int
    unneeded: tuple[slice, ...] = ()
    profile: slice | None = None
    canvas: tuple[int, int] | None = None
    frames: int | None = None

    def needed(self, data: bytes) -> bytes:
        """The file without its unneeded parts."""
        starts = [0, *(part.stop for part in self.unneeded)]
        ends = [*(part.start for part in self.unneeded), self.end]
        return b"".join(data[start:end] for start, end in zip(starts, ends, strict=True))

    def png_profile(self, data: bytes) -> bytes | None:
        """The colour profile of a PNG (11.3.2.3); `None` if there is none or it is damaged."""
        if self.profile is None:
            return None
        _, _, packed = data[self.profile].partition(b"\0")
        try:
            return zlib.decompressobj().decompress(packed[1:], _MAX_PROFILE)
        except zlib.error:
            return None


MAX_SCANS = 40
"""Scans of a JPEG. Progressive files usually have ten."""

_MAX_PROFILE = 4 * 2**20

_MAX_BLOCKS = 10_000
_BYTES_PER_BLOCK = 64
"""A file may have `_MAX_BLOCKS`, and one more for each `_BYTES_PER_BLOCK` bytes."""

_PNG = b"\x89PNG\r\n\x1a\n"
_ANIMATION_CHUNKS = (b"acTL", b"fcTL", b"fdAT")
_BIT_DEPTH, _COLOUR_TYPE = 24, 25
"""The offsets of two bytes of a PNG's header."""

_JPEG = b"\xff\xd8\xff"
_MAGIC = {_PNG: Format.PNG, _JPEG: Format.JPEG, b"GIF87a": Format.GIF, b"GIF89a": Format.GIF}

# In a scan, 0xFF comes before 0 (an escape), a restart marker, a fill byte or the next marker.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def bit_depth(data: bytes) -> int:
    """The bits per channel of a PNG."""
    return data[_BIT_DEPTH]


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
    """Whether the tail is padding or, after a JPEG, data that cameras append: further pictures, a
    video, notes. The tail is dropped.
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
    unneeded: list[slice] = []
    profile = None
    while True:
        length, name = reader.big(place, 4), reader.data[place + 4 : place + 8]
        if (name == b"IHDR") != (place == len(_PNG)):
            raise BrokenError("does not begin with its header")
        reader.read(place + 8 + length, 4)
        if name == b"iCCP" and _is_intact(reader.data, place, length):
            profile = slice(place + 8, place + 8 + length)
        if not _is_needed(reader.data, place, length, name):
            unneeded.append(slice(place, place + length + 12))
        place += length + 12
        if name == b"IEND":
            return Layout(Format.PNG, place, tuple(unneeded), profile)


def _is_needed(data: bytes, place: int, length: int, name: bytes) -> bool:
    """Whether the picture needs a chunk of a PNG and the chunk can be used."""
    if not name[0] & 0x20 or name in _ANIMATION_CHUNKS:  # critical ones begin with a capital
        return True
    if name == b"tRNS":
        shortest = {0: 2, 2: 6}.get(data[_COLOUR_TYPE], 1)
        return length >= shortest and _is_intact(data, place, length)
    return name == b"eXIf" and _is_intact(data, place, length)


def _is_intact(data: bytes, place: int, length: int) -> bool:
    end = place + 8 + length
    return zlib.crc32(data[place + 4 : end]) == int.from_bytes(data[end : end + 4], "big")


def _jpeg(reader: _BlockReader) -> Layout:
    place, scans = 2, 0
    unneeded: list[slice] = []
    while True:
        if reader.read(place, 1) != b"\xff":
            raise BrokenError("has no marker where one is expected")
        marker = reader.data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker == 0xD9:
            return Layout(Format.JPEG, place + 2, tuple(unneeded))
        length = reader.big(place + 2, 2)
        if _is_note(marker, length):
            reader.read(place + 2, length)
            unneeded.append(slice(place, place + 2 + length))
        place += 2 + length
        if marker == 0xDA:
            scans += 1
            if scans > MAX_SCANS:
                raise BrokenError("has too many scans")
            found = _NEXT_MARKER.search(reader.data, place)
            if found is None:
                raise IndexError
            place = found.start()


def _is_note(marker: int, length: int) -> bool:
    """Whether the picture does not need a segment of a JPEG.

    JFIF (APP0) and Adobe (APP14) have the colour space, Exif (APP1) the orientation, and APP2 the
    colour profile.
    """
    return (
        marker == 0xFE
        or 0xE3 <= marker <= 0xED
        or (marker == 0xE0 and length < 16)
        or (marker == 0xEF)
    )


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
                return Layout(Format.GIF, place + 1, canvas=(width, height), frames=frames)
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

"""What an image file is, by its content: kind, size and frames, and where it ends.

This is known before any decoder sees the file, so that a picture with too many pixels costs
nothing. Each walk looks at the blocks that a format is made of and passes over what is in them.
Sources: PNG (third edition, with acTL), ITU-T T.81 (JPEG), RFC 9649 (WebP), GIF89a.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of files that are taken."""

    PNG = "PNG"
    JPEG = "JPEG"
    WEBP = "WEBP"
    GIF = "GIF"


class NotTakenError(Exception):
    """It is a file of another kind."""


class BrokenError(Exception):
    """It begins as an image and does not go on as one; the message says how."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a file claims to be. Width and height are in pixels; `end` is the place behind the
    image's last byte.
    """

    kind: Kind
    width: int
    height: int
    frames: int
    end: int

    @property
    def pixels(self) -> int:
        """Those of all frames."""
        return self.width * self.height * self.frames


_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_MAGIC = {_PNG: Kind.PNG, _JPEG: Kind.JPEG, b"GIF87a": Kind.GIF, b"GIF89a": Kind.GIF}

# Of small blocks so many make no picture; they make a decoder, and the walks here, busy.
_BLOCKS_MOST = 10_000
_BLOCK_USUAL = 64

SCANS_MOST = 40
"""Each scan of a progressive JPEG goes over the whole picture once more; ten are usual."""

_IN_SCAN = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")


def look_at(data: bytes) -> Look:
    """What the file is.

    Raises:
        NotTakenError: it is no PNG, JPEG, WebP or GIF.
        BrokenError: it is empty, cut off, or something else is put behind it.
    """
    kind = _kind(data)
    walk = {Kind.PNG: _png, Kind.JPEG: _jpeg, Kind.WEBP: _webp, Kind.GIF: _gif}[kind]
    try:
        found = walk(_Blocks(data))
    except IndexError:
        raise BrokenError("is cut off") from None
    if found.pixels < 1:
        raise BrokenError("has no pixels")
    if not _is_harmless(data[found.end :], kind):
        raise BrokenError("has something behind the image")
    return found


def _kind(data: bytes) -> Kind:
    if not data:
        raise BrokenError("is empty")
    for magic, kind in _MAGIC.items():
        if data.startswith(magic) or magic.startswith(data):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Kind.WEBP
    raise NotTakenError


def _is_harmless(tail: bytes, kind: Kind) -> bool:
    """Whether what follows an image is nothing but padding or, behind a JPEG, what cameras put
    there: more pictures, a clip, notes. None of it is kept.
    """
    rest = tail.lstrip(b"\0\t\r\n ")
    if not rest:
        return True
    return kind == Kind.JPEG and (
        rest.startswith(_JPEG) or b"ftyp" in rest[:8] or rest.endswith(b"SEFT")
    )


class _Blocks:
    """The file, and a count of the blocks seen so far. Reading past the end is an IndexError."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._left = _BLOCKS_MOST + len(data) // _BLOCK_USUAL

    def part(self, start: int, length: int) -> bytes:
        if start + length > len(self.data):
            raise IndexError
        self._left -= 1
        if self._left < 0:
            raise BrokenError("has too many parts")
        return self.data[start : start + length]

    def big(self, start: int, length: int) -> int:
        return int.from_bytes(self.part(start, length), "big")

    def little(self, start: int, length: int) -> int:
        return int.from_bytes(self.part(start, length), "little")


def _png(blocks: _Blocks) -> Look:
    width = height = frames = 0
    announced = None
    place = len(_PNG)
    while True:
        length = blocks.big(place, 4)
        name = blocks.data[place + 4 : place + 8]
        if (name == b"IHDR") != (place == len(_PNG)):
            raise BrokenError("does not begin with its header")
        if name == b"IHDR":
            width, height = blocks.big(place + 8, 4), blocks.big(place + 12, 4)
        if name == b"acTL":
            announced = blocks.big(place + 8, 4)
        frames += name == b"fcTL"
        blocks.part(place + 8 + length, 4)
        place += length + 12
        if name == b"IEND":
            if frames != (announced or 0):
                raise BrokenError("has other frames than it says")
            return Look(Kind.PNG, width, height, max(frames, 1), place)


def _jpeg(blocks: _Blocks) -> Look:
    width = height = scans = 0
    place = 2
    while True:
        if blocks.part(place, 1) != b"\xff":
            raise BrokenError("has no marker where one belongs")
        marker = blocks.data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker == 0xD9:
            return Look(Kind.JPEG, width, height, 1, place + 2)
        length = blocks.big(place + 2, 2)
        # the frame headers, and not DHT, JPG and DAC, which are numbered among them
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height = max(height, blocks.big(place + 5, 2))
            width = max(width, blocks.big(place + 7, 2))
        place += 2 + length
        if marker == 0xDA:
            scans += 1
            if scans > SCANS_MOST:
                raise BrokenError("has too many scans")
            found = _IN_SCAN.search(blocks.data, place)
            if found is None:
                raise IndexError
            place = found.end() - 2


def _webp(blocks: _Blocks) -> Look:
    end = 8 + blocks.little(4, 4)
    blocks.part(end, 0)
    width = height = frames = 0
    place = 12
    while place + 8 <= end:
        name, length = blocks.part(place, 4), blocks.little(place + 4, 4)
        body = place + 8
        if name == b"VP8X":
            width, height = 1 + blocks.little(body + 4, 3), 1 + blocks.little(body + 7, 3)
        elif name == b"VP8 " and not width:
            width = blocks.little(body + 6, 2) & 0x3FFF
            height = blocks.little(body + 8, 2) & 0x3FFF
        elif name == b"VP8L" and not width:
            bits = blocks.little(body + 1, 4)
            width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        frames += name == b"ANMF"
        place = body + length + length % 2
    if place > end + 1:
        raise IndexError
    return Look(Kind.WEBP, width, height, max(frames, 1), end)


def _gif(blocks: _Blocks) -> Look:
    width, height = blocks.little(6, 2), blocks.little(8, 2)
    place = 13 + _colours(blocks.part(10, 1)[0])
    frames = 0
    while True:
        match blocks.part(place, 1):
            case b";":
                return Look(Kind.GIF, width, height, frames, place + 1)
            case b"!":
                place += 2
            case b",":
                frames += 1
                left, top = blocks.little(place + 1, 2), blocks.little(place + 3, 2)
                # Decoders make room for a frame that is larger than the picture.
                width = max(width, left + blocks.little(place + 5, 2))
                height = max(height, top + blocks.little(place + 7, 2))
                place += 11 + _colours(blocks.part(place + 9, 1)[0])
            case _:
                raise BrokenError("has something between its blocks")
        while length := blocks.part(place, 1)[0]:
            place += 1 + length
        place += 1


def _colours(flags: int) -> int:
    """The bytes of a colour table, by the flags that announce it."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0

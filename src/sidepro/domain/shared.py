"""What every topic uses: ids, the clock, text rules, pages and their cursors."""

import base64
import binascii
import hmac
import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Generic, NewType, Protocol, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from sidepro.domain.errors import BadCursor, Fault, InvalidInput

UserId = NewType("UserId", UUID)
SessionId = NewType("SessionId", UUID)
ProjectId = NewType("ProjectId", UUID)
CommentId = NewType("CommentId", UUID)
RoomId = NewType("RoomId", UUID)
ImageId = NewType("ImageId", UUID)


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Now, timezone-aware, in UTC, with microseconds. MUST NOT go backwards by more than the
        machine's own clock does; nothing in the domain assumes that it never does.
        """
        ...


class NewId(Protocol):
    """Makes identifiers."""

    def __call__(self) -> UUID:
        """A fresh UUIDv7 (RFC 9562), so that ids sort by the time they were made."""
        ...


# ---------------------------------------------------------------------------------------- text


def normal(text: str) -> str:
    """The form in which text is stored: Unicode NFC."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """The form in which text is compared: NFKC(casefold(NFKC(text))).

    Two texts that differ in case, in width (`Ａ`, `A`) or in composition (a decomposed Hangul
    syllable and a composed one) fold alike. Source: Unicode 15, section 3.13 and UAX #15.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


MARKS_IN_A_ROW = 30
"""More combining marks than this on one letter no language has (UAX #15, section 13)."""

_CHARACTERS_KNOWN = 4_096
"""Of which it is kept what they are, at the most: texts are made of few different ones."""

_KANA_SOUND_MARKS = "\uff9e\uff9f"


@lru_cache(maxsize=_CHARACTERS_KNOWN)
def is_mark(char: str) -> bool:
    """Whether a character joins the one before it, in the stored or in the compared form."""
    return unicodedata.category(char)[0] == "M" or char in _KANA_SOUND_MARKS


def piles_up_marks(text: str, most: int = MARKS_IN_A_ROW) -> bool:
    """Whether more than so many marks follow one another.

    Normal forms put the marks of a letter in order, in a time that grows with the square of their
    number: half a minute for 100,000. Who takes long texts from strangers asks this before.
    """
    marks = "".join(filter(is_mark, set(text)))
    return bool(marks) and re.search(f"[{marks}]{{{most + 1}}}", text) is not None


# Code points that Unicode calls default-ignorable and does not count among the format characters
# (category Cf): DerivedCoreProperties.txt of Unicode 15.
_IGNORABLE = (
    *(range(0x34F, 0x350), range(0x115F, 0x1161), range(0x17B4, 0x17B6), range(0x180B, 0x1810)),
    *(range(0x3164, 0x3165), range(0xFE00, 0xFE10), range(0xFFA0, 0xFFA1)),
    *(range(0xE0100, 0xE01F0),),
)


# What turns the direction of the text behind it (Unicode Standard Annex #9), perhaps that of
# somebody else's words on the same page.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


_STORED_NOWHERE = re.compile(r"[\0\ud800-\udfff]")


def is_invisible(char: str) -> bool:
    """Whether a character shows nothing by itself: white space, format and filler characters."""
    return (
        char.isspace()
        or unicodedata.category(char) == "Cf"
        or any(ord(char) in block for block in _IGNORABLE)
    )


def what_is_wrong(text: str, longest: int, *, shortest: int = 1, one_line: bool) -> str | None:
    """What keeps a text in NFC from being stored, or `None`.

    Lengths are code points. A text that must have at least one character must show something. NUL
    and unpaired surrogates are refused everywhere (no store can keep them); other control
    characters, line separators and overrides of the writing direction in one-line texts.
    """
    if not text.isprintable():  # else there is none of all these
        if _STORED_NOWHERE.search(text):
            return "must not contain NUL or unpaired surrogates"
        if one_line and any(
            unicodedata.category(char) in ("Cc", "Zl", "Zp") or char in _DIRECTIONS
            for char in text
        ):
            return "must be one line without control characters"
    if shortest and all(map(is_invisible, text)):
        return "must not be blank"
    if not shortest <= len(text) <= longest:
        return f"must have {shortest} to {longest} characters"
    return None


class Rules:
    """Collects the faults of one input, so that a client hears of all of them at once.

    Fields are members of the body, or with `parameters=True` parameters of the query.
    """

    def __init__(self, *, parameters: bool = False) -> None:
        self._parameters = parameters
        self.faults: list[Fault] = []

    def fault(self, detail: str, field: str) -> None:
        """Note that something is wrong with a field, such as `title` or `skills/3`."""
        if self._parameters:
            self.faults.append(Fault(detail, parameter=field))
        else:
            self.faults.append(Fault(detail, pointer=f"/{field}"))

    def enforce(self) -> None:
        """Raise `InvalidInput` with everything collected, if anything was."""
        if self.faults:
            raise InvalidInput(*self.faults)

    def text(
        self, value: str, field: str, longest: int, *, shortest: int = 1, one_line: bool = False
    ) -> str:
        """The text in NFC, checked as `what_is_wrong` says."""
        # Composition shortens a text to a quarter at the most: this bounds the work beforehand.
        value = value[: 4 * longest + 4]
        if piles_up_marks(value):
            self.fault(f"must not have more than {MARKS_IN_A_ROW} marks on one letter", field)
            return value
        text = normal(value)
        detail = what_is_wrong(text, longest, shortest=shortest, one_line=one_line)
        if detail:
            self.fault(detail, field)
        return text

    def choices(
        self, values: Sequence[str], field: str, known: Sequence[str], *, least: int, most: int
    ) -> tuple[str, ...]:
        """Distinct values out of `known`, put into the order of `known`."""
        if not least <= len(values) <= most:
            self.fault(f"must have {least} to {most} items", field)
        places = {name: place for place, name in enumerate(known)}
        seen: set[str] = set()
        for index, value in enumerate(values[: most + 1]):
            if value not in places:
                self.fault("is not in the catalogue", f"{field}/{index}")
            elif value in seen:
                self.fault("is given twice", f"{field}/{index}")
            seen.add(value)
        return tuple(sorted(seen & places.keys(), key=places.__getitem__))

    def choice(self, value: str | None, field: str, known: Sequence[str]) -> str | None:
        """A value out of `known`, or `None`."""
        if value is not None and value not in known:
            self.fault("is not in the catalogue", field)
        return value

    def web_address(self, value: str | None, field: str, longest: int) -> str | None:
        """An absolute http or https address of at most `longest` characters, or `None`."""
        if value is None:
            return None
        before = len(self.faults)
        address = self.text(value, field, longest, one_line=True)
        if len(self.faults) > before:
            return address
        try:
            parts = urlsplit(address)
            _ = parts.port  # raises ValueError when it is none
            sound = parts.scheme in ("http", "https") and bool((parts.hostname or "").strip("."))
            sound = sound and "@" not in parts.netloc
        except ValueError:
            sound = False
        if not sound or any(is_invisible(char) or char in '\\<>"' for char in address):
            self.fault("must be an http or https address", field)
        return address


# --------------------------------------------------------------------------------------- pages

Item = TypeVar("Item")
KeyMember = str | int | datetime | UUID
SortKey = tuple[KeyMember, ...]
"""What a list is ordered by, most significant first; the last member is unique."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two items of a list, and the way to go from there.

    `after` is the sort key of the item that the page begins behind (before, when going
    backward); `None` is the very end that the page starts from.
    """

    after: SortKey | None = None
    backward: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How much of a list is wanted, and from where."""

    limit: int = 20
    cursor: Cursor = Cursor()


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A stretch of a list in the list's own order.

    `next` and `previous` are `None` exactly when nothing lies that way.
    """

    items: tuple[Item, ...]
    next: Cursor | None
    previous: Cursor | None


def page_of(
    found: Sequence[Item],
    request: PageRequest,
    *,
    beyond: bool,
    key: Callable[[Item], SortKey],
) -> Page[Item]:
    """Assemble a page from what a reader found.

    `found` holds up to `limit + 1` items in the direction of the walk, nearest first: one more
    than asked for says that the list goes on. `beyond` says whether anything lies on the other
    side of the cursor. Where nothing was found at all, the way back starts from the list's end,
    so that an item which moved in between is not lost.
    """
    more = len(found) > request.limit
    items = list(found[: request.limit])
    backward = request.cursor.backward
    if backward:
        items.reverse()
    ahead, behind = (beyond, more) if backward else (more, beyond)
    after = Cursor(key(items[-1]) if items else None)
    before = Cursor(key(items[0]) if items else None, backward=True)
    return Page(tuple(items), after if ahead else None, before if behind else None)


_TAGS: dict[str, Callable[[str], KeyMember]] = {
    "t": datetime.fromisoformat,
    "u": UUID,
    "i": int,
    "s": str,
}


_compact = json.JSONEncoder(separators=(",", ":"))


def _tagged(member: KeyMember) -> str:
    if isinstance(member, datetime):
        return "t" + member.isoformat()
    if isinstance(member, UUID):
        return "u" + member.hex
    return ("i" if isinstance(member, int) else "s") + str(member)


def _text(signed: bytes) -> str:
    return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()


class Cursors:
    """Writes cursors as opaque text that cannot be forged, and reads them back.

    The text is base64url of a truncated HMAC-SHA-256 (RFC 2104; 16 bytes) and the position. The
    list's `scope` (its name and all its filters) goes into the signature, so that a cursor is
    good for the list it was made for and for no other.
    """

    _SIGNATURE = 16

    def __init__(self, keys: Sequence[bytes]) -> None:
        """The first key signs; all of them verify."""
        if not keys:
            raise ValueError("at least one key is needed")
        self._keys = tuple(keys)

    def write(self, cursor: Cursor, scope: str) -> str:
        """The cursor as URL-safe text."""
        key = None if cursor.after is None else [_tagged(member) for member in cursor.after]
        body = _compact.encode([int(cursor.backward), key]).encode()
        signed = self._sign(self._keys[0], body, scope) + body
        return _text(signed)

    def read(self, text: str, scope: str) -> Cursor:
        """The cursor behind the text.

        Raises:
            BadCursor: it was not written by `write` with one of the keys and this scope.
        """
        try:
            data = text.encode("ascii")
            signed = base64.b64decode(data + b"=" * (-len(data) % 4), b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error) as error:
            raise BadCursor from error
        if _text(signed) != text:
            raise BadCursor  # another spelling of the same bytes, which we never write
        signature, body = signed[: self._SIGNATURE], signed[self._SIGNATURE :]
        for key in self._keys:
            if hmac.compare_digest(signature, self._sign(key, body, scope)):
                break
        else:
            raise BadCursor
        backward, members = json.loads(body)
        after = members and tuple(_TAGS[member[0]](member[1:]) for member in members)
        return Cursor(after, bool(backward))

    def _sign(self, key: bytes, body: bytes, scope: str) -> bytes:
        message = len(body).to_bytes(4, "big") + body + scope.encode()
        return hmac.digest(key, message, "sha256")[: self._SIGNATURE]

"""What every topic uses: ids, the clock, text rules, pages and their cursors."""

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from sidepro.domain.errors import BadCursor

# ---------------------------------------------------------------------------------------- text


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
    reverse: bool = False


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


def build_page(
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
    backward = request.cursor.reverse
    if backward:
        items.reverse()
    ahead, behind = (beyond, more) if backward else (more, beyond)
    after = Cursor(key(items[-1]) if items else None)
    before = Cursor(key(items[0]) if items else None, reverse=True)
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


class CursorCodec:
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

    def encode(self, cursor: Cursor, scope: str) -> str:
        """The cursor as URL-safe text."""
        key = None if cursor.after is None else [_tagged(member) for member in cursor.after]
        body = _compact.encode([int(cursor.reverse), key]).encode()
        signed = self._sign(self._keys[0], body, scope) + body
        return _text(signed)

    def decode(self, text: str, scope: str) -> Cursor:
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

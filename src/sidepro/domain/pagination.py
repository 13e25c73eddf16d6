"""Keyset pagination: pages of a list, and signed cursors between them."""

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from json.encoder import encode_basestring_ascii
from typing import Generic, TypeVar
from uuid import UUID

from sidepro.domain.errors import BadCursor

Item = TypeVar("Item")
KeyMember = str | int | datetime | UUID
SortKey = tuple[KeyMember, ...]
"""The values that order a list, most significant first; the last one is unique."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in a list, and the direction to read.

    The page follows (in reverse: precedes) the item with the sort key `after`. `None` is the start
    of the list (in reverse: its end).
    """

    after: SortKey | None = None
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The size and the position of a page."""

    limit: int = 20
    cursor: Cursor = Cursor()


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A page of a list, in the list's order for both reading directions.

    `next` and `previous` are `None` exactly when there are no items in that direction.
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
    """Build a page from the items that a reader found.

    `found` has up to `limit + 1` items in reading direction. The extra one shows that there are
    more. `beyond` says whether there are items on the other side of the cursor. If nothing was
    found, the cursor of the other direction starts at the end of the list, so that an item that
    moved since the last page is not lost.
    """
    more = len(found) > request.limit
    items = list(found[: request.limit])
    if request.cursor.reverse:
        items.reverse()
    has_next, has_previous = (beyond, more) if request.cursor.reverse else (more, beyond)
    following = Cursor(key(items[-1]) if items else None)
    preceding = Cursor(key(items[0]) if items else None, reverse=True)
    return Page(tuple(items), following if has_next else None, preceding if has_previous else None)


_SIGNATURE_BYTES = 16

_PARSERS: dict[str, Callable[[str], KeyMember]] = {
    "t": datetime.fromisoformat,
    "u": UUID,
    "i": int,
    "s": str,
}


class CursorCodec:
    """Encodes cursors as opaque text that cannot be forged.

    The text is base64url of an HMAC-SHA-256 (RFC 2104), truncated to 16 bytes, and the position.
    The signature covers the list's `scope` (its name and all its filters), so that a cursor is
    valid for one list only.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        """The first key signs; every key verifies."""
        if not keys:
            raise ValueError("at least one key is required")
        self._keys = tuple(keys)

    def encode(self, cursor: Cursor, scope: str) -> str:
        """The cursor as URL-safe text."""
        # JSON, in parts: a JSONEncoder costs as much as the rest.
        after = "null"
        if cursor.after is not None:
            members = [encode_basestring_ascii(_tagged(member)) for member in cursor.after]
            after = f"[{','.join(members)}]"
        body = f"[{int(cursor.reverse)},{after}]".encode()
        return _base64url(self._sign(self._keys[0], body, scope) + body)

    def decode(self, text: str, scope: str) -> Cursor:
        """The cursor that `encode` turned into this text.

        Raises:
            BadCursor: the text was not encoded with one of the keys and this scope.
        """
        try:
            data = text.encode("ascii")
            signed = base64.b64decode(data + b"=" * (-len(data) % 4), b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error) as error:
            raise BadCursor from error
        if _base64url(signed) != text:
            raise BadCursor  # another spelling of the same bytes, which `encode` never returns
        signature, body = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
        for key in self._keys:
            if hmac.compare_digest(signature, self._sign(key, body, scope)):
                break
        else:
            raise BadCursor
        reverse, members = json.loads(body)
        after = members and tuple(_PARSERS[member[0]](member[1:]) for member in members)
        return Cursor(after, bool(reverse))

    def _sign(self, key: bytes, body: bytes, scope: str) -> bytes:
        message = len(body).to_bytes(4, "big") + body + scope.encode()
        return hmac.digest(key, message, "sha256")[:_SIGNATURE_BYTES]


def _tagged(member: KeyMember) -> str:
    """A sort key's member as text, after a letter that names its type."""
    if isinstance(member, datetime):
        return "t" + member.isoformat()
    if isinstance(member, UUID):
        return "u" + member.hex
    return ("i" if isinstance(member, int) else "s") + str(member)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

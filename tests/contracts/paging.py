"""Reading lists page by page in both directions, with cursors encoded as for clients."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sidepro.domain.pagination import (
    Cursor,
    CursorCodec,
    Page,
    PageRequest,
)

Item = TypeVar("Item")
Fetch = Callable[[PageRequest], Awaitable[Page[Item]]]

_CURSORS = CursorCodec([b"a key for the tests"])


def over_the_wire(cursor: Cursor) -> Cursor:
    """The cursor after encoding and decoding."""
    return _CURSORS.decode(_CURSORS.encode(cursor, "list"), "list")


async def read_all_pages(fetch: Fetch[Item], limit: int) -> list[Item]:
    """All items of an unchanging list, in order.

    Reads to the end and back, and asserts that both directions give the same pages with the right
    cursors.
    """
    pages: list[Page[Item]] = []
    cursor: Cursor | None = Cursor()
    while cursor is not None:
        pages.append(await fetch(PageRequest(limit, over_the_wire(cursor))))
        cursor = pages[-1].next
        assert len(pages) < 1_000, "paging does not end"
    assert pages[0].previous is None
    for page in pages[1:]:
        assert page.items, "an empty page was announced"
        assert page.previous is not None
    assert all(len(page.items) == limit for page in pages[:-1])
    assert len(pages[-1].items) <= limit

    there = [item for page in pages for item in page.items]
    back = list(pages[-1].items)
    steps = 0
    cursor = pages[-1].previous
    while cursor is not None:
        page = await fetch(PageRequest(limit, over_the_wire(cursor)))
        assert page.next is not None
        back = [*page.items, *back]
        cursor = page.previous
        steps += 1
    assert steps == len(pages) - 1
    assert back == there
    return there

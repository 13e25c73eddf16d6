"""Cursors of lists, which belong to one list with one set of filters."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sidepro.domain.pagination import Page, PageRequest
from sidepro.http.services import Services

_filters = json.JSONEncoder(sort_keys=True, default=str)


def scope_of(name: str, filters: Mapping[str, Any]) -> str:
    """The scope of a cursor: one list with one set of filters."""
    return name + _filters.encode(filters)


def page_request(services: Services, limit: int, cursor: str | None, scope: str) -> PageRequest:
    """The requested page.

    Raises:
        BadCursor: the cursor is forged, or belongs to another list or other filters.
    """
    if cursor is None:
        return PageRequest(limit)
    return PageRequest(limit, services.cursors.decode(cursor, scope))


class PageCursors(NamedTuple):
    """The cursors of the pages before and after a page; `None` if there is no such page."""

    previous: str | None
    next: str | None


def page_cursors(services: Services, page: Page[Any], scope: str) -> PageCursors:
    """The cursors around a page of a list."""
    encode = services.cursors.encode
    return PageCursors(
        None if page.previous is None else encode(page.previous, scope),
        None if page.next is None else encode(page.next, scope),
    )

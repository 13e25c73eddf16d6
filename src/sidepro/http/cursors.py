"""Cursors of lists, which belong to one list with one set of filters."""

import json
from collections.abc import Mapping
from typing import Any

from sidepro.domain.pagination import PageRequest
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

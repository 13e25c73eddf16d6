"""Lists on the wire: `limit` and `cursor` in, an envelope and a Link header (RFC 8288) out."""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import Response
from litestar.datastructures import ResponseHeader
from litestar.params import Parameter

from sidepro.api.dependencies import ApiRequest, Services
from sidepro.domain.pagination import Page, PageRequest

Item = TypeVar("Item")
View = TypeVar("View")

LIMIT = 20

Limit = Annotated[int, Parameter(ge=1, le=100, description="How many items, 1 to 100.")]
CursorText = Annotated[
    str | None,
    Parameter(description="Where to go on: `next` or `previous` of a page."),
]
LINK = ResponseHeader(
    "Link",
    documentation_only=True,
    description='Where to go on (RFC 8288): `rel="next"` and `rel="prev"`, each if there is any.',
)
Total = Annotated[bool, Parameter(description="Whether to count the whole list too.")]


_filters = json.JSONEncoder(sort_keys=True, default=str)


class ListOf(msgspec.Struct, Generic[Item]):
    """A page. `next` and `previous` are cursors, null exactly when nothing lies that way."""

    items: list[Item]
    next: str | None
    previous: str | None
    total: int | msgspec.UnsetType = msgspec.UNSET


def scope_of(name: str, filters: Mapping[str, Any]) -> str:
    """What a cursor is good for: one list with one set of filters."""
    return name + _filters.encode(filters)


def page_request(services: Services, limit: int, cursor: str | None, scope: str) -> PageRequest:
    """The page that is asked for.

    Raises:
        BadCursor: the cursor is not ours, or made for another list or other filters.
    """
    if cursor is None:
        return PageRequest(limit)
    return PageRequest(limit, services.cursors.decode(cursor, scope))


def page_response(
    request: ApiRequest,
    services: Services,
    page: Page[View],
    scope: str,
    shape: Callable[[View], Item],
    total: int | None = None,
) -> Response[ListOf[Item]]:
    """The page in its envelope."""
    write = services.cursors.encode
    following = None if page.next is None else write(page.next, scope)
    previous = None if page.previous is None else write(page.previous, scope)
    links = []
    if following or previous:
        here = _address_without_cursor(request)
        links = [
            f'<{here}cursor={cursor}>; rel="{relation}"'
            for cursor, relation in ((following, "next"), (previous, "prev"))
            if cursor
        ]
    envelope = ListOf(
        items=[shape(item) for item in page.items],
        next=following,
        previous=previous,
        total=msgspec.UNSET if total is None else total,
    )
    return Response(envelope, headers={"Link": ", ".join(links)} if links else None)


def _address_without_cursor(request: ApiRequest) -> str:
    parameters = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
    query = f"{urlencode(parameters)}&" if parameters else ""
    return f"{request.url.path}?{query}"

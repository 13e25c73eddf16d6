"""Pages of lists: `limit` and `cursor` in, items and a Link header (RFC 8288) out."""

from collections.abc import Callable
from typing import Annotated, Generic, TypeVar
from urllib.parse import quote_plus

import msgspec
from litestar import Response
from litestar.datastructures import ResponseHeader
from litestar.params import Parameter

from sidepro.api.dependencies import ApiRequest
from sidepro.api.query_parameters import query_pairs
from sidepro.api.schemas import Count
from sidepro.domain.pagination import Page
from sidepro.http.cursors import page_cursors
from sidepro.http.services import Services

Item = TypeVar("Item")
View = TypeVar("View")

LIMIT = 20

Limit = Annotated[int, Parameter(ge=1, le=100, description="Maximum number of items, 1 to 100.")]
CursorText = Annotated[
    str | None,
    Parameter(description="`next` or `previous` of another page of this list."),
]
LINK = ResponseHeader(
    "Link",
    documentation_only=True,
    description='The next and previous page (RFC 8288): `rel="next"` and `rel="prev"`.',
)
Total = Annotated[bool, Parameter(description="Whether to count the whole list.")]


class ListOf(msgspec.Struct, Generic[Item]):
    """A page. `next` and `previous` are cursors, or null if there is no such page."""

    items: list[Item]
    next: str | None
    previous: str | None
    total: Count | msgspec.UnsetType = msgspec.UNSET


def page_response(
    request: ApiRequest,
    services: Services,
    page: Page[View],
    scope: str,
    shape: Callable[[View], Item],
    total: int | None = None,
) -> Response[ListOf[Item]]:
    """The page as a response. `shape` converts a view to its struct."""
    previous, following = page_cursors(services, page, scope)
    links = []
    if following or previous:
        base = _url_without_cursor(request)
        links = [
            f'<{base}cursor={cursor}>; rel="{relation}"'
            for cursor, relation in ((following, "next"), (previous, "prev"))
            if cursor
        ]
    body = ListOf(
        items=[shape(item) for item in page.items],
        next=following,
        previous=previous,
        total=msgspec.UNSET if total is None else total,
    )
    return Response(body, headers={"Link": ", ".join(links)} if links else None)


def _url_without_cursor(request: ApiRequest) -> str:
    # The names are those of the route's parameters, since others were rejected.
    query = "".join(
        f"{name}={quote_plus(value)}&"
        for name, value in query_pairs(request.scope)
        if name != "cursor"
    )
    return f"{request.scope['path']}?{query}"

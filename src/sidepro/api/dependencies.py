"""The caller of a request, and the response about a new resource."""

from typing import Any

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import ResponseHeader, State
from litestar.handlers import HTTPRouteHandler

from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.identity import Caller
from sidepro.domain.ids import UserId

ApiConnection = ASGIConnection[HTTPRouteHandler, Caller | None, None, State]
ApiRequest = Request[Caller | None, None, State]

PREFIX = "/api/v1"

LOCATION = ResponseHeader(
    "Location", documentation_only=True, description="The address of the created resource."
)


def caller_of(request: ApiRequest | ApiConnection) -> Caller:
    """The caller of a route that requires authentication.

    Raises:
        NotAuthenticated: the request has no token.
    """
    if request.user is None:
        raise NotAuthenticated
    return request.user


def viewer_of(request: ApiRequest | ApiConnection) -> UserId | None:
    """The user who reads a public resource; `None` without a token."""
    return None if request.user is None else request.user.id


def created(content: Any, where: str, **headers: str) -> Response[Any]:
    """201 with the resource's address in `Location`. `where` is relative to the API's prefix."""
    return Response(content, status_code=201, headers={"Location": f"{PREFIX}{where}", **headers})

"""The services that routes call, the caller, and ids in the path."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import ResponseHeader, State
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from sidepro.domain.accounts.account_service import AccountService
from sidepro.domain.accounts.profile_service import ProfileService
from sidepro.domain.accounts.session_service import SessionService
from sidepro.domain.catalogue.ports import CatalogueReader
from sidepro.domain.data_export.data_export_service import DataExportService
from sidepro.domain.errors import NotAuthenticated
from sidepro.domain.identity import Caller
from sidepro.domain.ids import UserId
from sidepro.domain.images.image_service import ImageService
from sidepro.domain.pagination import CursorCodec
from sidepro.domain.projects.bookmark_service import BookmarkService
from sidepro.domain.projects.comment_service import CommentService
from sidepro.domain.projects.project_service import ProjectService
from sidepro.domain.recommendations.recommendation_service import RecommendationService
from sidepro.domain.rooms.room_service import RoomService
from sidepro.domain.rooms.ticket_service import TicketService
from sidepro.domain.withdrawal import WithdrawalService

ApiConnection = ASGIConnection[HTTPRouteHandler, Caller | None, None, State]
ApiRequest = Request[Caller | None, None, State]

PREFIX = "/api/v1"

LOCATION = ResponseHeader(
    "Location", documentation_only=True, description="The address of the created resource."
)


@dataclass(frozen=True, slots=True)
class Services:
    """The services of the routes, the codec of cursors, and the path of the public address."""

    catalogue: CatalogueReader
    accounts: AccountService
    profiles: ProfileService
    sessions: SessionService
    data_export: DataExportService
    projects: ProjectService
    comments: CommentService
    bookmarks: BookmarkService
    rooms: RoomService
    tickets: TicketService
    recommendations: RecommendationService
    images: ImageService
    withdrawal: WithdrawalService
    cursors: CursorCodec
    base_path: str = ""


InjectedServices = NamedDependency[Services]
"""The type of a handler's `services` parameter."""

PathId = FromPath[UUID]
"""The type of an id in the path."""


def caller_of(request: ApiRequest | ApiConnection) -> Caller:
    """The caller of a route that requires authentication.

    Raises:
        NotAuthenticated: the request has no token.
    """
    if request.user is None:
        raise NotAuthenticated
    return request.user


def viewer_of(request: ApiRequest) -> UserId | None:
    """The user who reads a public resource; `None` without a token."""
    return None if request.user is None else request.user.id


def created(content: Any, where: str, **headers: str) -> Response[Any]:
    """201 with the resource's address in `Location`. `where` is relative to the API's prefix."""
    return Response(content, status_code=201, headers={"Location": f"{PREFIX}{where}", **headers})

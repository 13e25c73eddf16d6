"""What the routes call, and how they say who is calling."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.datastructures import ResponseHeader, State
from litestar.di import NamedDependency
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

ApiRequest = Request[Caller | None, str | None, State]

PREFIX = "/api/v1"

LOCATION = ResponseHeader(
    "Location", documentation_only=True, description="The address of what was made."
)


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases that the routes offer, and the writer of their cursors."""

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


GivenServices = NamedDependency[Services]
"""How a handler asks for the services."""

PathId = FromPath[UUID]
"""How a handler takes an id out of the path."""


def caller_of(request: ApiRequest) -> Caller:
    """Who calls a route that is not open to everybody.

    Raises:
        NotAuthenticated: nobody that we know.
    """
    if request.user is None:
        raise NotAuthenticated
    return request.user


def viewer_of(request: ApiRequest) -> UserId | None:
    """Who looks at something that everybody may see."""
    return None if request.user is None else request.user.id


def created(content: Any, where: str, **headers: str) -> Response[Any]:
    """201 with the address of what was made."""
    return Response(content, status_code=201, headers={"Location": f"{PREFIX}{where}", **headers})


def path_id(scope: Any, name: str) -> Any:
    """An id out of the path, for access checks that run outside a handler."""
    value = scope["path_params"][name]
    return value if isinstance(value, UUID) else UUID(value)

"""Public data of users: their profile, projects and bookmarks."""

from typing import Annotated

from litestar import Response, Router, get
from litestar.params import Parameter

from sidepro.api.auth import PUBLIC
from sidepro.api.dependencies import ApiConnection, ApiRequest, caller_of, viewer_of
from sidepro.api.pagination import LIMIT, LINK, CursorText, Limit, ListOf, Total, page_response
from sidepro.api.routes.accounts import User, user_shape
from sidepro.api.schemas import ProjectCard, project_card, searched
from sidepro.domain.accounts.personal.username import USERNAME_LENGTH
from sidepro.domain.ids import UserId
from sidepro.domain.projects.views import BoardQuery
from sidepro.http.cursors import page_request, scope_of
from sidepro.http.path_ids import PathId
from sidepro.http.services import InjectedServices, Services


@get("/users", response_headers=[LINK], summary="Find users by username")
async def find_users(
    request: ApiRequest,
    services: InjectedServices,
    username: Annotated[
        str | None,
        Parameter(
            description="The whole username, in any case. Required without `q`.",
            schema_extra=searched(USERNAME_LENGTH[1]),
        ),
    ] = None,
    q: Annotated[
        str | None,
        Parameter(
            description="The beginning of usernames, in any case. Required without `username`.",
            schema_extra=searched(USERNAME_LENGTH[1]),
        ),
    ] = None,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[User]]:
    """The user with a username, or the users whose usernames begin with a text, by username."""
    query = services.accounts.user_query(username, q)
    caller = caller_of(request)
    scope = scope_of("users", {"key": query.key, "prefix": query.is_prefix})
    page = await services.accounts.search(
        query, page_request(services, limit, cursor, scope), caller.id
    )
    size = await services.accounts.search_size(query) if total else None
    return page_response(request, services, page, scope, user_shape, size)


@get("/users/{user_id:uuid}", opt=PUBLIC, summary="Get a user")
async def get_user(request: ApiRequest, user_id: PathId, services: InjectedServices) -> User:
    """A user with their profile."""
    return user_shape(await services.accounts.user(UserId(user_id), viewer_of(request)))


async def check_user_exists(services: Services, connection: ApiConnection) -> None:
    await services.accounts.user(UserId(connection.path_params["user_id"]), viewer_of(connection))


@get(
    "/users/{user_id:uuid}/projects",
    opt={**PUBLIC, "access": check_user_exists},
    response_headers=[LINK],
    summary="List a user's projects, newest first",
)
async def list_user_projects(
    request: ApiRequest,
    user_id: PathId,
    services: InjectedServices,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[ProjectCard]]:
    """The projects that the user has published."""
    query = BoardQuery(author=UserId(user_id))
    scope = scope_of("user-projects", {"user": user_id})
    requested = page_request(services, limit, cursor, scope)
    viewer = viewer_of(request)
    page = await services.projects.board(query, requested, viewer)
    if not page.items:
        await services.accounts.user(UserId(user_id), viewer)
    size = await services.projects.board_size(query, viewer) if total else None
    return page_response(request, services, page, scope, project_card, size)


@get(
    "/users/{user_id:uuid}/bookmarks",
    opt={"access": check_user_exists},
    response_headers=[LINK],
    summary="List a user's bookmarks, latest first",
)
async def list_user_bookmarks(
    request: ApiRequest,
    user_id: PathId,
    services: InjectedServices,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[ProjectCard]]:
    """The projects that the user has bookmarked."""
    scope = scope_of("user-bookmarks", {"user": user_id})
    requested = page_request(services, limit, cursor, scope)
    owner = UserId(user_id)
    viewer = viewer_of(request)
    page = await services.bookmarks.of_user(owner, requested, viewer)
    if not page.items:
        await services.accounts.user(owner, viewer)
    size = await services.bookmarks.count(owner, viewer) if total else None
    return page_response(request, services, page, scope, project_card, size)


router = Router(
    "/",
    route_handlers=[find_users, get_user, list_user_projects, list_user_bookmarks],
    tags=["Users"],
)

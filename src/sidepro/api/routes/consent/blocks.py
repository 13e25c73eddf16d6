"""Routes of blocks."""

from litestar import Response, Router, delete, get, put

from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.api.pagination import LIMIT, LINK, CursorText, Limit, ListOf, Total, page_response
from sidepro.api.schemas import UserSummary, user_summary
from sidepro.domain.ids import UserId
from sidepro.http.cursors import page_request, scope_of
from sidepro.http.path_ids import PathId
from sidepro.http.services import InjectedServices


@get(
    "/me/blocks",
    response_headers=[LINK],
    summary="List the users whom the caller blocks, the latest first",
)
async def list_blocks(
    request: ApiRequest,
    services: InjectedServices,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[UserSummary]]:
    """The users whom the caller blocks."""
    caller = caller_of(request)
    scope = scope_of("blocks", {"user": caller.id})
    page = await services.blocks.blocked(caller, page_request(services, limit, cursor, scope))
    size = await services.blocks.blocked_count(caller) if total else None
    return page_response(request, services, page, scope, user_summary, size)


@put("/me/blocks/{user_id:uuid}", status_code=204, summary="Block a user")
async def block_user(request: ApiRequest, user_id: PathId, services: InjectedServices) -> None:
    """Ends the contact of both. Their pending requests become void and their room read-only;
    neither sees the other's comments in lists or is recommended the other's projects. The user is
    not told.
    """
    await services.blocks.block(caller_of(request), UserId(user_id))


@delete("/me/blocks/{user_id:uuid}", summary="Unblock a user")
async def unblock_user(request: ApiRequest, user_id: PathId, services: InjectedServices) -> None:
    """Their room can be written in again, unless the user blocks the caller. Void requests stay
    void.
    """
    await services.blocks.unblock(caller_of(request), UserId(user_id))


router = Router("/", route_handlers=[list_blocks, block_user, unblock_user], tags=["Consent"])

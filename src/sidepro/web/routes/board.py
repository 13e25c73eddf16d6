"""The board, which is the home page."""

from litestar import Response, Router, get
from litestar.params import FromQuery

from sidepro.domain.projects.views import BoardQuery
from sidepro.http.cursors import page_request, scope_of
from sidepro.http.services import InjectedServices
from sidepro.web.auth import PUBLIC
from sidepro.web.page import InjectedPage

LIMIT = 20


@get("/", opt=PUBLIC)
async def board(
    page: InjectedPage,
    services: InjectedServices,
    q: FromQuery[str] = "",
    cursor: FromQuery[str | None] = None,
) -> Response[str]:
    """Projects that match the filters."""
    text = q.strip() or None
    query = await services.projects.normalize_query(BoardQuery(text=text))
    scope = scope_of("board", {"filters": [query.text]})
    projects = await services.projects.board(
        query, page_request(services, LIMIT, cursor, scope), page.viewer_id
    )
    encode = services.cursors.encode
    return page.render(
        "board/index.html",
        q=q,
        projects=projects.items,
        total=await services.projects.board_size(query, page.viewer_id),
        next=None if projects.next is None else encode(projects.next, scope),
        previous=None if projects.previous is None else encode(projects.previous, scope),
    )


router = Router("/", route_handlers=[board])

"""Bookmarks on projects."""

import msgspec
from litestar import Router, delete, put

from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.api.schemas import Count
from sidepro.domain.ids import ProjectId
from sidepro.domain.projects import views
from sidepro.http.path_ids import PathId
from sidepro.http.services import InjectedServices


class BookmarkState(msgspec.Struct):
    """Whether the caller has bookmarked the project, and the number of its bookmarks."""

    bookmarked: bool
    bookmark_count: Count


@put("/projects/{project_id:uuid}/bookmark", summary="Bookmark a project")
async def add_bookmark(
    request: ApiRequest, project_id: PathId, services: InjectedServices
) -> BookmarkState:
    """Safe to repeat."""
    return _state(await services.bookmarks.add(caller_of(request), ProjectId(project_id)))


@delete(
    "/projects/{project_id:uuid}/bookmark",
    status_code=200,
    summary="Remove a bookmark",
)
async def remove_bookmark(
    request: ApiRequest, project_id: PathId, services: InjectedServices
) -> BookmarkState:
    """Safe to repeat."""
    return _state(await services.bookmarks.remove(caller_of(request), ProjectId(project_id)))


def _state(view: views.BookmarkState) -> BookmarkState:
    return BookmarkState(view.bookmarked, view.bookmark_count)


router = Router("/", route_handlers=[add_bookmark, remove_bookmark], tags=["Bookmarks"])

"""The comments on a project's page."""

from dataclasses import dataclass

from sidepro.domain.ids import ProjectId
from sidepro.domain.pagination import Cursor
from sidepro.domain.projects.comment_service import position_after
from sidepro.domain.projects.views import CommentOrder, CommentView
from sidepro.http.cursors import page_cursors, page_request, scope_of
from sidepro.http.services import Services
from sidepro.web.page import Page

LIMIT = 30


@dataclass(frozen=True, slots=True)
class Comments:
    """A page of comments, oldest first. The cursors are texts of addresses; `newer` is the place
    after the last comment, where new ones appear.
    """

    items: tuple[CommentView, ...]
    previous: str | None
    next: str | None
    newer: str | None


def scope(project_id: ProjectId) -> str:
    """The scope of the cursors, that of the API's list."""
    return scope_of("comments", {"project": project_id, "order": CommentOrder.OLDEST})


async def read_comments(
    page: Page, services: Services, project_id: ProjectId, cursor: str | None
) -> Comments:
    """A page of the comments on a project that exists.

    Raises:
        BadCursor: the cursor is forged, or belongs to another list.
    """
    where = scope(project_id)
    found = await services.comments.of_project(
        project_id,
        page_request(services, LIMIT, cursor or None, where),
        page.viewer_id,
        project_exists=True,
    )

    cursors = page_cursors(services, found, where)
    newer = None
    if cursors.next is None:
        last = position_after(found.items[-1] if found.items else None)
        newer = services.cursors.encode(last, where)
    return Comments(found.items, *cursors, newer)


def last_page(services: Services, project_id: ProjectId) -> str:
    """The cursor of the last page, which has the newest comments."""
    return services.cursors.encode(Cursor(None, reverse=True), scope(project_id))

"""Comments on projects."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, patch, post
from litestar.params import JSONBody, Parameter

from sidepro.api.auth import PUBLIC
from sidepro.api.dependencies import (
    LOCATION,
    ApiConnection,
    ApiRequest,
    caller_of,
    created,
    viewer_of,
)
from sidepro.api.idempotency import IdempotencyKeyHeader, existing, idempotent_response
from sidepro.api.pagination import LIMIT, LINK, CursorText, Limit, ListOf, Total, page_response
from sidepro.api.schemas import (
    NOT_BLANK,
    Moment,
    UserSummary,
    user_summary,
)
from sidepro.domain.errors import Forbidden
from sidepro.domain.ids import CommentId, ProjectId
from sidepro.domain.projects import views
from sidepro.http.cursors import page_request, scope_of
from sidepro.http.path_ids import PathId
from sidepro.http.rate_limits import COMMENTS
from sidepro.http.services import InjectedServices, Services
from sidepro.http.timestamps import moment

CommentBody = Annotated[str, msgspec.Meta(extra_json_schema={**NOT_BLANK, "maxLength": 2_000})]


class Comment(msgspec.Struct):
    """A comment on a project."""

    id: UUID
    author: UserSummary
    body: str
    created_at: Moment
    updated_at: Moment
    hidden: bool


class CommentText(msgspec.Struct, forbid_unknown_fields=True):
    """The text of a comment."""

    body: CommentBody


def _comment(view: views.CommentView) -> Comment:
    return Comment(
        id=view.id,
        author=user_summary(view.author),
        body=view.body,
        created_at=moment(view.created_at),
        updated_at=moment(view.updated_at),
        hidden=view.hidden,
    )


async def check_project_exists(services: Services, connection: ApiConnection) -> None:
    project_id = ProjectId(connection.path_params["project_id"])
    await services.projects.ensure_exists(project_id, viewer_of(connection))


async def check_can_comment(services: Services, connection: ApiConnection) -> None:
    project_id = ProjectId(connection.path_params["project_id"])
    await services.comments.authorize_writing(caller_of(connection), project_id)


async def check_author(services: Services, connection: ApiConnection) -> None:
    project_id = ProjectId(connection.path_params["project_id"])
    comment_id = CommentId(connection.path_params["comment_id"])
    await services.comments.authorize_edit(caller_of(connection), project_id, comment_id)


@get(
    "/projects/{project_id:uuid}/comments",
    opt={**PUBLIC, "access": check_project_exists},
    response_headers=[LINK],
    summary="List the comments on a project",
)
async def list_comments(
    request: ApiRequest,
    project_id: PathId,
    services: InjectedServices,
    order: Annotated[
        views.CommentOrder, Parameter(description="The sort order; ids break ties.")
    ] = views.CommentOrder.OLDEST,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[Comment]]:
    """The comments on a project."""
    project = ProjectId(project_id)
    scope = scope_of("comments", {"project": project_id, "order": order})
    viewer = viewer_of(request)
    size = await services.comments.count(project, viewer) if total else None
    page = await services.comments.of_project(
        project, page_request(services, limit, cursor, scope), viewer, order, project_exists=total
    )
    return page_response(request, services, page, scope, _comment, size)


@post(
    "/projects/{project_id:uuid}/comments",
    opt={**COMMENTS, "access": check_can_comment, "problems": (Forbidden,)},
    response_headers=[LOCATION],
    summary="Comment on a project",
)
async def create_comment(
    request: ApiRequest,
    project_id: PathId,
    data: JSONBody[CommentText],
    services: InjectedServices,
    key: IdempotencyKeyHeader = None,
) -> Response[Comment]:
    """Writes a comment."""

    def build_response(comment: views.CommentView) -> Response[Comment]:
        return created(_comment(comment), f"/projects/{project_id}/comments/{comment.id}")

    return await idempotent_response(
        request,
        key,
        data,
        build_response,
        lambda idempotent: services.comments.write(
            caller_of(request), ProjectId(project_id), data.body, idempotent
        ),
        lambda made: services.comments.comment(
            ProjectId(project_id), CommentId(existing(made)), caller_of(request).id
        ),
    )


@get(
    "/projects/{project_id:uuid}/comments/{comment_id:uuid}",
    opt=PUBLIC,
    summary="Get a comment",
)
async def get_comment(
    request: ApiRequest, project_id: PathId, comment_id: PathId, services: InjectedServices
) -> Comment:
    """One comment on a project."""
    found = await services.comments.comment(
        ProjectId(project_id), CommentId(comment_id), viewer_of(request)
    )
    return _comment(found)


@patch(
    "/projects/{project_id:uuid}/comments/{comment_id:uuid}",
    opt={"access": check_author, "problems": (Forbidden,)},
    summary="Edit a comment",
)
async def update_comment(
    request: ApiRequest,
    project_id: PathId,
    comment_id: PathId,
    data: JSONBody[CommentText],
    services: InjectedServices,
) -> Comment:
    """Changes the text of the caller's own comment, unless the author of the project and the
    caller have no contact.
    """
    edited = await services.comments.edit(
        caller_of(request), ProjectId(project_id), CommentId(comment_id), data.body
    )
    return _comment(edited)


@delete(
    "/projects/{project_id:uuid}/comments/{comment_id:uuid}",
    opt={"problems": (Forbidden,)},
    summary="Delete a comment",
)
async def delete_comment(
    request: ApiRequest, project_id: PathId, comment_id: PathId, services: InjectedServices
) -> None:
    """Deletes the caller's own comment, or any comment on their own project."""
    await services.comments.delete(
        caller_of(request), ProjectId(project_id), CommentId(comment_id)
    )


router = Router(
    "/",
    route_handlers=[list_comments, create_comment, get_comment, update_comment, delete_comment],
    tags=["Comments"],
)

"""The board: projects."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal, cast
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, head, patch, post
from litestar.datastructures import ResponseHeader
from litestar.params import HeaderParameter, JSONBody, Parameter
from litestar.response import Stream

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
from sidepro.api.json_body import sent_fields
from sidepro.api.pagination import LIMIT, LINK, CursorText, Limit, ListOf, Total, page_response
from sidepro.api.query_parameters import reject_null
from sidepro.api.schemas import (
    NOT_BLANK,
    ONE_LINE,
    ProjectCard,
    WebAddress,
    image_id,
    project_card,
    searched,
)
from sidepro.domain.errors import Forbidden
from sidepro.domain.ids import ProjectId, UserId
from sidepro.domain.projects import trending, views
from sidepro.domain.projects.project_service import MAX_SEARCH_TEXT
from sidepro.http.cursors import page_request, scope_of
from sidepro.http.headers.etags import ANY, entity_tags
from sidepro.http.path_ids import PathId
from sidepro.http.rate_limits import MARKDOWN, PROJECTS
from sidepro.http.services import InjectedServices, Services

Title = Annotated[str, msgspec.Meta(extra_json_schema={**ONE_LINE, "maxLength": 50})]
Summary = Annotated[str, msgspec.Meta(extra_json_schema={**ONE_LINE, "maxLength": 60})]
Content = Annotated[
    str,
    msgspec.Meta(extra_json_schema={**NOT_BLANK, "maxLength": 50_000}),
]
Skills = Annotated[
    list[str],
    msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": 20, "uniqueItems": True}),
]


ETAG = ResponseHeader(
    "ETag",
    documentation_only=True,
    description="The project's revision, for `If-Match`.",
)
NO_STORE = {"Cache-Control": "no-store"}

SEARCH_RULE = (
    "Text in the title, the summary or the author's name, 1 to 100 characters. Case, width,"
    " blanks, invisible characters, skin tones, and the kinds of quotes, hyphens, tildes and"
    " middle dots do not matter. The last Hangul syllable may be half typed. Letters that stand"
    " alone (`ㅋㅋ`) match only letters that stand alone. `%`, `_` and `\\` have no special"
    " meaning."
)

SORT_RULE = (
    "The sort order, descending; ids break ties. `trending` sorts by a stored score of the last"
    f" {trending.DAYS} days in Korea, today included: views, plus {trending.BOOKMARK_WEIGHT} for"
    f" each bookmark. Today's count {trending.DAYS} times, yesterday's {trending.DAYS - 1} times,"
    " those of the first day once. A job renews the scores every ten minutes. Projects without a"
    " score come last."
)

_REVISION = re.compile(r"[1-9][0-9]{0,8}")

IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", description="The `ETag` of the project that was read."),
]
"""Documents the header. `expected_revisions` reads all its lines. A parameter gets only one."""


class Project(ProjectCard):
    """A project with its text. `content_html` is safe HTML."""

    content: str
    content_html: str
    repository_url: str | None


class NewProject(msgspec.Struct, forbid_unknown_fields=True):
    """A new project."""

    title: Title
    summary: Summary
    content: Content
    skills: Skills
    repository_url: WebAddress | None = None
    thumbnail_id: UUID | None = None


class ProjectPatch(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of a project to change. Missing fields stay as they are."""

    title: Title | msgspec.UnsetType = msgspec.UNSET
    summary: Summary | msgspec.UnsetType = msgspec.UNSET
    content: Content | msgspec.UnsetType = msgspec.UNSET
    skills: Skills | msgspec.UnsetType = msgspec.UNSET
    repository_url: WebAddress | msgspec.UnsetType | None = msgspec.UNSET
    thumbnail_id: UUID | msgspec.UnsetType | None = msgspec.UNSET


class MarkdownText(msgspec.Struct, forbid_unknown_fields=True):
    """A text to preview."""

    content: Content


class MarkdownPreview(msgspec.Struct):
    """Safe HTML."""

    html: str


def _project(view: views.ProjectView) -> Project:
    card = project_card(view.card)
    return Project(
        **{name: getattr(card, name) for name in card.__struct_fields__},
        content=view.content,
        content_html=view.content_html,
        repository_url=view.repository_url,
    )


def _etag(view: views.ProjectView) -> dict[str, str]:
    return {"ETag": f'"{view.revision}"'}


def revisions(if_match: Sequence[str]) -> frozenset[int] | None:
    """The revisions in If-Match headers (RFC 9110, 13.1.1); `None` means any.

    Several headers form one list. An unknown tag matches nothing.
    """
    tags = entity_tags(if_match)
    if not if_match or ANY in tags:
        return None
    return frozenset(int(tag) for tag in tags if _REVISION.fullmatch(tag))


def expected_revisions(request: ApiRequest) -> frozenset[int] | None:
    return revisions(request.headers.getall("If-Match", []))


async def check_author(services: Services, connection: ApiConnection) -> None:
    project_id = ProjectId(connection.path_params["project_id"])
    await services.projects.authorize_edit(caller_of(connection), project_id)


@get("/projects", opt=PUBLIC, response_headers=[LINK], summary="Search the board")
async def list_projects(
    request: ApiRequest,
    services: InjectedServices,
    q: Annotated[
        str | None,
        Parameter(
            description=SEARCH_RULE,
            schema_extra=searched(MAX_SEARCH_TEXT),
        ),
    ] = None,
    skill: Annotated[list[str] | None, Parameter(description="May be repeated.")] = None,
    match: Annotated[
        Literal["any", "all"],
        Parameter(description="Whether any skill is enough."),
    ] = "any",
    author: Annotated[UUID | None, Parameter(description="The id of the author.")] = None,
    sort: Annotated[views.Sort, Parameter(description=SORT_RULE)] = views.Sort.NEWEST,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[ProjectCard]]:
    """Finds projects that match all filters."""
    reject_null(request, "author")
    query = await services.projects.normalize_query(
        views.BoardQuery(
            text=q,
            skills=tuple(skill or ()),
            all_skills=match == "all",
            author=None if author is None else UserId(author),
            sort=sort,
        )
    )
    filters = [query.text, query.skills, query.all_skills, query.author, query.sort]
    scope = scope_of("board", {"filters": filters})
    viewer = viewer_of(request)
    page = await services.projects.board(
        query, page_request(services, limit, cursor, scope), viewer
    )
    size = await services.projects.board_size(query, viewer) if total else None
    return page_response(request, services, page, scope, project_card, size)


@post(
    "/projects", opt={**PROJECTS}, response_headers=[LOCATION, ETAG], summary="Publish a project"
)
async def create_project(
    request: ApiRequest,
    data: JSONBody[NewProject],
    services: InjectedServices,
    key: IdempotencyKeyHeader = None,
) -> Response[Project]:
    """Publishes a project on the board."""

    def build_response(project: views.ProjectView) -> Response[Project]:
        return created(_project(project), f"/projects/{project.card.id}", **_etag(project))

    return await idempotent_response(
        request,
        key,
        data,
        build_response,
        lambda idempotent: services.projects.publish(
            caller_of(request),
            title=data.title,
            summary=data.summary,
            content=data.content,
            repository_url=data.repository_url,
            thumbnail_id=image_id(data.thumbnail_id),
            skills=data.skills,
            request=idempotent,
        ),
        lambda made: services.projects.get(ProjectId(existing(made)), caller_of(request).id),
    )


@get(
    "/projects/{project_id:uuid}",
    opt=PUBLIC,
    response_headers=[ETAG],
    summary="Get a project",
)
async def get_project(
    request: ApiRequest, project_id: PathId, services: InjectedServices
) -> Response[Project]:
    """Reads a project and counts one view, which the response includes."""
    project = await services.projects.get_and_count_view(ProjectId(project_id), viewer_of(request))
    return Response(_project(project), headers={**_etag(project), **NO_STORE})


@head(
    "/projects/{project_id:uuid}",
    opt=PUBLIC,
    response_headers=[ETAG],
    response_description="The project exists.",
    summary="Check that a project exists",
)
async def check_project(
    request: ApiRequest, project_id: PathId, services: InjectedServices
) -> Response[None]:
    """Does not count a view."""
    project = await services.projects.get(ProjectId(project_id), viewer_of(request))
    # A stream has no Content-Length: it would have to be that of GET.
    headers = {**_etag(project), **NO_STORE}
    return cast("Response[None]", Stream((), headers=headers, media_type="application/json"))


@patch(
    "/projects/{project_id:uuid}",
    opt={"access": check_author, "problems": (Forbidden,)},
    response_headers=[ETAG],
    summary="Edit a project",
)
async def update_project(
    request: ApiRequest,
    project_id: PathId,
    data: JSONBody[ProjectPatch],
    services: InjectedServices,
    _if_match: IfMatch = None,
) -> Response[Project]:
    """Changes the given fields. With `If-Match`, only if the project has not changed since."""
    project = await services.projects.edit(
        caller_of(request),
        ProjectId(project_id),
        sent_fields(data),
        expected_revisions(request),
    )
    return Response(_project(project), headers=_etag(project))


@delete(
    "/projects/{project_id:uuid}",
    opt={"problems": (Forbidden,)},
    summary="Delete a project",
)
async def delete_project(
    request: ApiRequest,
    project_id: PathId,
    services: InjectedServices,
    _if_match: IfMatch = None,
) -> None:
    """Deletes the project with its comments and bookmarks.

    With `If-Match`, only if the project has not changed since.
    """
    await services.projects.delete(
        caller_of(request), ProjectId(project_id), expected_revisions(request)
    )


@post(
    "/markdown",
    opt={**MARKDOWN},
    status_code=200,
    summary="Preview Markdown",
)
async def preview_markdown(
    request: ApiRequest, data: JSONBody[MarkdownText], services: InjectedServices
) -> MarkdownPreview:
    """Returns the HTML that publishing this text would give. Stores nothing."""
    return MarkdownPreview(await services.projects.preview(caller_of(request), data.content))


router = Router(
    "/",
    route_handlers=[
        list_projects,
        create_project,
        get_project,
        check_project,
        update_project,
        delete_project,
        preview_markdown,
    ],
    tags=["Projects"],
)

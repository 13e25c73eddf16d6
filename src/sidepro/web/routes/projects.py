"""A project's page: its text, its author, its comments, and the bookmark."""

from typing import Any, cast
from uuid import uuid4

from litestar import MediaType, Response, Router, get, head, post
from litestar.params import FromQuery
from litestar.response import Stream

from sidepro.domain.errors import BadCursor
from sidepro.domain.ids import ProjectId
from sidepro.domain.moderation.target import Target
from sidepro.domain.projects.comment import MAX_BODY
from sidepro.domain.projects.views import ProjectView
from sidepro.http.path_ids import PathId
from sidepro.http.services import InjectedServices, Services
from sidepro.web.auth import PUBLIC
from sidepro.web.forms import Form, InjectedForm
from sidepro.web.page import InjectedPage, Page
from sidepro.web.routes.project_comments import read_comments


@get("/projects/{project_id:uuid}", opt=PUBLIC)
async def project(
    page: InjectedPage,
    services: InjectedServices,
    project_id: PathId,
    cursor: FromQuery[str | None] = None,
) -> Response[str]:
    """The project. Counts a view, unless it was read before or may never be read."""
    read = (
        services.projects.get
        if page.is_prefetch or page.is_from_itself or cursor
        else services.projects.get_and_count_view
    )
    found = await read(ProjectId(project_id), page.viewer_id)
    return await project_page(page, services, found, cursor=cursor)


@head("/projects/{project_id:uuid}", opt=PUBLIC)
async def check_project(
    page: InjectedPage, services: InjectedServices, project_id: PathId
) -> Response[None]:
    """Counts no view."""
    await services.projects.ensure_exists(ProjectId(project_id), page.viewer_id)
    # A stream has no Content-Length: it would have to be that of GET. Litestar wants HEAD's routes
    # to be annotated as without a body.
    stream = Stream((), headers=page.headers(), media_type=MediaType.HTML)
    return cast("Response[None]", stream)


async def project_page(
    page: Page,
    services: Services,
    project: ProjectView,
    *,
    cursor: str | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    """The page of a project with a page of its comments, and the form of a new one."""
    try:
        comments = await read_comments(page, services, project.card.id, cursor)
    except BadCursor:
        comments = await read_comments(page, services, project.card.id, None)
    author = await services.accounts.user(project.card.author.id, page.viewer_id)
    caller = page.viewer and page.caller
    decision = None
    if project.card.hidden:
        decision = await services.reports.decision_about(Target.project(project.card.id))
    return page.render(
        "projects/project.html",
        status=status,
        project=project,
        card=project.card,
        author=author,
        comments=comments,
        decision=decision,
        form=form or Form.of(idempotency_key=uuid4().hex),
        max_body=MAX_BODY,
        may_edit=bool(caller and caller.can_manage(project.card.author.id)),
    )


@get("/projects/{project_id:uuid}/delete")
async def confirm_deletion(
    page: InjectedPage, services: InjectedServices, project_id: PathId
) -> Response[str]:
    """Asks before it destroys."""
    project = ProjectId(project_id)
    await services.projects.authorize_edit(page.caller, project)
    card = (await services.projects.get(project, page.viewer_id)).card
    if card.author.id != page.viewer_id:
        return page.redirect(f"/operator/projects/{project}/remove")
    return page.render("projects/delete.html", card=card)


@post("/projects/{project_id:uuid}/delete")
async def delete_project(
    page: InjectedPage, services: InjectedServices, project_id: PathId
) -> Response[str]:
    """Deletes the project with its comments and bookmarks. Administrators remove those of others
    on their own pages, with their password and a reason.
    """
    project = ProjectId(project_id)
    await services.projects.authorize_edit(page.caller, project)
    if (await services.projects.get(project, page.viewer_id)).card.author.id != page.viewer_id:
        return page.redirect(f"/operator/projects/{project}/remove")
    await services.projects.delete(page.caller, project)
    return page.redirect("/", done="project-deleted")


@post("/projects/{project_id:uuid}/bookmark")
async def set_bookmark(
    page: InjectedPage,
    form: InjectedForm,
    services: InjectedServices,
    project_id: PathId,
) -> Response[Any]:
    """Sets or removes the bookmark, and goes back; a script gets the new state."""
    is_wanted = form.text("bookmarked") == "true"
    change = services.bookmarks.add if is_wanted else services.bookmarks.remove
    state = await change(page.caller, ProjectId(project_id))
    if page.is_for_script:
        return page.json(
            {"bookmarked": state.bookmarked, "count": page.short(state.bookmark_count)}
        )
    return page.back(form, f"/projects/{project_id}")


router = Router(
    "/",
    route_handlers=[project, check_project, confirm_deletion, delete_project, set_bookmark],
)

"""Comments: writing, editing, deleting, and those that are new."""

import hashlib
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromQuery

from sidepro.domain.errors import Forbidden, InvalidInput
from sidepro.domain.ids import CommentId, ProjectId
from sidepro.domain.projects.comment import MAX_BODY
from sidepro.domain.projects.views import CommentView, ProjectCard
from sidepro.http.headers.idempotency import created_once
from sidepro.http.path_ids import PathId
from sidepro.http.problems.documents import status_of
from sidepro.http.rate_limits import COMMENTS
from sidepro.http.services import InjectedServices, Services
from sidepro.web.addresses import local_address
from sidepro.web.auth import PUBLIC
from sidepro.web.forms import Form, InjectedForm
from sidepro.web.page import InjectedPage, Page
from sidepro.web.routes.project_comments import last_page, read_comments
from sidepro.web.routes.projects import project_page


@post("/projects/{project_id:uuid}/comments", opt={**COMMENTS})
async def write(
    page: InjectedPage, form: InjectedForm, services: InjectedServices, project_id: PathId
) -> Response[str]:
    """Writes a comment, once for the key of its form, and shows it."""
    project = ProjectId(project_id)
    try:
        comment_id = await _write_once(page, form, services, project)
    except InvalidInput as error:
        return await project_page(
            page,
            services,
            await services.projects.get(project, page.viewer_id),
            cursor=last_page(services, project),
            form=form.rejected(error, page.texts.errors),
            status=status_of(error),
        )
    cursor = last_page(services, project)
    return page.redirect(f"/projects/{project_id}?cursor={cursor}#comment-{comment_id}")


async def _write_once(page: Page, form: Form, services: Services, project: ProjectId) -> UUID:
    body = form.text("body")
    key = form.text("idempotency_key")[:32]
    if key:
        # The digest is part of the key: after Back, the form has the same key for another text.
        key += hashlib.sha256(body.encode()).hexdigest()[:32]
    return await created_once(
        page.caller.id,
        "page comment",
        key,
        project.bytes,
        lambda request: services.comments.write(page.caller, project, body, request),
        lambda comment: comment.id,
    )


@get("/projects/{project_id:uuid}/comments", opt=PUBLIC)
async def newer(
    page: InjectedPage, services: InjectedServices, project_id: PathId, after: FromQuery[str] = ""
) -> Response[str]:
    """For the script of the page: the comments after a place in the list, as a part of the page;
    nothing (204) if there are none. Without a place, this is the address of the form.
    """
    project = ProjectId(project_id)
    page.here = f"/projects/{project_id}"
    if not after:
        return page.redirect(f"{page.here}#comments")
    comments = await read_comments(page, services, project, after)
    if not comments.items:
        return Response("", status_code=204, headers=page.headers())
    card = (await services.projects.get(project, page.viewer_id)).card
    author = await services.accounts.user(card.author.id, page.viewer_id)
    return page.render("projects/newer.html", card=card, author=author, comments=comments)


@get("/projects/{project_id:uuid}/comments/{comment_id:uuid}/edit")
async def edit_form(
    page: InjectedPage,
    services: InjectedServices,
    project_id: PathId,
    comment_id: PathId,
    next: FromQuery[str] = "",  # noqa: A002 - the name of the parameter
) -> Response[str]:
    """The form with the comment's text."""
    project, comment = ProjectId(project_id), CommentId(comment_id)
    await services.comments.authorize_edit(page.caller, project, comment)
    found = await services.comments.comment(project, comment, page.viewer_id)
    return page.render(
        "projects/edit_comment.html",
        card=(await services.projects.get(project, page.viewer_id)).card,
        form=Form.of(body=found.body),
        max_body=MAX_BODY,
        going_to=local_address(next, f"/projects/{project_id}"),
    )


@post("/projects/{project_id:uuid}/comments/{comment_id:uuid}/edit")
async def edit(
    page: InjectedPage,
    form: InjectedForm,
    services: InjectedServices,
    project_id: PathId,
    comment_id: PathId,
) -> Response[str]:
    """Changes the text of the viewer's own comment."""
    project, comment = ProjectId(project_id), CommentId(comment_id)
    going_to = local_address(form.text("next"), f"/projects/{project_id}")
    try:
        await services.comments.edit(page.caller, project, comment, form.text("body"))
    except InvalidInput as error:
        return page.render(
            "projects/edit_comment.html",
            status=status_of(error),
            card=(await services.projects.get(project, page.viewer_id)).card,
            form=form.rejected(error, page.texts.errors),
            max_body=MAX_BODY,
            going_to=going_to,
        )
    return page.redirect(f"{going_to}#comment-{comment_id}")


@get("/projects/{project_id:uuid}/comments/{comment_id:uuid}/delete")
async def confirm_deletion(
    page: InjectedPage,
    services: InjectedServices,
    project_id: PathId,
    comment_id: PathId,
    next: FromQuery[str] = "",  # noqa: A002 - the name of the parameter
) -> Response[str]:
    """Asks before it destroys."""
    going_to = local_address(next, f"/projects/{project_id}")
    project = (await services.projects.get(ProjectId(project_id), page.viewer_id)).card
    comment = await services.comments.comment(project.id, CommentId(comment_id), page.viewer_id)
    if elsewhere := _removal(page, project, comment, going_to):
        return page.redirect(elsewhere)
    return page.render(
        "projects/delete_comment.html", card=project, comment=comment, going_to=going_to
    )


@post("/projects/{project_id:uuid}/comments/{comment_id:uuid}/delete")
async def delete(
    page: InjectedPage,
    form: InjectedForm,
    services: InjectedServices,
    project_id: PathId,
    comment_id: PathId,
) -> Response[str]:
    """Deletes a comment of the viewer, or any comment on their project. Administrators remove
    others on their own pages, with their password and a reason.
    """
    going_to = local_address(form.text("next"), f"/projects/{project_id}")
    project = (await services.projects.get(ProjectId(project_id), page.viewer_id)).card
    comment = await services.comments.comment(project.id, CommentId(comment_id), page.viewer_id)
    if elsewhere := _removal(page, project, comment, going_to):
        return page.redirect(elsewhere)
    await services.comments.delete(page.caller, project.id, comment.id)
    return page.redirect(f"{going_to}#comments", done="comment-deleted")


def _removal(page: Page, project: ProjectCard, comment: CommentView, going_to: str) -> str | None:
    """The page on which an administrator removes the comment; `None` for who may delete it here.

    Raises:
        Forbidden: the viewer may do neither.
    """
    owners = comment.author.id, project.author.id
    if page.viewer_id in owners:
        return None
    if not page.caller.can_manage(*owners):
        raise Forbidden
    return f"/operator/comments/{comment.id}/remove?{urlencode({'next': going_to})}"


router = Router("/", route_handlers=[write, newer, edit_form, edit, confirm_deletion, delete])

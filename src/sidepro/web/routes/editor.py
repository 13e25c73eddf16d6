"""The editor: publishing and editing a project, the preview, and images in its text."""

from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post

from sidepro.domain.errors import (
    FieldError,
    Forbidden,
    InvalidInput,
    NotFound,
    PreconditionFailed,
)
from sidepro.domain.ids import ProjectId
from sidepro.domain.projects.project import PROJECT_SKILLS, authorize_edit
from sidepro.domain.projects.views import ProjectView
from sidepro.domain.violations import MISSING
from sidepro.http.headers.idempotency import created_once
from sidepro.http.path_ids import PathId
from sidepro.http.rate_limits import IMAGES, MARKDOWN, PROJECTS
from sidepro.http.services import InjectedServices, Services
from sidepro.web.errors import JSON_ERRORS, resumed_at
from sidepro.web.forms import Form, FormError, InjectedForm, number
from sidepro.web.page import InjectedPage, Page
from sidepro.web.routes.editor_form import (
    LENGTHS,
    REJECTED,
    PostedProject,
    form_of,
    new_form,
    rejected,
    with_thumbnail,
)
from sidepro.web.uploads import InjectedFiles, accepts_files

PREVIEW = "/projects/preview"

WRITING = {**accepts_files("thumbnail", limit=IMAGES["limit"]), **resumed_at(PREVIEW)}
"""For all that the form of the editor is posted to: the form comes back with its texts."""


@get("/projects/new")
async def new_project(page: InjectedPage, services: InjectedServices) -> Response[str]:
    """The empty form."""
    return await editor_page(page, services, new_form())


@post("/projects", opt={**PROJECTS, **WRITING})
async def publish(
    page: InjectedPage,
    form: InjectedForm,
    files: InjectedFiles,
    services: InjectedServices,
) -> Response[Any]:
    """Publishes a project, once for the key of its form."""
    try:
        form = await with_thumbnail(services, page.caller, form, files)
        project_id = await _publish_once(page, form, services)
    except REJECTED as error:
        status, form = rejected(page, form, error)
        return await editor_page(page, services, form, status=status)
    return _done(page, form, project_id, "published")


async def _publish_once(page: Page, form: Form, services: Services) -> ProjectId:
    posted = PostedProject.of(form)
    project_id = await created_once(
        page.caller.id,
        "page publish",
        form.text("idempotency_key"),
        posted.digest,
        lambda request: services.projects.publish(page.caller, **posted.fields, request=request),
        lambda project: project.card.id,
    )
    return ProjectId(project_id)


@get("/projects/{project_id:uuid}/edit")
async def edit_project(
    page: InjectedPage, services: InjectedServices, project_id: PathId
) -> Response[str]:
    """The form with the project."""
    project = await _editable(page, services, project_id)
    return await editor_page(page, services, form_of(project), project=project)


@post("/projects/{project_id:uuid}", opt=WRITING)
async def save(
    page: InjectedPage,
    form: InjectedForm,
    files: InjectedFiles,
    services: InjectedServices,
    project_id: PathId,
) -> Response[Any]:
    """Saves an edited project, unless somebody has edited it meanwhile."""
    try:
        project = await _editable(page, services, project_id)
    except NotFound:
        return await _deleted(page, form, services)
    revision = number(form.text("revision"))
    try:
        form = await with_thumbnail(services, page.caller, form, files)
        saved = await services.projects.edit(
            page.caller,
            project.card.id,
            PostedProject.of(form).changes(project),
            frozenset() if revision is None else frozenset([revision]),
        )
    except PreconditionFailed:
        return await _conflict(page, form, services, project.card.id)
    except REJECTED as error:
        status, form = rejected(page, form, error)
        return await editor_page(page, services, form, project=project, status=status)
    return _done(page, form, saved.card.id, "saved", saved.revision)


async def _conflict(
    page: Page, form: Form, services: Services, project_id: ProjectId
) -> Response[Any]:
    """Both versions, to choose from. Sending a saved form again is no conflict."""
    project = await services.projects.get(project_id, page.viewer_id)
    changes = PostedProject.of(form).changes(project)
    if not changes:
        return _done(page, form, project_id, "saved", project.revision)
    fields = {**form.fields, "revision": (str(project.revision),)}
    return await editor_page(
        page, services, Form(fields), project=project, differing=tuple(changes), status=412
    )


async def _deleted(page: Page, form: Form, services: Services) -> Response[str]:
    """The text of a project that is gone, as the form of a new one."""
    remaining = {
        name: values for name, values in form.fields.items() if name not in ("id", "revision")
    }
    error = FormError("", page.texts.editor.deleted)
    return await editor_page(
        page, services, Form({**new_form().fields, **remaining}, (error,)), status=404
    )


@post(PREVIEW, opt={**MARKDOWN, **WRITING})
async def preview(
    page: InjectedPage,
    form: InjectedForm,
    files: InjectedFiles,
    services: InjectedServices,
) -> Response[Any]:
    """The form again with what publishing would make of its text; a script gets that alone."""
    html = None
    status = 200
    try:
        form = await with_thumbnail(services, page.caller, form, files)
        html = await services.projects.preview(page.caller, form.text("content"))
    except REJECTED as error:
        status, form = rejected(page, form, error)
    if page.is_for_script:
        text = form.errors[0].text if form.errors else ""
        return page.json({"html": html, "text": text}, status=status)
    project = await _edited(page, form, services)
    return await editor_page(page, services, form, project=project, html=html, status=status)


@post("/images", opt={**IMAGES, **JSON_ERRORS, **accepts_files("file")})
async def upload_image(
    page: InjectedPage, files: InjectedFiles, services: InjectedServices
) -> Response[Any]:
    """For the script: stores an image that a text shows."""
    file = files.get("file")
    if file is None:
        raise InvalidInput(FieldError(MISSING, pointer="/file"))
    view = await services.images.upload(page.caller, file)
    return page.json({"id": str(view.id), "url": view.url}, status=201)


router = Router(
    "/",
    route_handlers=[new_project, publish, edit_project, save, preview, upload_image],
)


async def editor_page(
    page: Page,
    services: Services,
    form: Form,
    *,
    project: ProjectView | None = None,
    differing: tuple[str, ...] = (),
    html: str | None = None,
    status: int = 200,
) -> Response[str]:
    """The form of a new project, or of `project`.

    `differing` are fields in which the form and the project differ, to choose from; `html` is the
    preview.
    """
    page.here = f"/projects/{project.card.id}/edit" if project else "/projects/new"
    image_urls = services.projects.image_urls
    skills = (await services.catalogue.current()).skills
    picked = form.texts("skills")
    return page.render(
        "editor/editor.html",
        status=status,
        form=form,
        project=project,
        differing=differing,
        html=html,
        is_stored=status == 200 and html is None,
        lengths=LENGTHS,
        skills=[*skills, *(skill for skill in picked if skill not in skills)],
        max_skills=PROJECT_SKILLS[1],
        uploaded=image_urls.url(image_urls.key_of(form.text("thumbnail_url"))),
    )


async def _edited(page: Page, form: Form, services: Services) -> ProjectView | None:
    """The project that a form edits, if it is still there and the viewer may edit it."""
    try:
        return await _editable(page, services, UUID(form.text("id")))
    except (ValueError, NotFound, Forbidden):
        return None


async def _editable(page: Page, services: Services, project_id: UUID) -> ProjectView:
    """A project that the viewer may edit.

    Raises:
        NotFound: there is no such project.
        Forbidden: the viewer may not.
    """
    project = await services.projects.get(ProjectId(project_id), page.viewer_id)
    authorize_edit(page.caller, project.card.author.id)
    return project


def _done(
    page: Page,
    form: Form,
    project_id: ProjectId,
    done: str,
    revision: int | None = None,
) -> Response[Any]:
    """To the project's page. A script gets its address, and may stay where it is."""
    address = f"/projects/{project_id}"
    if not page.is_for_script:
        return page.redirect(address, done=done)
    response = page.json({"address": page.url(address), "revision": revision})
    if not form.text("stay"):
        response.set_cookie(page.cookies.done(done))
    return response

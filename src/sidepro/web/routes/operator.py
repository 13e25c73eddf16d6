"""The pages of administrators. For everybody else they do not exist.

What destroys something has a page of its own, which shows what goes and asks for a reason and the
own password.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from sidepro.domain.errors import InvalidInput, NotAuthenticated
from sidepro.domain.identity import Caller
from sidepro.domain.ids import CommentId, ProjectId, UserId
from sidepro.domain.operations.operator_service import Confirmation, authorize_operator
from sidepro.domain.pagination import Page as PageOf
from sidepro.domain.pagination import PageRequest
from sidepro.http.cursors import page_cursors, page_request, scope_of
from sidepro.http.monitoring.health import HealthChecks
from sidepro.http.problems.documents import status_of
from sidepro.http.rate_limits import LOG_IN
from sidepro.http.services import InjectedServices, Services
from sidepro.web.addresses import local_address
from sidepro.web.forms import Form, InjectedForm
from sidepro.web.page import InjectedPage, Page
from sidepro.web.routes.moderation.cases import OPEN

LIMIT = 20
MAX_SHOWN_DRIFTS = 50

NOTHING: PageOf[Any] = PageOf((), None, None)

GoingTo = Annotated[str, QueryParameter(name="next")]
"""The list to go back to."""


async def require_operator(
    connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler
) -> None:
    """A guard: the pages are missing for everybody but administrators."""
    if connection.user is None:
        raise NotAuthenticated
    authorize_operator(connection.user)


@get("/")
async def overview(
    page: InjectedPage, services: InjectedServices, health: NamedDependency[HealthChecks]
) -> Response[str]:
    """What needs attention, and totals."""
    report = await health.run()
    states = await services.operator.job_states(page.caller)
    return page.render(
        "operator/index.html",
        totals=await services.operator.totals(page.caller),
        open_cases=await services.moderation.case_count(page.caller, OPEN),
        failing={name: part.state for name, part in report.parts.items() if part.state != "ok"},
        overdue=[state.job for state in states if state.is_overdue],
    )


# ----------------------------------------------------------------------------------------- people


@get("/people")
async def list_people(
    page: InjectedPage,
    services: InjectedServices,
    q: FromQuery[str] = "",
    cursor: FromQuery[str | None] = None,
) -> Response[str]:
    """People by the beginning of their username or by their email, or all of them."""
    scope = scope_of("operator-people", {"q": q})
    request = page_request(services, LIMIT, cursor, scope)
    people = NOTHING
    error = None
    try:
        query = services.operator.people_query(q)
        people = await services.operator.people(page.caller, query, request)
    except InvalidInput as rejection:
        error = rejection
    return page.render(
        "operator/people.html",
        status=status_of(error) if error else 200,
        form=_searched(page, error, q=q),
        found=people.items,
        cursors=page_cursors(services, people, scope),
    )


@get("/people/{user_id:uuid}/deactivate")
async def confirm_deactivation(
    page: InjectedPage,
    services: InjectedServices,
    user_id: FromPath[UUID],
    going_to: GoingTo = "",
) -> Response[str]:
    """Asks before an account is deactivated."""
    return await _deactivation(page, services, UserId(user_id), Form.of(next=going_to))


@post("/people/{user_id:uuid}/deactivate", opt=LOG_IN)
async def deactivate(
    page: InjectedPage, services: InjectedServices, user_id: FromPath[UUID], form: InjectedForm
) -> Response[str]:
    """Deactivates an account."""
    person = UserId(user_id)
    act = partial(services.operator.deactivate, page.caller, person)
    ask = partial(_deactivation, page, services, person)
    return await _confirmed(page, form, act, ask, "/operator/people", "deactivated")


@post("/people/{user_id:uuid}/activate")
async def activate(
    page: InjectedPage, services: InjectedServices, user_id: FromPath[UUID], form: InjectedForm
) -> Response[str]:
    """Activates an account."""
    await services.operator.activate(page.caller, UserId(user_id))
    return page.redirect(_back(form, "/operator/people"), done="activated")


async def _deactivation(
    page: Page, services: Services, user_id: UserId, form: Form, status: int = 200
) -> Response[str]:
    person = await services.operator.person(page.caller, user_id)
    return page.render(
        "operator/deactivate.html",
        status=status,
        person=person,
        form=form,
        back=_back(form, "/operator/people"),
    )


# ------------------------------------------------------------------------- projects and comments


@get("/projects")
async def list_projects(
    page: InjectedPage,
    services: InjectedServices,
    q: FromQuery[str] = "",
    author: FromQuery[str] = "",
    cursor: FromQuery[str | None] = None,
) -> Response[str]:
    """Projects with a text and by an author, the newest first."""
    find = services.operator.find_projects
    return await _contents(page, services, "projects", find, q, author, cursor)


@get("/comments")
async def list_comments(
    page: InjectedPage,
    services: InjectedServices,
    q: FromQuery[str] = "",
    author: FromQuery[str] = "",
    cursor: FromQuery[str | None] = None,
) -> Response[str]:
    """Comments with a text and by an author, the newest first."""
    find = services.operator.find_comments
    return await _contents(page, services, "comments", find, q, author, cursor)


async def _contents(
    page: Page,
    services: Services,
    part: str,
    find: Callable[[Caller, str, str, PageRequest], Awaitable[PageOf[Any]]],
    q: str,
    author: str,
    cursor: str | None,
) -> Response[str]:
    scope = scope_of(f"operator-{part}", {"q": q, "author": author})
    request = page_request(services, LIMIT, cursor, scope)
    found = NOTHING
    error = None
    try:
        found = await find(page.caller, q, author, request)
    except InvalidInput as rejection:
        error = rejection
    return page.render(
        f"operator/{part}.html",
        status=status_of(error) if error else 200,
        part=part,
        form=_searched(page, error, q=q, author=author),
        found=found.items,
        cursors=page_cursors(services, found, scope),
    )


@get("/projects/{project_id:uuid}/remove")
async def confirm_project_removal(
    page: InjectedPage,
    services: InjectedServices,
    project_id: FromPath[UUID],
    going_to: GoingTo = "",
) -> Response[str]:
    """Asks before a project is removed."""
    return await _project_removal(page, services, ProjectId(project_id), Form.of(next=going_to))


@post("/projects/{project_id:uuid}/remove", opt=LOG_IN)
async def remove_project(
    page: InjectedPage, services: InjectedServices, project_id: FromPath[UUID], form: InjectedForm
) -> Response[str]:
    """Removes a project."""
    project = ProjectId(project_id)
    act = partial(services.operator.remove_project, page.caller, project)
    ask = partial(_project_removal, page, services, project)
    return await _confirmed(page, form, act, ask, "/operator/projects", "removed-project")


async def _project_removal(
    page: Page, services: Services, project_id: ProjectId, form: Form, status: int = 200
) -> Response[str]:
    project = await services.projects.get(project_id, page.viewer_id)
    return page.render(
        "operator/remove_project.html",
        status=status,
        project=project.card,
        form=form,
        back=_back(form, "/operator/projects"),
    )


@get("/comments/{comment_id:uuid}/remove")
async def confirm_comment_removal(
    page: InjectedPage,
    services: InjectedServices,
    comment_id: FromPath[UUID],
    going_to: GoingTo = "",
) -> Response[str]:
    """Asks before a comment is removed."""
    return await _comment_removal(page, services, CommentId(comment_id), Form.of(next=going_to))


@post("/comments/{comment_id:uuid}/remove", opt=LOG_IN)
async def remove_comment(
    page: InjectedPage, services: InjectedServices, comment_id: FromPath[UUID], form: InjectedForm
) -> Response[str]:
    """Removes a comment."""
    comment = CommentId(comment_id)
    act = partial(services.operator.remove_comment, page.caller, comment)
    ask = partial(_comment_removal, page, services, comment)
    return await _confirmed(page, form, act, ask, "/operator/comments", "removed-comment")


async def _comment_removal(
    page: Page, services: Services, comment_id: CommentId, form: Form, status: int = 200
) -> Response[str]:
    comment = await services.operator.comment(page.caller, comment_id)
    return page.render(
        "operator/remove_comment.html",
        status=status,
        comment=comment,
        form=form,
        back=_back(form, "/operator/comments"),
    )


# ----------------------------------------------------------------------- counters, jobs and health


@get("/counters")
async def show_counters(page: InjectedPage, services: InjectedServices) -> Response[str]:
    """Checks the counters."""
    return await _counters(page, services, Form())


@post("/counters", opt=LOG_IN)
async def repair_counters(
    page: InjectedPage, services: InjectedServices, form: InjectedForm
) -> Response[str]:
    """Repairs wrong counters."""
    try:
        await services.operator.repair_counters(page.caller, _confirmation(form))
    except InvalidInput as error:
        rejected = form.rejected(error, page.texts.errors)
        return await _counters(page, services, rejected, status_of(error))
    return page.redirect("/operator/counters", done="repaired-counters")


async def _counters(
    page: Page, services: Services, form: Form, status: int = 200
) -> Response[str]:
    report = await services.operator.check_counters(page.caller)
    return page.render(
        "operator/counters.html",
        status=status,
        wrong=report.projects,
        drifts=report.drifts[:MAX_SHOWN_DRIFTS],
        daily_drifts=report.daily_drifts[:MAX_SHOWN_DRIFTS],
        is_cut=max(len(report.drifts), len(report.daily_drifts)) > MAX_SHOWN_DRIFTS,
        form=form,
    )


@get("/jobs")
async def show_jobs(page: InjectedPage, services: InjectedServices) -> Response[str]:
    """The last runs of the jobs."""
    return page.render(
        "operator/jobs.html", states=await services.operator.job_states(page.caller)
    )


@post("/jobs/similarity")
async def run_similarity(page: InjectedPage, services: InjectedServices) -> Response[str]:
    """Runs the similarity job soon."""
    await services.operator.run_similarity(page.caller)
    return page.redirect("/operator/jobs", done="requested-similarity")


@get("/health")
async def show_health(page: InjectedPage, health: NamedDependency[HealthChecks]) -> Response[str]:
    """The state of each component."""
    return page.render("operator/health.html", health=await health.run())


router = Router(
    "/operator",
    route_handlers=[
        overview,
        list_people,
        confirm_deactivation,
        deactivate,
        activate,
        list_projects,
        confirm_project_removal,
        remove_project,
        list_comments,
        confirm_comment_removal,
        remove_comment,
        show_counters,
        repair_counters,
        show_jobs,
        run_similarity,
        show_health,
    ],
    guards=[require_operator],
)


async def _confirmed(
    page: Page,
    form: Form,
    act: Callable[[Confirmation], Awaitable[None]],
    ask: Callable[[Form, int], Awaitable[Response[str]]],
    default_back: str,
    done: str,
) -> Response[str]:
    """Act and go back to the list, or ask again if the password or the reason is wrong."""
    try:
        await act(_confirmation(form))
    except InvalidInput as error:
        return await ask(form.rejected(error, page.texts.errors), status_of(error))
    return page.redirect(_back(form, default_back), done=done)


def _searched(page: Page, error: InvalidInput | None, **typed: str) -> Form:
    """The fields of a search, with what is wrong with them."""
    form = Form.of(**typed)
    return form if error is None else form.rejected(error, page.texts.errors)


def _confirmation(form: Form) -> Confirmation:
    return Confirmation(form.text("password"), form.text("reason"))


def _back(form: Form, default: str) -> str:
    """The list that the form came from, with its filters."""
    return local_address(form.text("next"), default)

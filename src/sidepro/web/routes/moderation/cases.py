"""The pages of moderators: the queue, a case, and the log."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from sidepro.domain.errors import CaseChanged, FieldError, InvalidInput, NotAuthenticated, NotFound
from sidepro.domain.ids import CaseId
from sidepro.domain.moderation.case import DECISIONS, Action, CaseState, validate_reason
from sidepro.domain.moderation.target import Target, TargetKind
from sidepro.domain.moderation.views import CaseDetails, CaseQuery
from sidepro.domain.pagination import PageRequest
from sidepro.domain.validation import errors_of
from sidepro.domain.violations import MISSING
from sidepro.http.cursors import page_cursors, page_request, scope_of
from sidepro.http.problems.documents import status_of
from sidepro.http.services import InjectedServices, Services
from sidepro.web.forms import Form, FormError, InjectedForm, number
from sidepro.web.page import InjectedPage, Page

LIMIT = 20
OPEN = CaseQuery(CaseState.OPEN)


async def require_moderator(
    connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler
) -> None:
    """A guard: the pages are missing for everybody but moderators and administrators."""
    if connection.user is None:
        raise NotAuthenticated
    if not connection.user.can_moderate:
        raise NotFound


@get("/")
async def list_cases(
    page: InjectedPage,
    services: InjectedServices,
    in_state: Annotated[str, QueryParameter(name="state")] = "open",
    cursor: FromQuery[str | None] = None,
) -> Response[str]:
    """The cases in a state: those with most reports first, then the oldest."""
    states = [state.value for state in CaseState]
    query = CaseQuery(CaseState(in_state) if in_state in states else None)
    scope = scope_of("cases", {"state": query.state})
    request = page_request(services, LIMIT, cursor, scope)
    found = await services.moderation.cases(page.caller, query, request)
    return page.render(
        "moderation/cases.html",
        cases=found.items,
        state=query.state,
        cursors=page_cursors(services, found, scope),
    )


@get("/log")
async def show_log(
    page: InjectedPage, services: InjectedServices, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """What moderators did, the newest first."""
    scope = scope_of("moderation-log", {})
    found = await services.moderation.log(
        page.caller, page_request(services, LIMIT, cursor, scope)
    )
    return page.render(
        "moderation/log.html", entries=found.items, cursors=page_cursors(services, found, scope)
    )


@get("/cases/{case_id:uuid}")
async def show_case(
    page: InjectedPage, services: InjectedServices, case_id: FromPath[UUID]
) -> Response[str]:
    """A case with its snapshot, and what can be done."""
    return await _case(page, services, CaseId(case_id), Form())


@post("/cases/{case_id:uuid}/claim")
async def claim(
    page: InjectedPage, services: InjectedServices, case_id: FromPath[UUID], form: InjectedForm
) -> Response[str]:
    """Takes a case."""
    found = CaseId(case_id)
    return await _change(
        page,
        services,
        found,
        form,
        lambda: services.moderation.claim(page.caller, found, _version(form)),
    )


@post("/cases/{case_id:uuid}/decision")
async def decide(
    page: InjectedPage, services: InjectedServices, case_id: FromPath[UUID], form: InjectedForm
) -> Response[str]:
    """Decides a case."""
    found = CaseId(case_id)
    days = number(form.text("days").strip())

    async def act() -> CaseDetails:
        return await services.moderation.decide(
            page.caller,
            found,
            _version(form),
            _action(form),
            days,
            form.text("reason"),
        )

    return await _change(page, services, found, form, act)


@post("/cases/{case_id:uuid}/reversal")
async def reverse(
    page: InjectedPage, services: InjectedServices, case_id: FromPath[UUID], form: InjectedForm
) -> Response[str]:
    """Undoes a decision."""
    found = CaseId(case_id)
    return await _change(
        page,
        services,
        found,
        form,
        lambda: services.moderation.reverse(
            page.caller, found, _version(form), form.text("reason")
        ),
    )


router = Router(
    "/moderation",
    route_handlers=[list_cases, show_log, show_case, claim, decide, reverse],
    guards=[require_moderator],
)


async def _change(
    page: Page,
    services: Services,
    case_id: CaseId,
    form: Form,
    act: Callable[[], Awaitable[CaseDetails]],
) -> Response[str]:
    """Acts, and goes to the case; shows it with what is wrong otherwise."""
    try:
        await act()
    except CaseChanged as error:
        changed = form.with_error(FormError("", page.texts.moderation.changed))
        return await _case(page, services, case_id, changed, status_of(error))
    except InvalidInput as error:
        rejected = form.rejected(error, page.texts.errors)
        return await _case(page, services, case_id, rejected, status_of(error))
    return page.redirect(f"/moderation/cases/{case_id}", done="saved")


async def _case(
    page: Page, services: Services, case_id: CaseId, form: Form, status: int = 200
) -> Response[str]:
    found = await services.moderation.case(page.caller, case_id)
    kind = found.case.target.kind
    actions = [
        action
        for action in DECISIONS
        if kind is not TargetKind.USER or action not in (Action.HIDE, Action.REMOVE)
    ]
    return page.render(
        "moderation/case.html",
        status=status,
        details=found,
        case=found.case,
        actions=actions,
        address=_address(found.case.target, found),
        next_case=await _next(page, services) if found.case.state is CaseState.DECIDED else None,
        form=form,
    )


async def _next(page: Page, services: Services) -> CaseId | None:
    """The first case that waits for a moderator."""
    found = await services.moderation.cases(page.caller, OPEN, PageRequest(1))
    return found.items[0].id if found.items else None


def _address(target: Target, details: CaseDetails) -> str | None:
    """The page of what was reported; `None` for a message, which moderators do not read there."""
    match target.kind:
        case TargetKind.PROJECT:
            return f"/projects/{target.id}"
        case TargetKind.COMMENT:
            return f"/projects/{details.snapshot[0].content['project_id']}#comment-{target.id}"
        case TargetKind.USER if details.case.author is not None:
            return f"/people/{details.case.author.username}"
        case _:
            return None


def _version(form: Form) -> int:
    """The version that the moderator has read; 0, which no case has, for anything else."""
    return number(form.text("version")) or 0


def _action(form: Form) -> Action:
    if form.text("action") in DECISIONS:
        return Action(form.text("action"))
    others = errors_of(lambda: validate_reason(form.text("reason")))
    raise InvalidInput(FieldError(MISSING, pointer="/action"), *others)

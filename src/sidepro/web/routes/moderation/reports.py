"""The page that reports something, and one's own reports."""

from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromQuery

from sidepro.domain.errors import FieldError, InvalidInput, NotFound
from sidepro.domain.moderation.report import MAX_NOTE, ReportReason, validate_note
from sidepro.domain.moderation.target import Target, TargetKind
from sidepro.domain.validation import errors_of
from sidepro.domain.violations import MISSING
from sidepro.http.cursors import page_cursors, page_request, scope_of
from sidepro.http.problems.documents import status_of
from sidepro.http.services import InjectedServices, Services
from sidepro.web.addresses import local_address
from sidepro.web.forms import Form, InjectedForm
from sidepro.web.page import InjectedPage, Page

LIMIT = 20


@get("/report")
async def ask_why(
    page: InjectedPage,
    services: InjectedServices,
    kind: FromQuery[str] = "",
    target: FromQuery[str] = "",
    going_to: FromQuery[str] = "",
) -> Response[str]:
    """Asks why something is reported."""
    form = Form.of(kind=kind, target=target, going_to=going_to)
    return await _form(page, services, form)


@post("/report")
async def report(
    page: InjectedPage, services: InjectedServices, form: InjectedForm
) -> Response[str]:
    """Reports."""
    try:
        await services.reports.report(
            page.caller, _target(form), _reason(form), form.text("note").strip() or None
        )
    except InvalidInput as error:
        rejected = form.rejected(error, page.texts.errors)
        return await _form(page, services, rejected, status_of(error))
    return page.redirect(local_address(form.text("going_to"), "/me/reports"), done="reported")


@get("/me/reports")
async def list_reports(
    page: InjectedPage, services: InjectedServices, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """One's own reports, the newest first."""
    scope = scope_of("reports", {"user": page.caller.id})
    found = await services.reports.reports(
        page.caller, page_request(services, LIMIT, cursor, scope)
    )
    return page.render(
        "moderation/reports.html",
        reports=found.items,
        cursors=page_cursors(services, found, scope),
    )


async def _form(page: Page, services: Services, form: Form, status: int = 200) -> Response[str]:
    target = _target(form)
    content = await services.reports.preview(page.caller, target)
    back = local_address(form.text("going_to"), "/")
    query = {"kind": target.kind, "target": form.text("target"), "going_to": back}
    page.here = f"/report?{urlencode(query)}"
    return page.render(
        "moderation/report.html",
        status=status,
        target=target,
        content=content,
        form=form,
        max_note=MAX_NOTE,
        back=back,
    )


def _target(form: Form) -> Target:
    """The reported thing.

    Raises:
        NotFound: the fields name nothing.
    """
    try:
        target = Target.parse(TargetKind(form.text("kind")), form.text("target")[:64])
    except ValueError as error:
        raise NotFound from error
    if (target.seq is not None) is not (target.kind is TargetKind.MESSAGE):
        raise NotFound
    if str(UUID(str(target.id))) != form.text("target").partition("/")[0]:
        raise NotFound
    return target


def _reason(form: Form) -> ReportReason:
    try:
        return ReportReason(form.text("reason"))
    except ValueError:
        others = errors_of(lambda: validate_note(form.text("note").strip()))
        raise InvalidInput(FieldError(MISSING, pointer="/reason"), *others) from None


router = Router("/", route_handlers=[ask_why, report, list_reports])

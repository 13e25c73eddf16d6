"""What happened to the person's things: the list, marks, settings, and the stream's ticket."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromQuery

from sidepro.domain.errors import FieldError, InvalidInput, NotFound
from sidepro.domain.ids import CaseId, NotificationId
from sidepro.domain.moderation.case import Action
from sidepro.domain.moderation.target import TargetKind
from sidepro.domain.moderation.views import OwnDecisionView
from sidepro.domain.notifications.notification import (
    DEFAULT_SETTINGS,
    MESSAGES,
    Delivery,
    NotificationKind,
)
from sidepro.domain.notifications.views import NotificationView
from sidepro.domain.rooms.ticket_service import TICKET_TTL
from sidepro.domain.violations import FieldCode, Violation
from sidepro.http.cursors import page_cursors, page_request, scope_of
from sidepro.http.middleware.compression import SECRET
from sidepro.http.rate_limits import TICKETS
from sidepro.http.services import InjectedServices
from sidepro.web.errors import JSON_ERRORS
from sidepro.web.forms import Form, InjectedForm
from sidepro.web.page import InjectedPage, Page

LIMIT = 20

SOCKET = "/api/v1/me/socket"

_NOT_A_CHOICE = Violation(FieldCode.NOT_A_CHOICE, "must be off, web or mail")


@get("/notifications")
async def list_notifications(
    page: InjectedPage, services: InjectedServices, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """The latest event first."""
    scope = scope_of("notifications", {})
    found = await services.notifications.notifications(
        page.caller, page_request(services, LIMIT, cursor, scope)
    )
    cases = {
        CaseId(entry.subject_id)
        for entry in found.items
        if entry.kind is NotificationKind.MODERATED
    }
    decisions = await services.reports.own_decisions(page.caller, cases)
    entries = [(entry, decisions.get(CaseId(entry.subject_id))) for entry in found.items]
    return page.render(
        "notifications/index.html",
        entries=[(entry, _path(entry, decision), decision) for entry, decision in entries],
        cursors=page_cursors(services, found, scope),
    )


@post("/notifications/read")
async def mark_read(
    page: InjectedPage, services: InjectedServices, form: InjectedForm
) -> Response[str]:
    """Marks all up to one as read. One that is no longer there leaves nothing to mark."""
    with suppress(NotFound, ValueError):
        up_to = NotificationId(UUID(form.text("up_to")))
        await services.notifications.mark_read(page.caller, up_to)
    return page.redirect("/notifications")


@get("/me/notifications")
async def settings_form(page: InjectedPage, services: InjectedServices) -> Response[str]:
    """How each kind reaches the person."""
    settings = await services.notifications.settings(page.caller)
    return _settings_page(page, Form.of(**settings))


@post("/me/notifications")
async def change_settings(
    page: InjectedPage, services: InjectedServices, form: InjectedForm
) -> Response[str]:
    """Changes the settings that the form has."""
    posted = {kind: form.text(kind) for kind in _choices() if kind in form.fields}
    wrong = [kind for kind, delivery in posted.items() if delivery not in _choices()[kind]]
    if wrong:
        errors = (FieldError(_NOT_A_CHOICE, pointer=f"/{kind}") for kind in wrong)
        rejected = form.rejected(InvalidInput(*errors), page.texts.errors)
        return _settings_page(page, rejected, 422)
    chosen = {kind: Delivery(delivery) for kind, delivery in posted.items()}
    await services.notifications.change_settings(page.caller, chosen)
    return page.redirect("/me/notifications", done="saved")


def _settings_page(page: Page, form: Form, status: int = 200) -> Response[str]:
    deliveries = page.texts.notifications.deliveries
    possible = {
        kind: tuple((delivery, deliveries[delivery]) for delivery in choices)
        for kind, choices in _choices().items()
    }
    return page.render("notifications/settings.html", status=status, form=form, possible=possible)


@post("/me/socket-tickets", opt={**TICKETS, **SECRET, **JSON_ERRORS})
async def issue_ticket(page: InjectedPage, services: InjectedServices) -> Response[Any]:
    """A ticket for one socket of the person's stream. No token ever reaches a script."""
    ticket = await services.tickets.issue_for_person(page.caller)
    path = services.base_path + SOCKET
    return page.json({"ticket": ticket, "path": path, "expires_in": TICKET_TTL})


router = Router(
    "/",
    route_handlers=[
        list_notifications,
        mark_read,
        settings_form,
        change_settings,
        issue_ticket,
    ],
)


def _path(entry: NotificationView, decision: OwnDecisionView | None) -> str | None:
    """Where an entry leads: to the room, the project, the requests or the reports."""
    if entry.kind is NotificationKind.REPORT_DECIDED:
        return "/me/reports"
    if decision and decision.target.kind is TargetKind.PROJECT:
        is_there = decision.action is not Action.REMOVE or decision.is_reversed
        return f"/projects/{decision.target.id}" if is_there else None
    if entry.room_id:
        return f"/chats/{entry.room_id}"
    if entry.request_id:
        return "/chats/requests"
    if entry.project:
        rest = "#comments" if entry.kind is NotificationKind.COMMENT else ""
        return f"/projects/{entry.project.id}{rest}"
    return None


def _choices() -> dict[str, list[str]]:
    """The choices of each setting. Messages have no entries on the pages."""
    return {
        kind: [choice.value for choice in Delivery if kind != MESSAGES or choice != Delivery.WEB]
        for kind in DEFAULT_SETTINGS
    }

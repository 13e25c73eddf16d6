"""Reporting, and the caller's own reports."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.api.pagination import LIMIT, LINK, CursorText, Limit, ListOf, Total, page_response
from sidepro.api.routes.rooms import MAX_SEQ
from sidepro.api.schemas import NOT_BLANK, Moment, Positive
from sidepro.domain.errors import NotFound
from sidepro.domain.ids import CommentId, ProjectId, RoomId, UserId
from sidepro.domain.moderation.report import ReportReason
from sidepro.domain.moderation.target import Target, TargetKind
from sidepro.domain.moderation.views import ReportView
from sidepro.domain.validation import Validator
from sidepro.domain.violations import MISSING, FieldCode, Violation
from sidepro.http.cursors import page_request, scope_of
from sidepro.http.services import InjectedServices
from sidepro.http.timestamps import moment

_ONLY_FOR_MESSAGES = Violation(FieldCode.CONFLICTING, "is for messages only")
_NOT_FOR_MESSAGES = Violation(FieldCode.CONFLICTING, "cannot be given for a message")

Note = Annotated[str, msgspec.Meta(extra_json_schema={**NOT_BLANK, "maxLength": 1_000})]
TargetId = Annotated[str, msgspec.Meta(description="An id, or `<room_id>/<seq>` of a message.")]


class NewReport(msgspec.Struct, forbid_unknown_fields=True):
    """What is reported, and why. A message has `room_id` and `seq`, all else an `id`."""

    kind: TargetKind
    reason: ReportReason
    id: UUID | None = None
    room_id: UUID | None = None
    seq: Positive | None = None
    note: Note | None = None


class Report(msgspec.Struct):
    """A report. It is decided when its case is."""

    id: UUID
    kind: TargetKind
    target_id: TargetId
    reason: ReportReason
    note: str | None
    state: Literal["open", "decided"]
    created_at: Moment


def report_schema(view: ReportView) -> Report:
    """A report as JSON."""
    return Report(
        id=view.id,
        kind=view.target.kind,
        target_id=view.target.text,
        reason=view.reason,
        note=view.note,
        state="decided" if view.is_decided else "open",
        created_at=moment(view.created_at),
    )


@get("/reports", response_headers=[LINK], summary="List the caller's reports, newest first")
async def list_reports(
    request: ApiRequest,
    services: InjectedServices,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[Report]]:
    """The caller's own reports."""
    caller = caller_of(request)
    scope = scope_of("reports", {"user": caller.id})
    page = await services.reports.reports(caller, page_request(services, limit, cursor, scope))
    size = await services.reports.report_count(caller) if total else None
    return page_response(request, services, page, scope, report_schema, size)


@post(
    "/reports",
    opt={"problems": (NotFound,)},
    response_description="A new report.",
    responses={200: ResponseSpec(Report, description="The caller's report that is still open.")},
    summary="Report a project, a comment, a message or a user",
)
async def create_report(
    request: ApiRequest, data: JSONBody[NewReport], services: InjectedServices
) -> Response[Report]:
    """Of what the caller can see, and did not write. 200 while an earlier report is open."""
    result = await services.reports.report(
        caller_of(request), _target(data), data.reason, data.note
    )
    return Response(report_schema(result.report), status_code=201 if result.created else 200)


def _target(data: NewReport) -> Target:
    """The reported thing.

    Raises:
        InvalidInput: the ids do not fit the kind.
    """
    validator = Validator()
    is_message = data.kind is TargetKind.MESSAGE
    for name, is_for_messages in (("id", False), ("room_id", True), ("seq", True)):
        is_given = getattr(data, name) is not None
        if is_given and is_for_messages is not is_message:
            validator.add(_ONLY_FOR_MESSAGES if is_for_messages else _NOT_FOR_MESSAGES, name)
        if not is_given and is_for_messages is is_message:
            validator.add(MISSING, name)
    validator.raise_errors()
    if data.room_id is not None and data.seq is not None:
        return Target.message(RoomId(data.room_id), min(data.seq, MAX_SEQ))
    assert data.id is not None, "checked above"  # noqa: S101
    match data.kind:
        case TargetKind.PROJECT:
            return Target.project(ProjectId(data.id))
        case TargetKind.COMMENT:
            return Target.comment(CommentId(data.id))
        case _:
            return Target.user(UserId(data.id))


HANDLERS = (list_reports, create_report)

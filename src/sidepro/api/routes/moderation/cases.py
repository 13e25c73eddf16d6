"""Cases, decisions and the log, for moderators and administrators."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import JSONBody, Parameter, QueryParameter

from sidepro.api.dependencies import ApiConnection, ApiRequest, caller_of
from sidepro.api.pagination import LIMIT, LINK, CursorText, Limit, ListOf, Total, page_response
from sidepro.api.routes.moderation.reports import Report, TargetId, report_schema
from sidepro.api.schemas import NOT_BLANK, Count, Moment, Positive, UserSummary, user_summary
from sidepro.domain.accounts import views as accounts
from sidepro.domain.errors import CaseChanged, Forbidden
from sidepro.domain.ids import CaseId
from sidepro.domain.moderation import views
from sidepro.domain.moderation.case import Action, CaseState
from sidepro.domain.moderation.report import ReportReason
from sidepro.domain.moderation.target import TargetKind
from sidepro.http.cursors import page_request, scope_of
from sidepro.http.path_ids import PathId
from sidepro.http.services import InjectedServices, Services
from sidepro.http.timestamps import moment

DecisionReason = Annotated[str, msgspec.Meta(extra_json_schema={**NOT_BLANK, "maxLength": 500})]
Days = Annotated[int, msgspec.Meta(extra_json_schema={"minimum": 1, "maximum": 365})]


class Decision(msgspec.Struct):
    """The decision of a case. `moderator` is null if they withdrew."""

    action: Literal["dismiss", "hide", "remove", "warn", "suspend"]
    days: Positive | None
    reason: str
    moderator: UserSummary | None
    at: Moment


class Case(msgspec.Struct):
    """A case in a list."""

    id: UUID
    kind: TargetKind
    target_id: TargetId
    state: CaseState
    version: Positive
    report_count: Count
    reasons: dict[ReportReason, Positive]
    hidden: bool
    claimed_by: UserSummary | None
    decision: Decision | None
    created_at: Moment
    updated_at: Moment


class SnapshotProject(msgspec.Struct):
    """A project as it was."""

    title: str
    summary: str
    content: str
    repository_url: str | None
    skills: list[str]


class SnapshotComment(msgspec.Struct):
    """A comment as it was."""

    project_id: UUID
    body: str
    created_at: Moment


class SnapshotMessage(msgspec.Struct):
    """A message as it was. `sender` is null if they withdrew."""

    seq: Positive
    sender: UserSummary | None
    body: str
    sent_at: Moment


class SnapshotUser(msgspec.Struct):
    """A person as they were."""

    username: str
    bio: str
    github_url: str | None


class Snapshot(msgspec.Struct):
    """What was reported, as it was at the first report. `messages` are the reported message and up
    to ten around it. `author` is null if they withdrew; `user` is null then, too.
    """

    author: UserSummary | None
    project: SnapshotProject | None
    comment: SnapshotComment | None
    messages: list[SnapshotMessage]
    user: SnapshotUser | None


class CaseDetails(Case):
    """A case with its snapshot and its reports."""

    snapshot: Snapshot
    reports: list[Report]


class LogEntry(msgspec.Struct):
    """What a moderator did. `moderator` is null if they withdrew, and for the command line."""

    id: UUID
    moderator: UserSummary | None
    action: Action
    kind: TargetKind
    target_id: TargetId
    reason: str
    case_id: UUID | None
    reverses: UUID | None
    at: Moment


class Claim(msgspec.Struct, forbid_unknown_fields=True):
    """The version of the case that the moderator has read."""

    version: Positive


class NewDecision(msgspec.Struct, forbid_unknown_fields=True):
    """A decision. `days` is for suspensions alone."""

    version: Positive
    action: Literal["dismiss", "hide", "remove", "warn", "suspend"]
    reason: DecisionReason
    days: Days | None = None


class Reversal(msgspec.Struct, forbid_unknown_fields=True):
    """Undoes the decision of a case."""

    version: Positive
    reason: DecisionReason


async def check_case(services: Services, connection: ApiConnection) -> None:
    case_id = CaseId(connection.path_params["case_id"])
    await services.moderation.case(caller_of(connection), case_id)


async def check_moderator(services: Services, connection: ApiConnection) -> None:
    await services.moderation.log_size(caller_of(connection))


_READ = {"access": check_moderator, "problems": (Forbidden,)}
_CHANGE = {"access": check_case, "problems": (Forbidden, CaseChanged)}


@get("/moderation/cases", opt=_READ, response_headers=[LINK], summary="List cases")
async def list_cases(
    request: ApiRequest,
    services: InjectedServices,
    in_state: Annotated[
        CaseState | None, QueryParameter(name="state", description="Cases in this state.")
    ] = None,
    kind: Annotated[TargetKind | None, Parameter(description="Cases about this kind.")] = None,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[Case]]:
    """Those with most reports first, then the oldest. For moderators."""
    caller = caller_of(request)
    query = views.CaseQuery(in_state, kind)
    scope = scope_of("cases", {"state": in_state, "kind": kind})
    page = page_request(services, limit, cursor, scope)
    found = await services.moderation.cases(caller, query, page)
    size = await services.moderation.case_count(caller, query) if total else None
    return page_response(request, services, found, scope, _listed, size)


@get("/moderation/cases/{case_id:uuid}", opt=_READ, summary="Get a case")
async def get_case(
    request: ApiRequest, case_id: PathId, services: InjectedServices
) -> CaseDetails:
    """A case with its snapshot and reports. For moderators."""
    return _details(await services.moderation.case(caller_of(request), CaseId(case_id)))


@post(
    "/moderation/cases/{case_id:uuid}/claim",
    status_code=200,
    opt=_CHANGE,
    summary="Claim a case",
)
async def claim_case(
    request: ApiRequest, case_id: PathId, data: JSONBody[Claim], services: InjectedServices
) -> CaseDetails:
    """Also takes it from another moderator."""
    claimed = await services.moderation.claim(caller_of(request), CaseId(case_id), data.version)
    return _details(claimed)


@post(
    "/moderation/cases/{case_id:uuid}/decisions",
    status_code=200,
    opt=_CHANGE,
    summary="Decide a case",
)
async def decide_case(
    request: ApiRequest, case_id: PathId, data: JSONBody[NewDecision], services: InjectedServices
) -> CaseDetails:
    """`hide` and `remove` do not fit users. Moderators do not decide about themselves. Only
    administrators suspend moderators and administrators.
    """
    decided = await services.moderation.decide(
        caller_of(request),
        CaseId(case_id),
        data.version,
        Action(data.action),
        data.days,
        data.reason,
    )
    return _details(decided)


@post(
    "/moderation/cases/{case_id:uuid}/reversals",
    status_code=200,
    opt=_CHANGE,
    summary="Undo the decision of a case",
)
async def reverse_case(
    request: ApiRequest, case_id: PathId, data: JSONBody[Reversal], services: InjectedServices
) -> CaseDetails:
    """What was hidden or removed is shown again, and the case is open. 409 `case-changed` once
    removed content has been deleted, 90 days after the decision.
    """
    reversed_case = await services.moderation.reverse(
        caller_of(request), CaseId(case_id), data.version, data.reason
    )
    return _details(reversed_case)


@get("/moderation/log", opt=_READ, response_headers=[LINK], summary="List the log of moderation")
async def list_log(
    request: ApiRequest,
    services: InjectedServices,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[ListOf[LogEntry]]:
    """The newest entry first. Entries are never changed. For moderators."""
    caller = caller_of(request)
    scope = scope_of("moderation-log", {})
    page = await services.moderation.log(caller, page_request(services, limit, cursor, scope))
    size = await services.moderation.log_size(caller) if total else None
    return page_response(request, services, page, scope, _log_entry, size)


HANDLERS = (list_cases, get_case, claim_case, decide_case, reverse_case, list_log)


def _person(view: accounts.UserSummary | None) -> UserSummary | None:
    return None if view is None else user_summary(view)


def _decision(view: views.DecisionView | None) -> Decision | None:
    if view is None:
        return None
    action: Any = view.action.value
    person = _person(view.moderator)
    return Decision(action, view.days, view.reason, person, moment(view.at))


def _listed(view: views.CaseView) -> Case:
    return Case(
        id=view.id,
        kind=view.target.kind,
        target_id=view.target.text,
        state=view.state,
        version=view.version,
        report_count=view.report_count,
        reasons=dict(view.reasons),
        hidden=view.hidden,
        claimed_by=_person(view.claimed_by),
        decision=_decision(view.decision),
        created_at=moment(view.created_at),
        updated_at=moment(view.updated_at),
    )


def _details(view: views.CaseDetails) -> CaseDetails:
    listed = _listed(view.case)
    return CaseDetails(
        **{name: getattr(listed, name) for name in listed.__struct_fields__},
        snapshot=_snapshot(view),
        reports=[report_schema(report) for report in view.reports],
    )


def _snapshot(view: views.CaseDetails) -> Snapshot:
    kind, first = view.case.target.kind, view.snapshot[0].content
    return Snapshot(
        author=_person(view.case.author),
        project=SnapshotProject(**first) if kind is TargetKind.PROJECT else None,
        comment=(
            SnapshotComment(UUID(first["project_id"]), first["body"], _moment(first, "created_at"))
            if kind is TargetKind.COMMENT
            else None
        ),
        messages=(
            [_message(item) for item in view.snapshot] if kind is TargetKind.MESSAGE else []
        ),
        user=SnapshotUser(**first) if kind is TargetKind.USER and first else None,
    )


def _message(item: views.SnapshotItem) -> SnapshotMessage:
    content = item.content
    sender = _person(item.author)
    return SnapshotMessage(content["seq"], sender, content["body"], _moment(content, "sent_at"))


def _moment(content: Mapping[str, Any], name: str) -> Any:
    return moment(datetime.fromisoformat(content[name]))


def _log_entry(view: views.LogEntryView) -> LogEntry:
    return LogEntry(
        id=view.id,
        moderator=_person(view.moderator),
        action=view.action,
        kind=view.target.kind,
        target_id=view.target.text,
        reason=view.reason,
        case_id=view.case_id,
        reverses=view.reverses,
        at=moment(view.at),
    )

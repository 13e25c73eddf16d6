"""Reports, cases and the log as people read them, in SQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Label, Select, bindparam, func, or_, select
from sqlalchemy.sql.selectable import NamedFromClause

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.engine.keyset import KeysetQuery
from sidepro.adapters.sql.repositories.moderation import load_target
from sidepro.adapters.sql.schema.moderation_tables import (
    moderation_cases,
    moderation_items,
    moderation_log,
    reports,
)
from sidepro.adapters.sql.schema.tables import images, profiles, users
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import CaseId, ReportId, UserId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.moderation.case import Action, CaseState
from sidepro.domain.moderation.report import ReportReason
from sidepro.domain.moderation.target import Target, TargetKind
from sidepro.domain.moderation.views import (
    MAX_EXCERPT,
    CaseDetails,
    CaseQuery,
    CaseView,
    DecisionView,
    LogEntryView,
    OwnDecisionView,
    ReportView,
    SnapshotItem,
)
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.visibility import Visibility


def _summary(person: NamedFromClause, prefix: str) -> list[Label[Any]]:
    """Columns of a summary of a person, who may be missing."""
    image = (
        select(images.c.key)
        .join(profiles, profiles.c.image_id == images.c.id)
        .where(profiles.c.user_id == person.c.id)
        .correlate(person)
        .scalar_subquery()
    )
    return [
        person.c.id.label(f"{prefix}_id"),
        person.c.username.label(f"{prefix}_name"),
        image.label(f"{prefix}_image"),
    ]


_claimer, _decider, _author, _actor = (
    users.alias(name) for name in ("claimer", "decider", "author", "actor")
)
_decision = moderation_log.alias("decision")

_REPORTS = select(
    reports.c.id,
    reports.c.reason,
    reports.c.note,
    reports.c.created_at,
    reports.c.decided_at,
    moderation_cases.c.kind,
    moderation_cases.c.target_id,
).select_from(reports.join(moderation_cases, moderation_cases.c.id == reports.c.case_id))
_IS_MINE = reports.c.reporter_id == bindparam("user")
_MY_REPORTS = KeysetQuery(
    _REPORTS.where(_IS_MINE),
    (reports.c.created_at, reports.c.id),
    descending=True,
    minimal=select(reports.c.case_id).where(_IS_MINE),
)
_MY_REPORT_COUNT = select(func.count()).select_from(reports).where(_IS_MINE)
_REPORT = _REPORTS.where(reports.c.id == bindparam("id"))
_REPORTS_OF_CASE = _REPORTS.where(reports.c.case_id == bindparam("case")).order_by(
    reports.c.created_at, reports.c.id
)

_CASE_TABLES = (
    moderation_cases.outerjoin(_claimer, _claimer.c.id == moderation_cases.c.claimed_by)
    .outerjoin(_decision, _decision.c.id == moderation_cases.c.decision_id)
    .outerjoin(_decider, _decider.c.id == _decision.c.moderator_id)
    .outerjoin(_author, _author.c.id == moderation_cases.c.author_id)
)
_content = moderation_items.c.content
_EXCERPT = (
    select(
        func.substr(
            func.coalesce(*(_content[key].as_string() for key in ("title", "body", "username"))),
            1,
            MAX_EXCERPT,
        )
    )
    .where(
        moderation_items.c.case_id == moderation_cases.c.id,
        or_(
            moderation_cases.c.kind != TargetKind.MESSAGE.value,
            # The snapshot of a message has those around it.
            moderation_cases.c.target_id.endswith("/" + _content["seq"].as_string()),
        ),
    )
    .correlate(moderation_cases)
    .limit(1)
    .scalar_subquery()
)
_DECISION_COLUMNS: tuple[Any, ...] = (
    _decision.c.action,
    _decision.c.days,
    _decision.c.reason,
    _decision.c.at,
)
_CASE_COLUMNS: tuple[Any, ...] = (
    moderation_cases,
    *_DECISION_COLUMNS,
    *_summary(_claimer, "claimer"),
    *_summary(_decider, "decider"),
    *_summary(_author, "writer"),
    _EXCERPT.label("excerpt"),
)
_CASES = select(*_CASE_COLUMNS).select_from(_CASE_TABLES)
_CASE = _CASES.where(moderation_cases.c.id == bindparam("id"))
_REASONS = (
    select(reports.c.case_id, reports.c.reason, func.count().label("number"))
    .where(reports.c.case_id.in_(bindparam("ids", expanding=True)))
    .group_by(reports.c.case_id, reports.c.reason)
)
_ITEMS = (
    select(moderation_items.c.content, *_summary(_author, "writer"))
    .select_from(moderation_items.outerjoin(_author, _author.c.id == moderation_items.c.author_id))
    .where(moderation_items.c.case_id == bindparam("case"))
    .order_by(moderation_items.c.position)
)
_LOG = KeysetQuery(
    select(moderation_log, *_summary(_actor, "actor")).select_from(
        moderation_log.outerjoin(_actor, _actor.c.id == moderation_log.c.moderator_id)
    ),
    (moderation_log.c.at, moderation_log.c.id),
    descending=True,
    minimal=select(moderation_log.c.kind),
)
_LOG_SIZE = select(func.count()).select_from(moderation_log)
_DECISION_ABOUT = (
    select(*_DECISION_COLUMNS)
    .select_from(
        moderation_cases.join(_decision, _decision.c.id == moderation_cases.c.decision_id)
    )
    .where(
        moderation_cases.c.kind == bindparam("kind"),
        moderation_cases.c.target_id == bindparam("target"),
    )
)
_OWN_LOG = (
    select(moderation_log, _EXCERPT.label("excerpt"))
    .join(moderation_cases, moderation_cases.c.id == moderation_log.c.case_id)
    .where(
        moderation_cases.c.author_id == bindparam("author"),
        moderation_cases.c.id.in_(bindparam("ids", expanding=True)),
        moderation_log.c.action != Action.DISMISS.value,
    )
    .order_by(moderation_log.c.at, moderation_log.c.id)
)


def _conditions(has_state: bool, has_kind: bool) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if has_state:
        conditions.append(moderation_cases.c.state == bindparam("state"))
    if has_kind:
        conditions.append(moderation_cases.c.kind == bindparam("kind"))
    return conditions


@lru_cache
def _case_pages(has_state: bool, has_kind: bool) -> KeysetQuery:
    conditions = _conditions(has_state, has_kind)
    return KeysetQuery(
        _CASES.where(*conditions),
        (moderation_cases.c.priority, moderation_cases.c.created_at, moderation_cases.c.id),
        descending=False,
        minimal=select(moderation_cases.c.version).where(*conditions),
    )


@lru_cache
def _case_count(has_state: bool, has_kind: bool) -> Select[Any]:
    table: FromClause = moderation_cases
    return select(func.count()).select_from(table).where(*_conditions(has_state, has_kind))


class SqlModerationReader:
    """See `sidepro.domain.moderation.ports.ModerationReader`."""

    def __init__(self, source: Source, images: ImageUrls) -> None:
        self._source = source
        self._images = images

    async def reports(self, user_id: UserId, page: PageRequest) -> Page[ReportView]:
        rows = await _MY_REPORTS.page(self._source, page, {"user": user_id})
        return Page(tuple(map(_report, rows.items)), rows.next, rows.previous)

    async def report_count(self, user_id: UserId) -> int:
        (row,) = await self._source.fetch(_MY_REPORT_COUNT, {"user": user_id})
        return int(row[0])

    async def report(self, report_id: ReportId) -> ReportView | None:
        row = await self._source.fetch_one(_REPORT, {"id": report_id})
        return None if row is None else _report(row)

    async def cases(self, query: CaseQuery, page: PageRequest) -> Page[CaseView]:
        rows = await _case_pages(*_shape(query)).page(self._source, page, _values(query))
        reasons = await self._reasons(rows.items)
        cases = tuple(self._case(row, reasons[row.id]) for row in rows.items)
        return Page(cases, rows.next, rows.previous)

    async def case_count(self, query: CaseQuery) -> int:
        (row,) = await self._source.fetch(_case_count(*_shape(query)), _values(query))
        return int(row[0])

    async def case(self, case_id: CaseId) -> CaseDetails | None:
        row = await self._source.fetch_one(_CASE, {"id": case_id})
        if row is None:
            return None
        reasons = await self._reasons([row])
        items = await self._source.fetch(_ITEMS, {"case": case_id})
        reported = await self._source.fetch(_REPORTS_OF_CASE, {"case": case_id})
        return CaseDetails(
            case=self._case(row, reasons[row.id]),
            snapshot=tuple(
                SnapshotItem(self._person(item, "writer"), item.content) for item in items
            ),
            reports=tuple(map(_report, reported)),
        )

    async def log(self, page: PageRequest) -> Page[LogEntryView]:
        rows = await _LOG.page(self._source, page, {})
        entries = tuple(
            LogEntryView(
                id=row.id,
                moderator=self._person(row, "actor"),
                action=Action(row.action),
                target=load_target(row),
                days=row.days,
                reason=row.reason,
                case_id=row.case_id,
                reverses=row.reverses,
                at=row.at,
            )
            for row in rows.items
        )
        return Page(entries, rows.next, rows.previous)

    async def log_size(self) -> int:
        (row,) = await self._source.fetch(_LOG_SIZE)
        return int(row[0])

    async def decision_about(self, target: Target) -> DecisionView | None:
        parameters = {"kind": target.kind.value, "target": target.text}
        row = await self._source.fetch_one(_DECISION_ABOUT, parameters)
        return None if row is None else _decision_view(row, None)

    async def own_decisions(
        self, author_id: UserId, case_ids: Collection[CaseId]
    ) -> Mapping[CaseId, OwnDecisionView]:
        rows = await self._source.fetch(_OWN_LOG, {"author": author_id, "ids": list(case_ids)})
        undone = {row.reverses for row in rows}
        return {
            row.case_id: OwnDecisionView(
                target=load_target(row),
                excerpt=row.excerpt,
                action=Action(row.action),
                days=row.days,
                reason=row.reason,
                is_reversed=row.id in undone,
            )
            for row in rows  # the oldest first
            if row.action != Action.REVERSE.value
        }

    async def _reasons(self, cases: Sequence[Row]) -> Mapping[CaseId, dict[ReportReason, int]]:
        counted: defaultdict[CaseId, dict[ReportReason, int]] = defaultdict(dict)
        if cases:
            rows = await self._source.fetch(_REASONS, {"ids": [case.id for case in cases]})
            for row in rows:
                counted[row.case_id][ReportReason(row.reason)] = row.number
        return counted

    def _case(self, row: Row, reasons: Mapping[ReportReason, int]) -> CaseView:
        decision = None
        if row.action is not None:
            decision = _decision_view(row, self._person(row, "decider"))
        return CaseView(
            id=row.id,
            target=load_target(row),
            author=self._person(row, "writer"),
            excerpt=row.excerpt,
            state=CaseState(row.state),
            version=row.version,
            report_count=-row.priority,
            reasons={reason: reasons[reason] for reason in ReportReason if reason in reasons},
            hidden=row.visibility is not Visibility.VISIBLE,
            claimed_by=self._person(row, "claimer"),
            decision=decision,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    def _person(self, row: Row, prefix: str) -> UserSummary | None:
        user_id, name, image = (
            getattr(row, f"{prefix}_{part}") for part in ("id", "name", "image")
        )
        return None if user_id is None else UserSummary(user_id, name, self._images.url(image))


def _report(row: Row) -> ReportView:
    return ReportView(
        id=row.id,
        target=load_target(row),
        reason=ReportReason(row.reason),
        note=row.note,
        is_decided=row.decided_at is not None,
        created_at=row.created_at,
    )


def _decision_view(row: Row, moderator: UserSummary | None) -> DecisionView:
    return DecisionView(Action(row.action), row.days, row.reason, moderator, row.at)


def _shape(query: CaseQuery) -> tuple[bool, bool]:
    return query.state is not None, query.kind is not None


def _values(query: CaseQuery) -> dict[str, Any]:
    values = {"state": query.state and query.state.value, "kind": query.kind and query.kind.value}
    return {name: value for name, value in values.items() if value is not None}

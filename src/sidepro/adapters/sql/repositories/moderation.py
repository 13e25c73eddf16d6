"""Cases, reports and the log of moderation, in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Select,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.schema.chat_tables import rooms
from sidepro.adapters.sql.schema.moderation_tables import (
    moderation_cases,
    moderation_items,
    moderation_log,
    reports,
)
from sidepro.adapters.sql.schema.tables import comments, projects, users
from sidepro.domain.ids import CaseId, LogEntryId, UserId
from sidepro.domain.moderation.case import Action, Case, CaseState, LogEntry
from sidepro.domain.moderation.ports import StoredItem
from sidepro.domain.moderation.report import Report, ReportReason
from sidepro.domain.moderation.target import Target, TargetKind

_CASE = select(moderation_cases).where(moderation_cases.c.id == bindparam("id"))
_LOCKED_CASE = _CASE.with_for_update(key_share=True)
_OF_TARGET = (
    moderation_cases.c.kind == bindparam("kind"),
    moderation_cases.c.target_id == bindparam("target"),
)
_CASE_OF_TARGET = select(moderation_cases).where(*_OF_TARGET).with_for_update(key_share=True)
_IS_OPEN = reports.c.decided_at.is_(None)
_OF_CASE = reports.c.case_id == bindparam("of_case", type_=reports.c.case_id.type)
_OPEN_REPORT = select(reports).where(
    _OF_CASE, _IS_OPEN, reports.c.reporter_id == bindparam("reporter")
)
_TRUSTED_REPORTS = (
    select(func.count())
    .select_from(reports.join(users, users.c.id == reports.c.reporter_id))
    .where(
        _OF_CASE,
        _IS_OPEN,
        users.c.email_verified,
        users.c.created_at < bindparam("before", type_=users.c.created_at.type),
    )
)
_SETTLE = (
    update(reports)
    .where(_OF_CASE, _IS_OPEN)
    .values(decided_at=bindparam("now"))
    .returning(reports.c.reporter_id)
)
_ENTRY = select(moderation_log).where(moderation_log.c.id == bindparam("id"))
_later = moderation_log.alias("later")
_SUSPENSIONS = (
    select(moderation_log)
    .join(moderation_cases, moderation_cases.c.id == moderation_log.c.case_id)
    .where(
        moderation_cases.c.author_id == bindparam("user"),
        moderation_log.c.action == Action.SUSPEND.value,
        ~exists().where(
            _later.c.case_id == moderation_log.c.case_id,
            tuple_(_later.c.at, _later.c.id) > tuple_(moderation_log.c.at, moderation_log.c.id),
            or_(
                _later.c.action == Action.SUSPEND.value,
                _later.c.reverses == moderation_log.c.id,
            ),
        ),
    )
)

_ID = bindparam("id", type_=users.c.id.type)
_PEOPLE: dict[TargetKind, Select[Any] | CompoundSelect[Any]] = {
    TargetKind.PROJECT: select(projects.c.author_id).where(projects.c.id == _ID),
    TargetKind.COMMENT: union_all(
        select(comments.c.author_id).where(comments.c.id == _ID),
        select(projects.c.author_id)
        .join(comments, comments.c.project_id == projects.c.id)
        .where(comments.c.id == _ID),
    ),
    TargetKind.MESSAGE: union_all(
        select(rooms.c.low_id).where(rooms.c.id == _ID),
        select(rooms.c.high_id).where(rooms.c.id == _ID),
    ),
    TargetKind.USER: select(users.c.id).where(users.c.id == _ID),
}
# In the order of ids, as `lock_pair` does.
_LOCK_PEOPLE = {
    kind: select(users.c.id)
    .where(
        users.c.id.in_(
            union_all(
                people.subquery().select(), select(moderation_cases.c.author_id).where(*_OF_TARGET)
            )
        )
    )
    .order_by(users.c.id)
    .with_for_update(key_share=True)
    for kind, people in _PEOPLE.items()
}
_KEEP_REPORTERS = (
    select(users.c.id)
    .where(users.c.id.in_(select(reports.c.reporter_id).where(_OF_CASE, _IS_OPEN)))
    .order_by(users.c.id)
    .with_for_update(read=True, key_share=True)
)
_DUE = (
    select(moderation_cases.c.id)
    .where(moderation_cases.c.purge_at <= bindparam("now"))
    .order_by(moderation_cases.c.purge_at)
    .limit(bindparam("limit"))
)


class SqlModeration:
    """See `sidepro.domain.moderation.ports.ModerationRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock_people(self, target: Target) -> None:
        parameters = {"id": target.id, "kind": target.kind.value, "target": target.text}
        await self._connection.execute(_LOCK_PEOPLE[target.kind], parameters)

    async def keep_reporters(self, case_id: CaseId) -> None:
        await self._connection.execute(_KEEP_REPORTERS, {"of_case": case_id})

    async def find(self, case_id: CaseId) -> Case | None:
        return _case((await self._connection.execute(_CASE, {"id": case_id})).first())

    async def get(self, case_id: CaseId) -> Case | None:
        return _case((await self._connection.execute(_LOCKED_CASE, {"id": case_id})).first())

    async def get_or_add(self, case: Case, snapshot: Sequence[StoredItem]) -> Case:
        added = (
            upsert(self._connection, moderation_cases)
            .values(_case_row(case))
            .on_conflict_do_nothing(
                index_elements=[moderation_cases.c.kind, moderation_cases.c.target_id]
            )
            .returning(moderation_cases.c.id)
        )
        if (await self._connection.execute(added)).first() is not None:
            rows = [
                {
                    "case_id": case.id,
                    "position": position,
                    "author_id": item.author_id,
                    "content": dict(item.content),
                }
                for position, item in enumerate(snapshot)
            ]
            if rows:
                await self._connection.execute(insert(moderation_items), rows)
            return case
        parameters = {"kind": case.target.kind.value, "target": case.target.text}
        found = _case((await self._connection.execute(_CASE_OF_TARGET, parameters)).first())
        assert found is not None, "cases are never deleted"  # noqa: S101
        return found

    async def save(self, case: Case) -> None:
        row = _case_row(case)
        for fixed in ("id", "kind", "target_id", "author_id", "created_at"):
            del row[fixed]
        await self._connection.execute(
            update(moderation_cases).where(moderation_cases.c.id == case.id).values(row)
        )

    async def open_report(self, case_id: CaseId, reporter_id: UserId) -> Report | None:
        parameters = {"of_case": case_id, "reporter": reporter_id}
        row = (await self._connection.execute(_OPEN_REPORT, parameters)).first()
        if row is None:
            return None
        return Report(
            id=row.id,
            case_id=row.case_id,
            reporter_id=row.reporter_id,
            reason=ReportReason(row.reason),
            note=row.note,
            created_at=row.created_at,
            decided_at=row.decided_at,
        )

    async def add_report(self, report: Report) -> None:
        await self._connection.execute(
            insert(reports),
            {
                "id": report.id,
                "case_id": report.case_id,
                "reporter_id": report.reporter_id,
                "reason": report.reason.value,
                "note": report.note,
                "created_at": report.created_at,
                "decided_at": report.decided_at,
            },
        )

    async def trusted_reports(self, case_id: CaseId, signed_up_before: datetime) -> int:
        parameters = {"of_case": case_id, "before": signed_up_before}
        return int(await self._connection.scalar(_TRUSTED_REPORTS, parameters) or 0)

    async def settle_reports(self, case_id: CaseId, now: datetime) -> tuple[UserId, ...]:
        settled = await self._connection.scalars(_SETTLE, {"of_case": case_id, "now": now})
        return tuple(reporter for reporter in settled if reporter is not None)

    async def add_entry(self, entry: LogEntry) -> None:
        await self._connection.execute(
            insert(moderation_log),
            {
                "id": entry.id,
                "moderator_id": entry.moderator_id,
                "action": entry.action.value,
                "kind": entry.target.kind.value,
                "target_id": entry.target.text,
                "days": entry.days,
                "reason": entry.reason,
                "case_id": entry.case_id,
                "reverses": entry.reverses,
                "at": entry.at,
            },
        )

    async def entry(self, entry_id: LogEntryId) -> LogEntry | None:
        row = (await self._connection.execute(_ENTRY, {"id": entry_id})).first()
        return None if row is None else load_entry(row)

    async def suspensions(self, user_id: UserId) -> tuple[LogEntry, ...]:
        rows = await self._connection.execute(_SUSPENSIONS, {"user": user_id})
        return tuple(load_entry(row) for row in rows)

    async def due_for_purge(self, now: datetime, limit: int) -> tuple[CaseId, ...]:
        return tuple(await self._connection.scalars(_DUE, {"now": now, "limit": limit}))


def load_target(row: Row) -> Target:
    """The target in a row with `kind` and `target_id`."""
    return Target.parse(TargetKind(row.kind), row.target_id)


def load_entry(row: Row) -> LogEntry:
    """The entry of a row of the log."""
    return LogEntry(
        id=row.id,
        moderator_id=row.moderator_id,
        action=Action(row.action),
        target=load_target(row),
        days=row.days,
        reason=row.reason,
        case_id=row.case_id,
        reverses=row.reverses,
        at=row.at,
    )


def _case(row: Row | None) -> Case | None:
    if row is None:
        return None
    return Case(
        id=row.id,
        target=load_target(row),
        author_id=row.author_id,
        state=CaseState(row.state),
        version=row.version,
        report_count=-row.priority,
        visibility=row.visibility,
        claimed_by=row.claimed_by,
        decision_id=row.decision_id,
        purge_at=row.purge_at,
        is_purged=row.is_purged,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _case_row(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "kind": case.target.kind.value,
        "target_id": case.target.text,
        "author_id": case.author_id,
        "state": case.state.value,
        "version": case.version,
        "priority": -case.report_count,
        "visibility": case.visibility,
        "claimed_by": case.claimed_by,
        "decision_id": case.decision_id,
        "purge_at": case.purge_at,
        "is_purged": case.is_purged,
        "created_at": case.created_at,
        "updated_at": case.updated_at,
    }

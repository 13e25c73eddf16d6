"""Cases, reports and the log of moderation in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sidepro.domain.ids import CaseId, LogEntryId, UserId
from sidepro.domain.moderation.case import Action, Case, LogEntry
from sidepro.domain.moderation.ports import StoredItem
from sidepro.domain.moderation.report import Report
from sidepro.domain.moderation.target import Target, TargetKind
from tests.fakes.state import Repository


class MemoryModeration(Repository):
    """See `sidepro.domain.moderation.ports.ModerationRepository`.

    Units of work follow one another, so nothing is locked.
    """

    async def lock_people(self, target: Target) -> None:
        pass

    async def keep_reporters(self, case_id: CaseId) -> None:
        pass

    async def find(self, case_id: CaseId) -> Case | None:
        return self._state.cases.get(case_id)

    async def get(self, case_id: CaseId) -> Case | None:
        return self._state.cases.get(case_id)

    async def get_or_add(self, case: Case, snapshot: Sequence[StoredItem]) -> Case:
        for stored in self._state.cases.values():
            if stored.target == case.target:
                return stored
        self._state.cases[case.id] = case
        self._state.snapshots[case.id] = tuple(snapshot)
        return case

    async def save(self, case: Case) -> None:
        stored = self._state.cases[case.id]
        self._state.cases[case.id] = replace(
            case, target=stored.target, author_id=stored.author_id, created_at=stored.created_at
        )

    async def open_report(self, case_id: CaseId, reporter_id: UserId) -> Report | None:
        reports = self._open_reports(case_id)
        return next((one for one in reports if one.reporter_id == reporter_id), None)

    async def add_report(self, report: Report) -> None:
        self._must_be_there(report.reporter_id)
        self._state.reports[report.id] = report

    async def trusted_reports(self, case_id: CaseId, signed_up_before: datetime) -> int:
        ids = [report.reporter_id for report in self._open_reports(case_id)]
        reporters = [self._state.users[one] for one in ids if one is not None]
        return sum(
            user.email_verified and user.created_at < signed_up_before for user in reporters
        )

    async def settle_reports(self, case_id: CaseId, now: datetime) -> tuple[UserId, ...]:
        reports = self._open_reports(case_id)
        for report in reports:
            self._state.reports[report.id] = replace(report, decided_at=now)
        return tuple(report.reporter_id for report in reports if report.reporter_id)

    async def add_entry(self, entry: LogEntry) -> None:
        self._state.moderation_log[entry.id] = entry

    async def entry(self, entry_id: LogEntryId) -> LogEntry | None:
        return self._state.moderation_log.get(entry_id)

    async def suspensions(self, user_id: UserId) -> tuple[LogEntry, ...]:
        log = sorted(self._state.moderation_log.values(), key=lambda one: (one.at, one.id))
        reversed_ones = {entry.reverses for entry in log}
        latest = {one.case_id: one for one in log if one.action is Action.SUSPEND and one.case_id}
        return tuple(
            entry
            for case_id, entry in latest.items()
            if self._state.cases[case_id].author_id == user_id and entry.id not in reversed_ones
        )

    async def due_for_purge(self, now: datetime, limit: int) -> tuple[CaseId, ...]:
        due = [
            (case.purge_at, case.id)
            for case in self._state.cases.values()
            if case.purge_at and case.purge_at <= now
        ]
        return tuple(case_id for _, case_id in sorted(due)[:limit])

    def forget(self, user_id: UserId) -> None:
        """Remove a person who withdraws from cases, reports and the log."""
        state = self._state

        def unless_gone(person: UserId | None) -> UserId | None:
            return None if person == user_id else person

        for case in list(state.cases.values()):
            items = state.snapshots[case.id]
            state.snapshots[case.id] = tuple(
                StoredItem(
                    unless_gone(item.author_id),
                    {}
                    if case.target.kind is TargetKind.USER and item.author_id == user_id
                    else item.content,
                )
                for item in items
            )
            state.cases[case.id] = replace(
                case,
                author_id=unless_gone(case.author_id),
                claimed_by=unless_gone(case.claimed_by),
            )
        for report in list(state.reports.values()):
            state.reports[report.id] = replace(report, reporter_id=unless_gone(report.reporter_id))
        for entry in list(state.moderation_log.values()):
            nameless = replace(entry, moderator_id=unless_gone(entry.moderator_id))
            state.moderation_log[entry.id] = nameless

    def _open_reports(self, case_id: CaseId) -> list[Report]:
        return [
            report
            for report in self._state.reports.values()
            if report.case_id == case_id and report.decided_at is None
        ]

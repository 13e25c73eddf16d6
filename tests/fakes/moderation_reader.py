"""The reader of reports, cases and the log in memory."""

from collections import Counter
from collections.abc import Collection, Mapping

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import CaseId, LogEntryId, ReportId, UserId
from sidepro.domain.moderation.case import Action, Case
from sidepro.domain.moderation.report import Report, ReportReason
from sidepro.domain.moderation.target import Target
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
from tests.fakes.board_reader import MemoryBoardReader, read_page


class MemoryModerationReader(MemoryBoardReader):
    """See `sidepro.domain.moderation.ports.ModerationReader`."""

    async def reports(self, user_id: UserId, page: PageRequest) -> Page[ReportView]:
        views = [self._report(report) for report in self._reports_by(user_id)]
        return read_page(views, page, lambda view: (view.created_at, view.id), descending=True)

    async def report_count(self, user_id: UserId) -> int:
        return len(self._reports_by(user_id))

    async def report(self, report_id: ReportId) -> ReportView | None:
        report = self._store.state.reports.get(report_id)
        return None if report is None else self._report(report)

    async def cases(self, query: CaseQuery, page: PageRequest) -> Page[CaseView]:
        views = [self._case(case) for case in self._matching_cases(query)]
        return read_page(
            views,
            page,
            lambda view: (-view.report_count, view.created_at, view.id),
            descending=False,
        )

    async def case_count(self, query: CaseQuery) -> int:
        return len(self._matching_cases(query))

    async def case(self, case_id: CaseId) -> CaseDetails | None:
        case = self._store.state.cases.get(case_id)
        if case is None:
            return None
        reports = sorted(self._reports_in(case), key=lambda one: (one.created_at, one.id))
        return CaseDetails(
            case=self._case(case),
            snapshot=tuple(
                SnapshotItem(self._somebody(item.author_id), item.content)
                for item in self._store.state.snapshots[case_id]
            ),
            reports=tuple(map(self._report, reports)),
        )

    async def log(self, page: PageRequest) -> Page[LogEntryView]:
        views = [
            LogEntryView(
                id=entry.id,
                moderator=self._somebody(entry.moderator_id),
                action=entry.action,
                target=entry.target,
                days=entry.days,
                reason=entry.reason,
                case_id=entry.case_id,
                reverses=entry.reverses,
                at=entry.at,
            )
            for entry in self._store.state.moderation_log.values()
        ]
        return read_page(views, page, lambda view: (view.at, view.id), descending=True)

    async def log_size(self) -> int:
        return len(self._store.state.moderation_log)

    async def decision_about(self, target: Target) -> DecisionView | None:
        for case in self._store.state.cases.values():
            if case.target == target and case.decision_id:
                return self._decision(case.decision_id, is_named=False)
        return None

    async def own_decisions(
        self, author_id: UserId, case_ids: Collection[CaseId]
    ) -> Mapping[CaseId, OwnDecisionView]:
        state = self._store.state
        log = sorted(state.moderation_log.values(), key=lambda one: (one.at, one.id))
        undone = {entry.reverses for entry in log}
        return {
            entry.case_id: OwnDecisionView(
                target=entry.target,
                excerpt=self._excerpt(state.cases[entry.case_id]),
                action=entry.action,
                days=entry.days,
                reason=entry.reason,
                is_reversed=entry.id in undone,
            )
            for entry in log
            if entry.case_id is not None
            and entry.case_id in case_ids
            and entry.action not in (Action.DISMISS, Action.REVERSE)
            and state.cases[entry.case_id].author_id == author_id
        }

    def _reports_by(self, user_id: UserId) -> list[Report]:
        reports = self._store.state.reports.values()
        return [report for report in reports if report.reporter_id == user_id]

    def _reports_in(self, case: Case) -> list[Report]:
        reports = self._store.state.reports.values()
        return [report for report in reports if report.case_id == case.id]

    def _matching_cases(self, query: CaseQuery) -> list[Case]:
        return [
            case
            for case in self._store.state.cases.values()
            if query.state in (None, case.state) and query.kind in (None, case.target.kind)
        ]

    def _report(self, report: Report) -> ReportView:
        return ReportView(
            id=report.id,
            target=self._store.state.cases[report.case_id].target,
            reason=report.reason,
            note=report.note,
            is_decided=report.decided_at is not None,
            created_at=report.created_at,
        )

    def _case(self, case: Case) -> CaseView:
        reasons = Counter(report.reason for report in self._reports_in(case))
        return CaseView(
            id=case.id,
            target=case.target,
            author=self._somebody(case.author_id),
            excerpt=self._excerpt(case),
            state=case.state,
            version=case.version,
            report_count=case.report_count,
            reasons={reason: reasons[reason] for reason in ReportReason if reason in reasons},
            hidden=case.visibility is not Visibility.VISIBLE,
            claimed_by=self._somebody(case.claimed_by),
            decision=self._decision(case.decision_id) if case.decision_id else None,
            created_at=case.created_at,
            updated_at=case.updated_at,
        )

    def _excerpt(self, case: Case) -> str | None:
        for item in self._store.state.snapshots[case.id]:
            if case.target.seq in (None, item.content.get("seq")):
                for key in ("title", "body", "username"):
                    if key in item.content:
                        return str(item.content[key])[:MAX_EXCERPT]
        return None

    def _decision(self, entry_id: LogEntryId, *, is_named: bool = True) -> DecisionView:
        entry = self._store.state.moderation_log[entry_id]
        moderator = self._somebody(entry.moderator_id) if is_named else None
        return DecisionView(entry.action, entry.days, entry.reason, moderator, entry.at)

    def _somebody(self, user_id: UserId | None) -> UserSummary | None:
        return None if user_id is None else self._summary(user_id)

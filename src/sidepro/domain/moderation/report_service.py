"""Reporting, and reading one's own reports."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sidepro.domain.clock import Clock
from sidepro.domain.errors import FieldError, InvalidInput, ensure_found
from sidepro.domain.identity import Caller
from sidepro.domain.ids import CaseId, NewId, ReportId
from sidepro.domain.images.withholding import ImageWithholding
from sidepro.domain.moderation.case import Case
from sidepro.domain.moderation.content import CaseEffects, Content, load_content, save_case
from sidepro.domain.moderation.ports import ModerationReader, ModerationUnitOfWork
from sidepro.domain.moderation.report import (
    HIDING_REPORTS,
    TRUSTED_AFTER,
    Report,
    ReportReason,
    validate_note,
)
from sidepro.domain.moderation.target import Target
from sidepro.domain.moderation.views import DecisionView, OwnDecisionView, ReportView
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.unit_of_work import UnitOfWorkFactory
from sidepro.domain.violations import YOUR_OWN
from sidepro.domain.visibility import Viewer


class ReportResult(NamedTuple):
    """A report, and whether it is new."""

    report: ReportView
    created: bool


@dataclass(frozen=True, slots=True)
class ReportService:
    """Use cases of everybody."""

    unit_of_work: UnitOfWorkFactory[ModerationUnitOfWork]
    reader: ModerationReader
    withholding: ImageWithholding
    notifier: Notifier
    clock: Clock
    new_id: NewId

    async def report(
        self, caller: Caller, target: Target, reason: ReportReason, note: str | None
    ) -> ReportResult:
        """Report something that the caller can see. The first report takes the snapshot. Enough
        reports by trusted people hide the target. While an earlier report of the caller is open,
        returns that one.

        Raises:
            NotFound: the caller cannot see the target.
            InvalidInput: it is the caller's own, or the note breaks its rule.
        """
        now = self.clock()
        effects = CaseEffects()
        async with self.unit_of_work() as work:
            content = ensure_found(await load_content(work, target))
            content.authorize(Viewer.of(caller))
            if content.author_id == caller.id:
                raise InvalidInput(FieldError(YOUR_OWN, pointer="/id"))
            text = validate_note(note)
            fresh = Case.open(CaseId(self.new_id()), target, content.author_id, now)
            case = await work.moderation.get_or_add(fresh, content.snapshot())
            report = await work.moderation.open_report(case.id, caller.id)
            created = report is None
            if report is None:
                report = Report(ReportId(self.new_id()), case.id, caller.id, reason, text, now)
                await work.moderation.add_report(report)
                effects = await self._count(work, case, content)
            await work.commit()
        await effects.publish(self.notifier)
        if created:
            await self.withholding.reconcile()
        view = ReportView(
            report.id,
            target,
            report.reason,
            report.note,
            is_decided=False,
            created_at=report.created_at,
        )
        return ReportResult(view, created)

    async def reports(self, caller: Caller, page: PageRequest) -> Page[ReportView]:
        """A page of the caller's own reports, the newest first."""
        return await self.reader.reports(caller.id, page)

    async def report_count(self, caller: Caller) -> int:
        """How many reports the caller made."""
        return await self.reader.report_count(caller.id)

    async def decision_about(self, target: Target) -> DecisionView | None:
        """What was decided about a target, for its author: without the moderator."""
        return await self.reader.decision_about(target)

    async def own_decisions(
        self, caller: Caller, case_ids: Collection[CaseId]
    ) -> Mapping[CaseId, OwnDecisionView]:
        """What was decided in these cases, as far as they are about the caller."""
        return await self.reader.own_decisions(caller.id, case_ids) if case_ids else {}

    async def preview(self, caller: Caller, target: Target) -> Content:
        """What the caller is about to report.

        Raises:
            NotFound: the caller cannot see the target.
            InvalidInput: it is the caller's own.
        """
        async with self.unit_of_work() as work:
            content = ensure_found(await load_content(work, target))
        content.authorize(Viewer.of(caller))
        if content.author_id == caller.id:
            raise InvalidInput(FieldError(YOUR_OWN, pointer="/id"))
        return content

    async def _count(
        self, work: ModerationUnitOfWork, case: Case, content: Content
    ) -> CaseEffects:
        """Count a report, which may hide what it is about."""
        now = self.clock()
        reported = case.reported(now)
        trusted = await work.moderation.trusted_reports(case.id, now - TRUSTED_AFTER)
        if trusted >= HIDING_REPORTS:
            reported = reported.hidden_by_reports(now)
        return await save_case(work, case, reported, content)

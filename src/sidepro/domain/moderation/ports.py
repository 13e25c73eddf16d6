"""Ports of moderation."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sidepro.domain.accounts.ports import AccountUnitOfWork
from sidepro.domain.ids import CaseId, LogEntryId, ReportId, UserId
from sidepro.domain.moderation.case import Case, LogEntry
from sidepro.domain.moderation.report import Report
from sidepro.domain.moderation.target import Target
from sidepro.domain.moderation.views import (
    CaseDetails,
    CaseQuery,
    CaseView,
    DecisionView,
    LogEntryView,
    OwnDecisionView,
    ReportView,
)
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.projects.ports import ProjectUnitOfWork
from sidepro.domain.rooms.ports import RoomUnitOfWork


@dataclass(frozen=True, slots=True)
class StoredItem:
    """A part of a snapshot: who wrote it, and a JSON object that names nobody."""

    author_id: UserId | None
    content: Mapping[str, Any]


class ModerationRepository(Protocol):
    """Cases, reports and the log, inside a unit of work."""

    async def lock_people(self, target: Target) -> None:
        """Lock whose target this is against their withdrawal and new notifications, until the unit
        of work ends: the authors of a project or comment, both people of a message's room, a
        person, and whom the case is about. Call this before anything else is locked.
        """
        ...

    async def keep_reporters(self, case_id: CaseId) -> None:
        """Delay the withdrawal of those whose reports are open until the unit of work ends. Call
        this before anything else is locked.
        """
        ...

    async def find(self, case_id: CaseId) -> Case | None:
        """The case, without a lock."""
        ...

    async def get(self, case_id: CaseId) -> Case | None:
        """The case. MUST lock it until the unit of work ends."""
        ...

    async def get_or_add(self, case: Case, snapshot: Sequence[StoredItem]) -> Case:
        """The case of this case's target. Stores the given one, with its snapshot, if there is
        none. MUST lock it. Concurrent calls for one target MUST store exactly one.
        """
        ...

    async def save(self, case: Case) -> None:
        """Store a changed case."""
        ...

    async def open_report(self, case_id: CaseId, reporter_id: UserId) -> Report | None:
        """The open report of a person in the case."""
        ...

    async def add_report(self, report: Report) -> None:
        """Store a report in a case that this unit of work has locked.

        Raises:
            NotFound: the reporter does not exist.
        """
        ...

    async def trusted_reports(self, case_id: CaseId, signed_up_before: datetime) -> int:
        """The number of open reports in the case by people whose email is verified and who signed
        up before this time.
        """
        ...

    async def settle_reports(self, case_id: CaseId, now: datetime) -> tuple[UserId, ...]:
        """Mark the open reports of the case as decided. Returns who reported."""
        ...

    async def add_entry(self, entry: LogEntry) -> None:
        """Add to the log. Entries MUST never change, and never go."""
        ...

    async def entry(self, entry_id: LogEntryId) -> LogEntry | None:
        """An entry of the log."""
        ...

    async def suspensions(self, user_id: UserId) -> tuple[LogEntry, ...]:
        """The suspensions of this person that stand, ended ones too. One stands until it is
        reversed or its case has a later one: a new report, which opens the case again, changes
        nothing.
        """
        ...

    async def due_for_purge(self, now: datetime, limit: int) -> tuple[CaseId, ...]:
        """Up to `limit` cases whose removed content is to be deleted."""
        ...


class ModerationReader(Protocol):
    """Reads without locks. A list of any length MUST take at most two statements."""

    async def reports(self, user_id: UserId, page: PageRequest) -> Page[ReportView]:
        """A page of a person's own reports, the newest first."""
        ...

    async def report_count(self, user_id: UserId) -> int:
        """How many reports a person made."""
        ...

    async def report(self, report_id: ReportId) -> ReportView | None:
        """One report."""
        ...

    async def cases(self, query: CaseQuery, page: PageRequest) -> Page[CaseView]:
        """A page of the matching cases: those with most reports first, then the oldest."""
        ...

    async def case_count(self, query: CaseQuery) -> int:
        """How many cases match."""
        ...

    async def case(self, case_id: CaseId) -> CaseDetails | None:
        """One case with its snapshot and reports."""
        ...

    async def log(self, page: PageRequest) -> Page[LogEntryView]:
        """A page of the log, the newest entry first."""
        ...

    async def log_size(self) -> int:
        """How many entries the log has."""
        ...

    async def decision_about(self, target: Target) -> DecisionView | None:
        """The decision about this target that stands, without its moderator."""
        ...

    async def own_decisions(
        self, author_id: UserId, case_ids: Collection[CaseId]
    ) -> Mapping[CaseId, OwnDecisionView]:
        """The last decision that is no dismissal of each of these cases, as far as they are about
        this person or their content, in one statement.
        """
        ...


class ModerationUnitOfWork(ProjectUnitOfWork, RoomUnitOfWork, AccountUnitOfWork, Protocol):
    """A transaction over cases and what they are about."""

    @property
    def moderation(self) -> ModerationRepository: ...
    @property
    def moderation_reader(self) -> ModerationReader: ...

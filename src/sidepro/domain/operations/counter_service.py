"""Checking and repairing the counters of projects."""

from dataclasses import dataclass

from sidepro.domain.clock import Clock
from sidepro.domain.operations.ports import CounterAudit
from sidepro.domain.operations.views import CounterReport
from sidepro.domain.projects.trending import day_of


@dataclass(frozen=True, slots=True)
class CounterService:
    """See `CounterAudit`. Both methods raise `Unavailable` as it does."""

    audit: CounterAudit
    clock: Clock

    async def check(self) -> CounterReport:
        """All wrong counters. Reads all bookmarks and comments."""
        daily_drifts = await self.audit.find_daily_drifts(day_of(self.clock()))
        return CounterReport(tuple(await self.audit.find_drifts()), tuple(daily_drifts))

    async def repair(self, report: CounterReport) -> None:
        """Recount the projects of a report."""
        await self.audit.repair(report.all, day_of(self.clock()))

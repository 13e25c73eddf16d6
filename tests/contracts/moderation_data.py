"""Cases, reports and log entries of one author for contract tests."""

from datetime import datetime

from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import CaseId, LogEntryId, ProjectId, ReportId, UserId
from sidepro.domain.moderation.case import Action, Case, Decision, LogEntry
from sidepro.domain.moderation.ports import StoredItem
from sidepro.domain.moderation.report import Report, ReportReason
from sidepro.domain.moderation.target import Target
from tests import factories
from tests.contracts.adapters import Adapters
from tests.factories import NOW, new_id


class Scene:
    """An author, a moderator and people who report."""

    def __init__(self, adapters: Adapters) -> None:
        self.adapters = adapters
        self.author, self.moderator, *self.people = [factories.user() for _ in range(6)]

    @classmethod
    async def build(cls, adapters: Adapters) -> "Scene":
        made = cls(adapters)
        await adapters.add(made.author, made.moderator, *made.people)
        return made

    async def case(self, target: Target | None = None, at: datetime = NOW) -> Case:
        """A stored case of the author."""
        target = target or Target.project(ProjectId(new_id()))
        fresh = Case.open(CaseId(new_id()), target, self.author.id, at)
        async with self.adapters.unit_of_work() as work:
            case = await work.moderation.get_or_add(fresh, [item(self.author.id)])
            await work.commit()
        return case

    async def save(self, case: Case) -> Case:
        async with self.adapters.unit_of_work() as work:
            await work.moderation.save(case)
            await work.commit()
        return case

    async def report(
        self, case: Case, by: User, reason: ReportReason = ReportReason.SPAM, at: datetime = NOW
    ) -> Report:
        """A stored report. The case is not changed."""
        report = Report(ReportId(new_id()), case.id, by.id, reason, "note", at)
        async with self.adapters.unit_of_work() as work:
            await work.moderation.add_report(report)
            await work.commit()
        return report

    async def settle(self, case: Case, at: datetime) -> set[UserId]:
        async with self.adapters.unit_of_work() as work:
            settled = await work.moderation.settle_reports(case.id, at)
            await work.commit()
        return set(settled)

    async def entry(
        self,
        case: Case,
        action: Action,
        at: datetime,
        days: int | None = None,
        reverses: LogEntryId | None = None,
    ) -> LogEntry:
        """A stored entry of the log."""
        entry = LogEntry(
            LogEntryId(new_id()),
            self.moderator.id,
            action,
            case.target,
            days,
            "why",
            case.id,
            reverses,
            at,
        )
        async with self.adapters.unit_of_work() as work:
            await work.moderation.add_entry(entry)
            await work.commit()
        return entry

    async def decide(
        self, case: Case, action: Action, at: datetime, days: int | None = None
    ) -> Case:
        entry = await self.entry(case, action, at, days)
        decision = Decision.make(case.target, action, days, "why")
        return await self.save(
            case.decided(decision, self.moderator.id, case.version, entry.id, at)
        )

    async def withdraw(self, *people: User) -> None:
        async with self.adapters.unit_of_work() as work:
            for person in people:
                await work.notifications.remove_of(person.id)
                await work.users.delete(person.id)
            await work.commit()


def item(author_id: UserId, **content: object) -> StoredItem:
    return StoredItem(author_id, {"title": "제목", "skills": ["Python"], **content})


def summary(user: User) -> UserSummary:
    return UserSummary(user.id, user.username, None)

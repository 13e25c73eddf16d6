"""What moderators do: claiming and deciding cases, reversing decisions, reading the log."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sidepro.domain.accounts.ports import AccountReader, SessionRegistry
from sidepro.domain.clock import Clock
from sidepro.domain.errors import CaseChanged, Forbidden, ensure_found
from sidepro.domain.identity import Caller, Role
from sidepro.domain.ids import CaseId, LogEntryId, NewId, SessionId, UserId
from sidepro.domain.images.withholding import ImageWithholding
from sidepro.domain.moderation.access import authorize_moderator
from sidepro.domain.moderation.case import (
    Action,
    Case,
    Decision,
    LogEntry,
    validate_reason,
)
from sidepro.domain.moderation.content import CaseEffects, Content, load_content, save_case
from sidepro.domain.moderation.ports import ModerationReader, ModerationUnitOfWork
from sidepro.domain.moderation.target import TargetKind
from sidepro.domain.moderation.views import CaseDetails, CaseQuery, CaseView, LogEntryView
from sidepro.domain.notifications.notification import NotificationEvent, NotificationKind
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class ModerationService:
    """Use cases of moderators and administrators.

    All of them raise `Forbidden` for others; the role is read at each call. Those that change a
    case raise `NotFound` if there is none, and `CaseChanged` if it has another version.
    """

    unit_of_work: UnitOfWorkFactory[ModerationUnitOfWork]
    reader: ModerationReader
    accounts: AccountReader
    session_registry: SessionRegistry
    withholding: ImageWithholding
    notifier: Notifier
    clock: Clock
    new_id: NewId

    # ---------------------------------------------------------------------------------- reading

    async def cases(self, caller: Caller, query: CaseQuery, page: PageRequest) -> Page[CaseView]:
        """A page of the cases: those with most reports first, then the oldest."""
        await authorize_moderator(self.accounts, caller)
        return await self.reader.cases(query, page)

    async def case_count(self, caller: Caller, query: CaseQuery) -> int:
        """How many cases match."""
        await authorize_moderator(self.accounts, caller)
        return await self.reader.case_count(query)

    async def case(self, caller: Caller, case_id: CaseId) -> CaseDetails:
        """One case with its snapshot and reports.

        Raises:
            NotFound: there is no such case.
        """
        await authorize_moderator(self.accounts, caller)
        return ensure_found(await self.reader.case(case_id))

    async def log(self, caller: Caller, page: PageRequest) -> Page[LogEntryView]:
        """A page of the log, the newest entry first."""
        await authorize_moderator(self.accounts, caller)
        return await self.reader.log(page)

    async def log_size(self, caller: Caller) -> int:
        """How many entries the log has."""
        await authorize_moderator(self.accounts, caller)
        return await self.reader.log_size()

    # ----------------------------------------------------------------------------------- acting

    async def claim(self, caller: Caller, case_id: CaseId, version: int) -> CaseDetails:
        """Take a case, from another moderator too."""
        await authorize_moderator(self.accounts, caller)
        async with self.unit_of_work() as work:
            case = ensure_found(await work.moderation.get(case_id))
            await work.moderation.save(case.claimed(caller.id, version, self.clock()))
            view = ensure_found(await work.moderation_reader.case(case_id))
            await work.commit()
        return view

    async def decide(
        self,
        caller: Caller,
        case_id: CaseId,
        version: int,
        action: Action,
        days: int | None,
        reason: str,
    ) -> CaseDetails:
        """Decide a case. Its open reports are decided with it.

        Raises:
            InvalidInput: the action does not fit, or the case is about the caller.
            Forbidden: only administrators suspend moderators and administrators.
        """
        role = await authorize_moderator(self.accounts, caller)
        now = self.clock()
        ended: Sequence[SessionId] = ()
        async with self.unit_of_work() as work:
            case, content = await _load(work, case_id)
            decision = Decision.make(case.target, action, days, reason)
            entry = LogEntry(
                id=LogEntryId(self.new_id()),
                moderator_id=caller.id,
                action=decision.action,
                target=case.target,
                days=decision.days,
                reason=decision.reason,
                case_id=case.id,
                reverses=None,
                at=now,
            )
            decided = case.decided(decision, caller.id, version, entry.id, now)
            effects = await save_case(work, case, decided, content)
            told = [*effects.entries]
            await work.moderation.add_entry(entry)
            if action is Action.SUSPEND and case.author_id is not None:
                ended = await _suspend(work, case.author_id, role, now)
            reporters = await work.moderation.settle_reports(case_id, now)
            for event in _events(case, action, reporters, now):
                told += await self.notifier.notify(work, event)
            view = ensure_found(await work.moderation_reader.case(case_id))
            await work.commit()
        await self._finish(case, ended, replace(effects, entries=told))
        return view

    async def reverse(
        self, caller: Caller, case_id: CaseId, version: int, reason: str
    ) -> CaseDetails:
        """Undo the decision of a case, which is open again then.

        Raises:
            InvalidInput: the reason breaks its rule, or the case is about the caller.
            CaseChanged: also if there is no decision, or what it removed has been deleted.
        """
        await authorize_moderator(self.accounts, caller)
        now = self.clock()
        async with self.unit_of_work() as work:
            case, content = await _load(work, case_id)
            text = validate_reason(reason)
            reversed_case = case.reversed(caller.id, version, now)
            if content is None and case.visibility is not reversed_case.visibility:
                raise CaseChanged
            effects = await save_case(work, case, reversed_case, content)
            undone = case.decision_id and await work.moderation.entry(case.decision_id)
            await work.moderation.add_entry(
                LogEntry(
                    id=LogEntryId(self.new_id()),
                    moderator_id=caller.id,
                    action=Action.REVERSE,
                    target=case.target,
                    days=None,
                    reason=text,
                    case_id=case.id,
                    reverses=case.decision_id,
                    at=now,
                )
            )
            if undone and undone.action is Action.SUSPEND and case.author_id is not None:
                await _set_suspension(work, case.author_id)
            view = ensure_found(await work.moderation_reader.case(case_id))
            await work.commit()
        await self._finish(case, (), effects)
        return view

    async def _finish(self, case: Case, ended: Sequence[SessionId], effects: CaseEffects) -> None:
        await effects.publish(self.notifier)
        if ended:
            await self.session_registry.revoke(ended)
        if case.target.kind is TargetKind.PROJECT:
            await self.withholding.reconcile()


async def _load(work: ModerationUnitOfWork, case_id: CaseId) -> tuple[Case, Content | None]:
    """Lock and return a case and its target.

    The target is locked first, as when it is reported, so that the two do not wait for each other.
    The reporters cannot withdraw meanwhile: they are told of the decision.
    """
    found = ensure_found(await work.moderation.find(case_id))
    await work.moderation.keep_reporters(case_id)
    content = await load_content(work, found.target)
    return ensure_found(await work.moderation.get(case_id)), content


def _events(
    case: Case, action: Action, reporters: Iterable[UserId], now: datetime
) -> Iterator[NotificationEvent]:
    """What people learn of a decision: reporters that there is one, the author what was decided.
    Neither learns of the other.
    """
    for reporter_id in dict.fromkeys(reporters):
        yield NotificationEvent(reporter_id, NotificationKind.REPORT_DECIDED, case.id, now)
    if action is not Action.DISMISS and case.author_id is not None:
        yield NotificationEvent(case.author_id, NotificationKind.MODERATED, case.id, now)


async def _suspend(
    work: ModerationUnitOfWork, user_id: UserId, role: Role, now: datetime
) -> Sequence[SessionId]:
    """Suspend a person. Returns the sessions that ended.

    Raises:
        Forbidden: the person is a moderator or an administrator, and the caller no administrator.
    """
    user = await work.users.get(user_id)
    if user is None:
        return ()
    if user.role is not Role.MEMBER and role is not Role.ADMIN:
        raise Forbidden
    await _set_suspension(work, user_id)
    return await work.sessions.expire_all(user_id, now)


async def _set_suspension(work: ModerationUnitOfWork, user_id: UserId) -> None:
    """Store when the last of the suspensions that stand ends."""
    user = await work.users.get(user_id)
    if user is None:
        return
    entries = await work.moderation.suspensions(user_id)
    until = max((one.at + timedelta(days=one.days or 0) for one in entries), default=None)
    await work.users.save(replace(user, suspended_until=until))

"""A case: what moderators know and decided about one target.

    | from            | reported | claimed | decided | reversed |
    |-----------------|----------|---------|---------|----------|
    | open            | open     | claimed | decided | –        |
    | claimed         | claimed  | claimed | decided | –        |
    | decided         | open     | –       | –       | open     |

A target has one case for ever. Each claim, decision, reversal and reopening adds 1 to the version,
which a moderator repeats: of two who act at once, the second one reads the case again.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sidepro.domain.errors import CaseChanged, FieldError, InvalidInput
from sidepro.domain.ids import CaseId, LogEntryId, UserId
from sidepro.domain.moderation.target import Target, TargetKind
from sidepro.domain.validation import Validator
from sidepro.domain.violations import (
    DAYS_MISSING,
    DAYS_WITHOUT_SUSPENSION,
    DOES_NOT_FIT,
    YOUR_OWN,
    out_of_range,
)
from sidepro.domain.visibility import Visibility

MAX_REASON = 500
MAX_DAYS = 365

PURGE_AFTER = timedelta(days=90)
"""How long removed content is kept, so that its removal can be reversed."""


class CaseState(StrEnum):
    """The state of a case. The values are stored."""

    OPEN = "open"
    CLAIMED = "claimed"
    DECIDED = "decided"


class Action(StrEnum):
    """What moderators do. The values are stored."""

    DISMISS = "dismiss"
    HIDE = "hide"
    REMOVE = "remove"
    WARN = "warn"
    SUSPEND = "suspend"
    REVERSE = "reverse"
    ROLE = "role"


DECISIONS = (Action.DISMISS, Action.HIDE, Action.REMOVE, Action.WARN, Action.SUSPEND)
"""The actions that decide a case."""

_RESULTS = {Action.HIDE: Visibility.HIDDEN, Action.REMOVE: Visibility.REMOVED}
"""What the target is after a decision. After all others it is visible."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as a moderator makes it. `days` is the length of a suspension."""

    action: Action
    days: int | None
    reason: str

    @classmethod
    def make(cls, target: Target, action: Action, days: int | None, reason: str) -> "Decision":
        """A decision about this target.

        Raises:
            InvalidInput: the action does not fit the target or the days, or the reason breaks its
                rule.
        """
        validator = Validator()
        if action in _RESULTS and target.kind is TargetKind.USER:
            validator.add(DOES_NOT_FIT, "action")
        if action is Action.SUSPEND and days is None:
            validator.add(DAYS_MISSING, "days")
        elif action is not Action.SUSPEND and days is not None:
            validator.add(DAYS_WITHOUT_SUSPENSION, "days")
        elif days is not None and not 1 <= days <= MAX_DAYS:
            validator.add(out_of_range(days, 1, MAX_DAYS), "days")
        text = validator.text(reason.strip(), "reason", MAX_REASON)
        validator.raise_errors()
        return cls(action, days, text)


def validate_reason(reason: str) -> str:
    """The reason of a reversal in NFC.

    Raises:
        InvalidInput: it is blank or too long.
    """
    validator = Validator()
    text = validator.text(reason.strip(), "reason", MAX_REASON)
    validator.raise_errors()
    return text


@dataclass(frozen=True, slots=True)
class Case:
    """The case of a target. `author_id` is the author of content, or the reported person; `None`
    if they withdrew. `visibility` is what the case made of the target. `decision_id` is the log
    entry of the decision that stands.
    """

    id: CaseId
    target: Target
    author_id: UserId | None
    state: CaseState
    version: int
    report_count: int
    visibility: Visibility
    claimed_by: UserId | None
    decision_id: LogEntryId | None
    purge_at: datetime | None
    is_purged: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def open(
        cls, case_id: CaseId, target: Target, author_id: UserId | None, now: datetime
    ) -> "Case":
        """A new case without reports."""
        return cls(
            id=case_id,
            target=target,
            author_id=author_id,
            state=CaseState.OPEN,
            version=1,
            report_count=0,
            visibility=Visibility.VISIBLE,
            claimed_by=None,
            decision_id=None,
            purge_at=None,
            is_purged=False,
            created_at=now,
            updated_at=now,
        )

    def reported(self, now: datetime) -> "Case":
        """The case after a new report, which reopens a decided one."""
        reported = self._changed(now, report_count=self.report_count + 1)
        return reported if self.state is not CaseState.DECIDED else reported._reopened()

    def hidden_by_reports(self, now: datetime) -> "Case":
        """The case after its target was hidden until somebody decides."""
        if self.visibility is not Visibility.VISIBLE or self.target.kind is TargetKind.USER:
            return self
        return self._changed(now, visibility=Visibility.HIDDEN)

    def claimed(self, moderator: UserId, version: int, now: datetime) -> "Case":
        """The case after a moderator took it, from another one too.

        Raises:
            CaseChanged: it is decided, or has another version.
        """
        self._check(version)
        return self._changed(
            now, version=self.version + 1, state=CaseState.CLAIMED, claimed_by=moderator
        )

    def decided(
        self,
        decision: Decision,
        moderator: UserId,
        version: int,
        entry_id: LogEntryId,
        now: datetime,
    ) -> "Case":
        """The case after a decision.

        Raises:
            InvalidInput: the moderator is the author, or there is nobody to suspend or to warn.
            CaseChanged: it is decided, or has another version.
        """
        if moderator == self.author_id:
            raise InvalidInput(FieldError(YOUR_OWN))
        self._check(version)
        if self.author_id is None and decision.action in (Action.WARN, Action.SUSPEND):
            raise InvalidInput(FieldError(DOES_NOT_FIT, pointer="/action"))
        visibility = _RESULTS.get(decision.action, Visibility.VISIBLE)
        return self._changed(
            now,
            version=self.version + 1,
            state=CaseState.DECIDED,
            visibility=visibility,
            decision_id=entry_id,
            purge_at=now + PURGE_AFTER if visibility is Visibility.REMOVED else None,
        )

    def reversed(self, moderator: UserId, version: int, now: datetime) -> "Case":
        """The case after its decision was reversed: open again, and its target visible.

        Raises:
            InvalidInput: the moderator is the author.
            CaseChanged: there is no decision, it cannot be undone any more, or the case has
                another version.
        """
        if moderator == self.author_id:
            raise InvalidInput(FieldError(YOUR_OWN))
        if self.state is not CaseState.DECIDED or self.version != version or self.is_purged:
            raise CaseChanged
        return self._changed(now, visibility=Visibility.VISIBLE)._reopened()

    def purged(self) -> "Case":
        """The case after the removed content was deleted for good."""
        return replace(self, purge_at=None, is_purged=True)

    def _reopened(self) -> "Case":
        return replace(
            self,
            version=self.version + 1,
            state=CaseState.OPEN,
            claimed_by=None,
            decision_id=None,
            purge_at=None,
        )

    def _check(self, version: int) -> None:
        if self.state is CaseState.DECIDED or self.version != version:
            raise CaseChanged

    def _changed(self, now: datetime, **changes: Any) -> "Case":
        return replace(self, updated_at=max(now, self.updated_at), **changes)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What a moderator did. Entries are never changed; `moderator_id` becomes `None` when the
    moderator withdraws, and is `None` for the command line.
    """

    id: LogEntryId
    moderator_id: UserId | None
    action: Action
    target: Target
    days: int | None
    reason: str
    case_id: CaseId | None
    reverses: LogEntryId | None
    at: datetime

"""Views of moderation, as its reader returns them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import CaseId, LogEntryId, ReportId
from sidepro.domain.moderation.case import Action, CaseState
from sidepro.domain.moderation.report import ReportReason
from sidepro.domain.moderation.target import Target, TargetKind

MAX_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report as its reporter and moderators see it."""

    id: ReportId
    target: Target
    reason: ReportReason
    note: str | None
    is_decided: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DecisionView:
    """The decision that stands. `moderator` is `None` if they withdrew, and for authors."""

    action: Action
    days: int | None
    reason: str
    moderator: UserSummary | None
    at: datetime


@dataclass(frozen=True, slots=True)
class OwnDecisionView:
    """What its author learns of the last decision of a case that was no dismissal. `excerpt` is as
    in `CaseView`.
    """

    target: Target
    excerpt: str | None
    action: Action
    days: int | None
    reason: str
    is_reversed: bool


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """Filters of the list of cases; `None` matches all."""

    state: CaseState | None = None
    kind: TargetKind | None = None


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case in a list, with the number of reports by reason.

    `author` is as in `Case`. `excerpt` is the beginning of what was reported: a title, a text or a
    name of at most `MAX_EXCERPT` characters, and `None` where it was erased.
    """

    id: CaseId
    target: Target
    author: UserSummary | None
    excerpt: str | None
    state: CaseState
    version: int
    report_count: int
    reasons: Mapping[ReportReason, int]
    hidden: bool
    claimed_by: UserSummary | None
    decision: DecisionView | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SnapshotItem:
    """A part of what was reported, as it was then. `author` is `None` if they withdrew. The
    members of `content` depend on the kind: see `sidepro.domain.moderation.content`.
    """

    author: UserSummary | None
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CaseDetails:
    """A case with its snapshot and its reports, the oldest first."""

    case: CaseView
    snapshot: tuple[SnapshotItem, ...]
    reports: tuple[ReportView, ...]


@dataclass(frozen=True, slots=True)
class LogEntryView:
    """An entry of the log. `moderator` is `None` if they withdrew."""

    id: LogEntryId
    moderator: UserSummary | None
    action: Action
    target: Target
    days: int | None
    reason: str
    case_id: CaseId | None
    reverses: LogEntryId | None
    at: datetime

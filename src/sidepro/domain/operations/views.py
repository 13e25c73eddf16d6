"""What administrators see: people, comments, wrong counters and runs of jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import CommentId, ProjectId, UserId


@dataclass(frozen=True, slots=True)
class PeopleQuery:
    """A search for people: by the key of an email, by a prefix of the key of a username, or all
    people for an empty key.
    """

    key: str = ""
    is_email: bool = False


@dataclass(frozen=True, slots=True)
class ManagedUser:
    """A person as administrators see them, with how many projects and comments they have."""

    id: UserId
    username: str
    email: str
    is_admin: bool
    is_active: bool
    created_at: datetime
    projects: int
    comments: int


@dataclass(frozen=True, slots=True)
class CommentQuery:
    """Filters of comments; `None` matches everything. `text` is part of the body, whatever the
    case of its ASCII letters.
    """

    text: str | None = None
    author: UserId | None = None


@dataclass(frozen=True, slots=True)
class ManagedComment:
    """A comment with its project."""

    id: CommentId
    project_id: ProjectId
    project_title: str
    author: UserSummary
    body: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """How many people, projects and comments there are."""

    people: int
    projects: int
    comments: int


@dataclass(frozen=True, slots=True)
class CounterDrift:
    """A project whose counters differ from its rows. A counter of `None` is missing."""

    project_id: ProjectId
    bookmarks: int | None
    bookmark_rows: int
    comments: int | None
    comment_rows: int


@dataclass(frozen=True, slots=True)
class DailyDrift:
    """A project and day of the last week whose count of bookmarks differs from its rows."""

    project_id: ProjectId
    day: date
    bookmarks: int
    bookmark_rows: int


@dataclass(frozen=True, slots=True)
class CounterReport:
    """All wrong counters at one time."""

    drifts: tuple[CounterDrift, ...]
    daily_drifts: tuple[DailyDrift, ...]

    @property
    def all(self) -> Sequence[CounterDrift | DailyDrift]:
        """All drifts."""
        return [*self.drifts, *self.daily_drifts]

    @property
    def projects(self) -> int:
        """How many projects have wrong counters."""
        return len({drift.project_id for drift in self.all})


class Job(StrEnum):
    """The background jobs. The values are stored."""

    SIMILARITY = "similarity"
    TRENDING = "trending"
    RETENTION = "retention"
    IMAGE_REMOVAL = "image_removal"
    MAIL = "mail"


JOB_PERIODS = {
    Job.SIMILARITY: timedelta(minutes=1),
    Job.TRENDING: timedelta(minutes=10),
    Job.RETENTION: timedelta(hours=1),
    Job.IMAGE_REMOVAL: timedelta(minutes=10),
    Job.MAIL: timedelta(minutes=1),
}
"""How often the scheduler sends each job."""

OVERDUE_AFTER = 3
"""Periods after which a job without a completed run is overdue."""


@dataclass(frozen=True, slots=True)
class JobRun:
    """The last completed run of a job: its start, its duration in seconds (at least 0, stored in
    milliseconds), and how many people, scores, rows, images or mails it changed, deleted or sent.
    """

    job: Job
    started_at: datetime
    seconds: float
    changed: int


@dataclass(frozen=True, slots=True)
class JobState:
    """A job and its last completed run, if there is one. Without a run it is not overdue: the
    platform may be new.
    """

    job: Job
    last_run: JobRun | None
    is_overdue: bool

    @classmethod
    def at(cls, now: datetime, job: Job, last_run: JobRun | None) -> "JobState":
        """The state at this time."""
        allowed = OVERDUE_AFTER * JOB_PERIODS[job]
        is_overdue = last_run is not None and now - last_run.started_at > allowed
        return cls(job, last_run, is_overdue)

"""Ports of the operations topic."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Protocol

from sidepro.domain.ids import CommentId, UserId
from sidepro.domain.operations.views import (
    CommentQuery,
    CounterDrift,
    DailyDrift,
    Job,
    JobRun,
    ManagedComment,
    ManagedUser,
    PeopleQuery,
    Totals,
)
from sidepro.domain.pagination import Page, PageRequest


class OperatorReader(Protocol):
    """Reads for administrators, who see everything. Each read MUST take one statement."""

    async def people(self, query: PeopleQuery, page: PageRequest) -> Page[ManagedUser]:
        """A page of the matching people. Those with a prefix are ordered by the code points of
        their username's key; all people by their ids, the newest first.
        """
        ...

    async def person(self, user_id: UserId) -> ManagedUser | None:
        """One person, or `None`."""
        ...

    async def comments(self, query: CommentQuery, page: PageRequest) -> Page[ManagedComment]:
        """A page of the matching comments of all projects by their ids, the newest first."""
        ...

    async def comment(self, comment_id: CommentId) -> ManagedComment | None:
        """One comment, or `None`."""
        ...

    async def totals(self) -> Totals:
        """How many people, projects and comments there are."""
        ...


class CounterAudit(Protocol):
    """Compares the counters of projects with the rows that they count, and repairs them.

    A counter changes in the transaction that adds or removes its row. Only manual changes make it
    wrong, and versions that have no daily counts. Views have no rows to count.

    Raises:
        Unavailable: by all methods, if the database cannot be reached.
    """

    async def find_drifts(self) -> list[CounterDrift]:
        """All projects whose counters are wrong, ordered by id."""
        ...

    async def find_daily_drifts(self, today: date) -> list[DailyDrift]:
        """All days of the last week whose counts of bookmarks are wrong, ordered by project and
        day.
        """
        ...

    async def repair(self, wrong: Sequence[CounterDrift | DailyDrift], today: date) -> None:
        """Recount the rows of these projects. Others MAY read and write meanwhile; their changes
        MUST be counted. After an error, projects may stay repaired.
        """
        ...


class JobRunStore(Protocol):
    """Stores the last completed run of each job whose result does not tell it.

    Raises:
        Unavailable: by all methods, if the store cannot be reached.
    """

    async def save(self, run: JobRun) -> None:
        """Store the run in place of the last one of its job."""
        ...

    async def last_runs(self) -> Mapping[Job, JobRun]:
        """The last run of each job that has one, in any process."""
        ...


class OperatorAction(Enum):
    """What an administrator did. The value is the event's name in the log."""

    DEACTIVATED = "operator_deactivated_account"
    ACTIVATED = "operator_activated_account"
    REMOVED_PROJECT = "operator_removed_project"
    REMOVED_COMMENT = "operator_removed_comment"
    REPAIRED_COUNTERS = "operator_repaired_counters"
    REQUESTED_SIMILARITY = "operator_requested_similarity"


class OperatorLog(Protocol):
    """Writes the actions of administrators to the log."""

    def __call__(
        self,
        action: OperatorAction,
        operator: UserId,
        *,
        target: object | None = None,
        reason: str | None = None,
    ) -> None:
        """Log an action that is done: who did it, to the thing with which id, and why.

        MUST NOT log personal data beyond ids and the reason, and MUST NOT fail.
        """
        ...

"""Ports of the operations topic."""

from collections.abc import Mapping, Sequence
from datetime import date
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

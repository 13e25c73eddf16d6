"""Ports of recommendations."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sidepro.domain.ids import UserId
from sidepro.domain.projects.views import ProjectCard
from sidepro.domain.recommendations.jaccard import Neighbour
from sidepro.domain.recommendations.packed import Population, Similarities


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A person's neighbours, the most similar first, and when they were computed."""

    neighbours: tuple[Neighbour, ...]
    computed_at: datetime | None


@dataclass(frozen=True, slots=True)
class SimilarityRun:
    """Facts about a run of the similarity job: the time of its data, its duration in seconds (at
    least 0, stored in milliseconds), the number of people, and how many of them had changed.
    """

    computed_at: datetime
    seconds: float
    people: int
    changed: int


class PopulationReader(Protocol):
    """Reads everybody's skills."""

    async def population(self) -> Population:
        """Everybody with a profile, with their skills and whether they have published a project,
        in one consistent read. Deactivated people MUST be left out.
        """
        ...


Progress = Callable[[int, int], None]
"""Called with the amount of work done and the total, possibly from another thread."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A result, and the number of people who were added, removed or changed since the last one."""

    similarities: Similarities
    changed: int


class SimilarityEngine(Protocol):
    """Computes neighbours."""

    async def similarities(
        self, population: Population, before: Similarities | None, progress: Progress
    ) -> Computed:
        """Exactly the neighbours that `jaccard.neighbours` finds. MUST NOT block the event loop.

        `before` is the result for any earlier population. It saves work and MUST NOT affect the
        result; without it everybody counts as changed.
        """
        ...


class NeighbourStore(Protocol):
    """Stores the latest result."""

    async def replace(self, similarities: Similarities, run: SimilarityRun) -> bool:
        """Replace the stored result, or return `False` and keep it if it is newer.

        A reader MUST see the old result or the new one as a whole, even if the process is killed
        meanwhile. A stored result dated in the future MUST be replaced. A result may contain
        people who have withdrawn since it was computed.
        """
        ...

    async def latest(self) -> Similarities | None:
        """The stored result; `None` if there is none or the store cannot return all of it."""
        ...

    async def last_run(self) -> SimilarityRun | None:
        """Facts about the run that made the stored result; `None` if there is none."""
        ...

    async def of(self, user_id: UserId) -> Neighbourhood:
        """A person's neighbours as of the last run. Some may have withdrawn since.

        Raises:
            Unavailable: the store cannot be reached.
        """
        ...


class JobLock(Protocol):
    """A lock that allows one run at a time across all processes."""

    def acquire(self, *, wait: bool) -> AbstractAsyncContextManager[bool]:
        """Hold the lock inside the block and yield `True`. If another process holds it, wait for
        it with `wait`; otherwise yield `False` at once. A process that ends MUST release its lock.
        """
        ...


class RecommendationReader(Protocol):
    """Reads projects to recommend: those of active people."""

    async def projects_by_author(
        self, authors: Collection[UserId], viewer: UserId, *, most: int, first: int
    ) -> Mapping[UserId, tuple[ProjectCard, ...]]:
        """Up to `most` projects of each author, in one statement. Authors without projects MUST be
        left out.

        An author's projects, ordered by id, form a ring. They MUST be taken from index `first` (at
        least 0) on, modulo the number of projects.
        """
        ...

    async def popular(self, viewer: UserId, limit: int) -> tuple[ProjectCard, ...]:
        """The most bookmarked projects of others than the viewer, in one statement."""
        ...

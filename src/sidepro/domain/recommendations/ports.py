"""What recommendations need from the outside."""

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
    """One person's neighbours, the most similar first, and when they were computed."""

    neighbours: tuple[Neighbour, ...]
    computed_at: datetime | None


@dataclass(frozen=True, slots=True)
class SimilarityRun:
    """What a run of the similarity job did: of when its result is, how long it took (in seconds,
    0 or more, kept to the millisecond), how many people there were, and for how many of them
    something had changed.
    """

    computed_at: datetime
    seconds: float
    people: int
    changed: int


class PopulationReader(Protocol):
    """Reads everybody at once."""

    async def population(self) -> Population:
        """Everybody with a profile, and who of them has published something, as of one moment.
        Deactivated people MUST be left out.
        """
        ...


Progress = Callable[[int, int], None]
"""Told how much of how much has been done. May be called from another thread."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A result, and of how many people the skills, the publishing or the being there changed."""

    similarities: Similarities
    changed: int


class SimilarityEngine(Protocol):
    """Computes who is near to whom."""

    async def similarities(
        self, population: Population, before: Similarities | None, progress: Progress
    ) -> Computed:
        """For each person the same as `jaccard.neighbours`, exactly, whatever is given as
        `before`: an earlier result, of any earlier population, which saves work. Without it
        everybody counts as changed. MUST NOT block the event loop.
        """
        ...


class NeighbourStore(Protocol):
    """Keeps the last result."""

    async def replace(self, similarities: Similarities, run: SimilarityRun) -> bool:
        """Put a whole new result in the place of the old one; whether it was newer than that.

        A reader MUST see the old result or the new one, whole, also when the process is killed in
        the middle. A result MUST NOT replace one that was computed later, unless that one claims
        to be from the future. People who have withdrawn since it was computed may be named by it
        until the next one.
        """
        ...

    async def latest(self) -> Similarities | None:
        """The last result; `None` where there is none, or where it is not kept as a whole."""
        ...

    async def last_run(self) -> SimilarityRun | None:
        """What the run of the last result did."""
        ...

    async def of(self, user_id: UserId) -> Neighbourhood:
        """A person's neighbours as of the last run. May name people who are gone.

        Raises:
            Unavailable: what was found cannot be had for the moment.
        """
        ...


class JobLock(Protocol):
    """Sees to it that one run goes on at a time, in all processes together."""

    def acquire(self, *, wait: bool) -> AbstractAsyncContextManager[bool]:
        """Be the only one inside of this block, and get true; or get false, at once, when somebody
        else is and it is said not to `wait`. A process that ends MUST NOT keep its turn.
        """
        ...


class RecommendationReader(Protocol):
    """Reads what may be recommended: projects of people who are not deactivated."""

    async def projects_by_author(
        self, authors: Collection[UserId], viewer: UserId, *, most: int, first: int
    ) -> Mapping[UserId, tuple[ProjectCard, ...]]:
        """Up to `most` projects of each author, in one statement. Who has none MUST be left out.

        An author's projects lie in a circle, ordered by id: they MUST be taken from number
        `first` on, which is at least 0 and goes round as often as it has to.
        """
        ...

    async def popular(self, viewer: UserId, limit: int) -> tuple[ProjectCard, ...]:
        """The most bookmarked projects that are not the viewer's own, in one statement."""
        ...

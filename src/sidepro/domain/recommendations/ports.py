"""What recommendations need from the outside."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sidepro.domain.projects.views import ProjectCard
from sidepro.domain.recommendations.jaccard import Neighbour, Population
from sidepro.domain.shared import UserId


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """One person's neighbours, the most similar first, and when they were computed."""

    neighbours: tuple[Neighbour, ...]
    computed_at: datetime | None


class PopulationReader(Protocol):
    """Reads everybody at once."""

    async def population(self) -> Population:
        """Everybody with a profile, skills in catalogue order, and who of them has published
        something. Deactivated people MUST be left out.
        """
        ...


class SimilarityEngine(Protocol):
    """Computes neighbours."""

    async def neighbours(self, population: Population) -> Mapping[UserId, tuple[Neighbour, ...]]:
        """The same as `jaccard.neighbours`, exactly. MUST NOT block the event loop."""
        ...


class NeighbourStore(Protocol):
    """Keeps the neighbours between two runs."""

    async def replace(
        self, neighbours: Mapping[UserId, tuple[Neighbour, ...]], computed_at: datetime
    ) -> bool:
        """Put a whole new result in the place of the old one; whether it was newer than that.

        A reader MUST see the old result or the new one, whole. Those who have withdrawn since it
        was computed MUST be left out of it, as neighbours too. A result MUST NOT replace one that
        was computed later, unless that one claims to be from the future.
        """
        ...

    async def of(self, user_id: UserId) -> Neighbourhood:
        """A person's neighbours as of the last run."""
        ...


class RecommendationReader(Protocol):
    """Reads what may be recommended: projects of people who are not deactivated."""

    async def hands(
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

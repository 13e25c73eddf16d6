"""Recommends projects of similar people, as the similarity job found them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from sidepro.domain.errors import Unavailable
from sidepro.domain.identity import Caller
from sidepro.domain.ids import UserId
from sidepro.domain.projects.views import ProjectCard
from sidepro.domain.recommendations.jaccard import Neighbour
from sidepro.domain.recommendations.ports import (
    Neighbourhood,
    NeighbourStore,
    RecommendationReader,
)
from sidepro.domain.recommendations.views import Basis, Recommendation, Recommendations


@dataclass(frozen=True, slots=True)
class RecommendationService:
    """Reads stored results. Only the similarity job computes them."""

    reader: RecommendationReader
    store: NeighbourStore

    async def recommend(self, caller: Caller, limit: int, seed: int | None) -> Recommendations:
        """Up to `limit` projects for the caller, never their own.

        Projects of similar people come first, in a random order weighted by score, with one
        project of each author before the second of any. Popular projects fill the rest. The same
        `seed` gives the same order. Without a seed, each call gives a different one.
        """
        neighbourhood = await self._neighbourhood(caller.id)
        random = Random(seed)  # noqa: S311 - for display only
        ranked = weighted_shuffle(neighbourhood.neighbours, random)
        first = random.randrange(2**31)
        projects = await self._projects_by_author(ranked, caller.id, limit, first)
        items = [
            Recommendation(card, Basis.SIMILAR_SKILLS, neighbour.score, neighbour.shared_skills)
            for card, neighbour in round_robin(ranked, projects, limit)
        ]
        if len(items) < limit:
            present = {item.project.id for item in items}
            popular = await self.reader.popular(caller.id, limit + len(present))
            items += [
                Recommendation(card, Basis.POPULAR, None, ())
                for card in popular
                if card.id not in present
            ]
        return Recommendations(tuple(items[:limit]), neighbourhood.computed_at)

    async def _neighbourhood(self, user_id: UserId) -> Neighbourhood:
        """A person's neighbours; none while the store is unavailable."""
        try:
            return await self.store.of(user_id)
        except Unavailable:
            return Neighbourhood((), None)

    async def _projects_by_author(
        self, ranked: Sequence[Neighbour], viewer: UserId, limit: int, first: int
    ) -> Mapping[UserId, tuple[ProjectCard, ...]]:
        """Projects of the first `limit` people, or of all people if those have too few."""
        if not ranked:
            return {}
        authors = [neighbour.user_id for neighbour in ranked]
        top = authors[:limit]
        most = _max_per_author(limit, len(top))
        projects = await self.reader.projects_by_author(top, viewer, most=most, first=first)
        if len(projects) < len(top) and sum(map(len, projects.values())) < limit:
            most = _max_per_author(limit, len(authors) - len(top) + len(projects))
            projects = await self.reader.projects_by_author(
                authors, viewer, most=most, first=first
            )
        return projects


def _max_per_author(limit: int, authors: int) -> int:
    """Projects needed from one author if every other author contributes one."""
    return max(1, limit - authors + 1)


def weighted_shuffle(neighbours: Iterable[Neighbour], random: Random) -> list[Neighbour]:
    """A random order in which higher scores tend to come first. The input's order has no effect.

    Weighted sampling without replacement: Efraimidis and Spirakis, "Weighted random sampling with
    a reservoir", 2006.
    """
    weighted = [
        (random.random() ** (1 / neighbour.score), neighbour)
        for neighbour in sorted(neighbours, key=lambda neighbour: neighbour.user_id.int)
    ]
    weighted.sort(key=lambda pair: -pair[0])
    return [neighbour for _, neighbour in weighted]


def round_robin(
    ranked: Iterable[Neighbour], projects: Mapping[UserId, Sequence[ProjectCard]], limit: int
) -> list[tuple[ProjectCard, Neighbour]]:
    """Up to `limit` projects, each with its author: one of each author, then a second one of each,
    and so on.
    """
    authors = [
        (neighbour, projects[neighbour.user_id])
        for neighbour in ranked
        if neighbour.user_id in projects
    ]
    rounds = max((len(cards) for _, cards in authors), default=0)
    picked = [
        (cards[number], neighbour)
        for number in range(rounds)
        for neighbour, cards in authors
        if number < len(cards)
    ]
    return picked[:limit]

"""Recommending projects, and the job that finds out who is similar."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from sidepro.domain.accounts.session import Caller
from sidepro.domain.recommendations.jaccard import Neighbour
from sidepro.domain.recommendations.ports import (
    NeighbourStore,
    PopulationReader,
    RecommendationReader,
    SimilarityEngine,
)
from sidepro.domain.recommendations.views import Basis, Recommendation, Recommendations
from sidepro.domain.shared import Clock, ProjectId, UserId


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of the similarity job did: how many people it looked at, how many of them have
    neighbours now, and whether its result was kept.
    """

    people: int
    with_neighbours: int
    kept: bool


@dataclass(frozen=True, slots=True)
class RecommendationService:
    """Requests read what the job has stored; only the job computes."""

    reader: RecommendationReader
    store: NeighbourStore
    population: PopulationReader
    engine: SimilarityEngine
    clock: Clock

    async def run(self) -> Run:
        """Compute everybody's neighbours anew. Safe to run twice, at once, or to be killed."""
        computed_at = self.clock()
        population = await self.population.population()
        neighbours = await self.engine.neighbours(population)
        kept = await self.store.replace(neighbours, computed_at)
        return Run(len(population.skills), len(neighbours), kept)

    async def recommend(self, caller: Caller, limit: int, seed: int | None) -> Recommendations:
        """Up to `limit` projects for the caller, never their own.

        Projects of similar people, drawn by score (another draw at each call unless a `seed` is
        given), one of an author before any second one; then popular ones, until there are enough.
        """
        neighbourhood = await self.store.of(caller.id)
        # A draw for display: nothing depends on its being unpredictable.
        random = Random(seed)  # noqa: S311
        others = (near for near in neighbourhood.neighbours if near.user_id != caller.id)
        ranked = rank(others, random)
        items: list[Recommendation] = []
        if ranked:
            projects = await self._projects_of(ranked, limit)
            drawn = deal(ranked, projects, limit, random)
            cards = await self.reader.cards([project for project, _ in drawn], caller.id)
            items = [
                Recommendation(
                    cards[project],
                    Basis.SIMILAR_SKILLS,
                    neighbour.score,
                    neighbour.shared_skills,
                )
                for project, neighbour in drawn
                if project in cards
            ]
        if len(items) < limit:
            taken = {item.project.id for item in items}
            popular = await self.reader.popular(caller.id, limit + len(taken))
            items += [
                Recommendation(card, Basis.POPULAR, None, ())
                for card in popular
                if card.id not in taken
            ]
        return Recommendations(tuple(items[:limit]), neighbourhood.computed_at)

    async def _projects_of(
        self, ranked: Sequence[Neighbour], limit: int
    ) -> Mapping[UserId, tuple[ProjectId, ...]]:
        """The projects that are to be dealt: those of the first few, unless they have too few."""
        authors = [near.user_id for near in ranked]
        projects = await self.reader.projects_of(authors[:limit])
        if len(projects) < limit < len(authors):
            projects = await self.reader.projects_of(authors)
        return projects


def rank(neighbours: Iterable[Neighbour], random: Random) -> list[Neighbour]:
    """A random order in which higher scores tend to come first.

    Weighted sampling without replacement: Efraimidis and Spirakis, "Weighted random sampling with
    a reservoir", 2006. It does not depend on the order of the input.
    """
    weighted = [
        (random.random() ** (1 / near.score), near)
        for near in sorted(neighbours, key=lambda near: near.user_id.int)
    ]
    weighted.sort(key=lambda pair: -pair[0])
    return [near for _, near in weighted]


def deal(
    ranked: Iterable[Neighbour],
    projects: Mapping[UserId, Sequence[ProjectId]],
    limit: int,
    random: Random,
) -> list[tuple[ProjectId, Neighbour]]:
    """Up to `limit` projects, each with the neighbour who wrote it.

    Each author in turn gives one project at random; then each a second one, and so on.
    """
    authors = [near for near in ranked if projects.get(near.user_id)][:limit]
    hands = [
        (near, random.sample(projects[near.user_id], len(projects[near.user_id])))
        for near in authors
    ]
    dealt: list[tuple[ProjectId, Neighbour]] = []
    turn = 0
    while len(dealt) < limit and any(turn < len(hand) for _, hand in hands):
        dealt += [(hand[turn], near) for near, hand in hands if turn < len(hand)]
        turn += 1
    return dealt[:limit]

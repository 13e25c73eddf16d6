"""Recommending projects, and the job that finds out who is similar."""

from collections.abc import Collection, Mapping, Sequence
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
        by_id = {
            neighbour.user_id: neighbour
            for neighbour in neighbourhood.neighbours
            if neighbour.user_id != caller.id
        }
        items: list[Recommendation] = []
        if by_id:
            projects = await self.reader.projects_of(by_id)
            # A draw for display: nothing depends on its being unpredictable.
            drawn = draw(by_id.values(), projects, limit, Random(seed))  # noqa: S311
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


def draw(
    neighbours: Collection[Neighbour],
    projects: Mapping[UserId, Sequence[ProjectId]],
    limit: int,
    random: Random,
) -> list[tuple[ProjectId, Neighbour]]:
    """Draw up to `limit` projects, each with the neighbour who wrote it.

    Authors come in a random order in which higher scores tend to come first (weighted sampling
    without replacement: Efraimidis and Spirakis, "Weighted random sampling with a reservoir",
    2006), each with one project at random; then each with a second one, and so on.
    """
    ranked = sorted(
        (
            (random.random() ** (1 / neighbour.score), neighbour)
            for neighbour in sorted(neighbours, key=lambda neighbour: neighbour.user_id)
            if projects.get(neighbour.user_id)
        ),
        key=lambda weighted: -weighted[0],
    )
    hands = [
        (neighbour, random.sample(projects[neighbour.user_id], len(projects[neighbour.user_id])))
        for _, neighbour in ranked
    ]
    drawn: list[tuple[ProjectId, Neighbour]] = []
    turn = 0
    while len(drawn) < limit and any(turn < len(hand) for _, hand in hands):
        drawn += [(hand[turn], neighbour) for neighbour, hand in hands if turn < len(hand)]
        turn += 1
    return drawn[:limit]

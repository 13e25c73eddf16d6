"""Recommending projects: what the similarity job has found is drawn from and dealt."""

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
    """Requests read what the job has stored; only the job computes."""

    reader: RecommendationReader
    store: NeighbourStore

    async def recommend(self, caller: Caller, limit: int, seed: int | None) -> Recommendations:
        """Up to `limit` projects for the caller, never their own.

        Projects of similar people, drawn by score (another draw at each call unless a `seed` is
        given), one of an author before any second one; then popular ones, until there are enough.
        """
        neighbourhood = await self._neighbourhood(caller.id)
        # A draw for display: nothing depends on its being unpredictable.
        random = Random(seed)  # noqa: S311
        ranked = weighted_shuffle(neighbourhood.neighbours, random)
        hands = await self._projects_by_author(ranked, caller.id, limit, random.randrange(2**31))
        items = [
            Recommendation(card, Basis.SIMILAR_SKILLS, near.score, near.shared_skills)
            for card, near in round_robin(ranked, hands, limit)
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

    async def _neighbourhood(self, user_id: UserId) -> Neighbourhood:
        """A person's neighbours; nobody while what was found cannot be had."""
        try:
            return await self.store.of(user_id)
        except Unavailable:
            return Neighbourhood((), None)

    async def _projects_by_author(
        self, ranked: Sequence[Neighbour], viewer: UserId, limit: int, first: int
    ) -> Mapping[UserId, tuple[ProjectCard, ...]]:
        """What is to be dealt: of the first few people, unless they have too little left."""
        if not ranked:
            return {}
        authors = [near.user_id for near in ranked]
        few = authors[:limit]
        hands = await self.reader.projects_by_author(
            few, viewer, most=_share(limit, len(few)), first=first
        )
        if len(hands) < len(few) and sum(map(len, hands.values())) < limit:
            givers = len(authors) - len(few) + len(hands)
            most = _share(limit, givers)
            hands = await self.reader.projects_by_author(authors, viewer, most=most, first=first)
        return hands


def _share(limit: int, givers: int) -> int:
    """What a single one may have to give when each of the others gives one."""
    return max(1, limit - givers + 1)


def weighted_shuffle(neighbours: Iterable[Neighbour], random: Random) -> list[Neighbour]:
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


def round_robin(
    ranked: Iterable[Neighbour], hands: Mapping[UserId, Sequence[ProjectCard]], limit: int
) -> list[tuple[ProjectCard, Neighbour]]:
    """Up to `limit` projects, each with the neighbour who wrote it.

    Each author in turn gives one; then each a second one, and so on.
    """
    dealing = [(near, hands[near.user_id]) for near in ranked if near.user_id in hands]
    longest = max((len(hand) for _, hand in dealing), default=0)
    dealt = [
        (hand[turn], near) for turn in range(longest) for near, hand in dealing if turn < len(hand)
    ]
    return dealt[:limit]

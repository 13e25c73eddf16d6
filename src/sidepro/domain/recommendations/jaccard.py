"""Neighbours by similar skills: the reference implementation on plain sets. Every faster engine
must return the same result.

The similarity of two people is the Jaccard index of their skill sets, |A ∩ B| / |A ∪ B| (Paul
Jaccard, "Étude comparative de la distribution florale", 1901). A person's neighbours are the 50
most similar others with a published project and a similarity of at least 0.1. Ties are broken by
user id.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sidepro.domain.ids import UserId

MAX_NEIGHBOURS = 50


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A person's neighbour: the score in [0.1, 1], and the shared skills in the order of that
    person's own skills.
    """

    user_id: UserId
    score: float
    shared_skills: tuple[str, ...]


def jaccard(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    """|A ∩ B| / |A ∪ B|, in [0, 1]; 0 for two empty sets.

    Scores can be compared as floats: division is correctly rounded, and different quotients of
    integers below 2^26 are further apart than the rounding error.
    """
    union = len(one | other)
    return len(one & other) / union if union else 0.0


def is_similar(one: AbstractSet[str], other: AbstractSet[str]) -> bool:
    """Whether the similarity is at least 0.1, computed in integers: 10 × shared ≥ union."""
    shared = len(one & other)
    return shared > 0 and 10 * shared >= len(one | other)


def neighbours(
    skills_of: Mapping[UserId, tuple[str, ...]], published: AbstractSet[UserId]
) -> dict[UserId, tuple[Neighbour, ...]]:
    """Each person's neighbours, the most similar first. People without neighbours are left out.

    `skills_of` has everybody's skills, `published` the people with a published project.
    """
    sets = {user: frozenset(skills) for user, skills in skills_of.items()}
    candidates = [(user, sets[user]) for user in sorted(published & sets.keys())]
    found: dict[UserId, tuple[Neighbour, ...]] = {}
    for user, skills in sets.items():
        nearest = [
            (-jaccard(skills, others), other, others)
            for other, others in candidates
            if other != user and is_similar(skills, others)
        ]
        nearest.sort(key=lambda ranked: ranked[:2])
        if nearest:
            found[user] = tuple(
                Neighbour(other, -score, _shared(skills_of[user], others))
                for score, other, others in nearest[:MAX_NEIGHBOURS]
            )
    return found


def _shared(skills: Sequence[str], others: AbstractSet[str]) -> tuple[str, ...]:
    return tuple(skill for skill in skills if skill in others)

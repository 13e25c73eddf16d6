"""Who is similar to whom: the reference, on plain sets, that every faster engine must equal.

The similarity of two people is the Jaccard index of their skill sets, |A ∩ B| / |A ∪ B| (Paul
Jaccard, "Étude comparative de la distribution florale", 1901). A neighbour is somebody else who
has published something and is similar by at least 0.1; each person keeps the best 50, ties broken
by user id.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sidepro.domain.ids import UserId

MOST_NEIGHBOURS = 50


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Somebody similar: the score in [0.1, 1], and the skills in common in the order of the
    person whose neighbour this is.
    """

    user_id: UserId
    score: float
    shared_skills: tuple[str, ...]


def jaccard(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    """|A ∩ B| / |A ∪ B|, and 0 for two empty sets.

    Equal quotients of small integers are equal as floats and different ones differ (the division
    is correctly rounded, and two quotients of numbers below 2^26 are further apart than the
    rounding), so that scores may be compared.
    """
    union = len(one | other)
    return len(one & other) / union if union else 0.0


def is_near(one: AbstractSet[str], other: AbstractSet[str]) -> bool:
    """Whether the similarity is at least 0.1, in whole numbers: 10 × shared ≥ union, and at least
    one skill in common.
    """
    shared = len(one & other)
    return shared > 0 and 10 * shared >= len(one | other)


def neighbours(
    skills_of: Mapping[UserId, tuple[str, ...]], published: AbstractSet[UserId]
) -> dict[UserId, tuple[Neighbour, ...]]:
    """The neighbours of everybody who has any, the most similar first, given everybody's skills
    and who has published something.
    """
    everybody = {user: frozenset(skills) for user, skills in skills_of.items()}
    candidates = [(user, everybody[user]) for user in sorted(published & everybody.keys())]
    found: dict[UserId, tuple[Neighbour, ...]] = {}
    for user, skills in everybody.items():
        near = [
            (-jaccard(skills, others), other, others)
            for other, others in candidates
            if other != user and is_near(skills, others)
        ]
        near.sort(key=lambda ranked: ranked[:2])
        if near:
            found[user] = tuple(
                Neighbour(other, -score, _shared(skills_of[user], others))
                for score, other, others in near[:MOST_NEIGHBOURS]
            )
    return found


def _shared(skills: Sequence[str], others: AbstractSet[str]) -> tuple[str, ...]:
    return tuple(skill for skill in skills if skill in others)

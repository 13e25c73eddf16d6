"""Results of the similarity job, built by hand and by the reference."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, repeat

from sidepro.domain.ids import UserId
from sidepro.domain.recommendations import jaccard
from sidepro.domain.recommendations.jaccard import Neighbour
from sidepro.domain.recommendations.packed import (
    NO_NEIGHBOUR,
    PLACE_SIZE,
    STORED_NEIGHBOURS,
    Population,
    Similarities,
    skills_among,
)
from sidepro.domain.recommendations.ports import Computed, Progress


def numbers(values: Iterable[int]) -> bytes:
    return b"".join(value.to_bytes(PLACE_SIZE, "little") for value in values)


def result(population: Population, nearest: Mapping[UserId, Sequence[UserId]]) -> Similarities:
    """A result with the given nearest people. Everybody is a group of their own."""
    places = {population.id_of(place): place for place in range(len(population))}
    rows = (
        chain((places[near] for near in nearest.get(user, ())), repeat(NO_NEIGHBOUR))
        for user in places
    )
    return Similarities(
        population,
        groups=numbers(places.values()),
        nearest=b"".join(numbers(next(row) for _ in range(STORED_NEIGHBOURS)) for row in rows),
        complete=bytes([1]) * len(places),
    )


def result_of(
    skills: Mapping[UserId, Sequence[str]], nearest: Mapping[UserId, Sequence[UserId]]
) -> Similarities:
    """As `result`, for people with these skills."""
    names = sorted(set(chain.from_iterable(skills.values())))
    return result(Population.of(names, skills, ()), nearest)


def plain(population: Population) -> tuple[dict[UserId, tuple[str, ...]], set[UserId]]:
    """Everybody's skills, and the people with a published project, as plain sets."""
    people = range(len(population))
    skills = {
        population.id_of(place): skills_among(
            population.names, int.from_bytes(population.skills_of(place), "little")
        )
        for place in people
    }
    published = {population.id_of(place) for place in people if population.published[place]}
    return skills, published


def expected(population: Population) -> dict[UserId, tuple[Neighbour, ...]]:
    """Everybody's neighbours by the reference."""
    found = jaccard.neighbours(*plain(population))
    return {user: found.get(user, ()) for user in plain(population)[0]}


def neighbours_in(similarities: Similarities) -> dict[UserId, tuple[Neighbour, ...]]:
    """Everybody's neighbours by a result."""
    people = similarities.population
    users = (people.id_of(place) for place in range(len(people)))
    return {user: similarities.of(user) for user in users}


class ReferenceEngine:
    """See `sidepro.domain.recommendations.ports.SimilarityEngine`."""

    def __init__(self, *, before: Callable[[], None] = lambda: None) -> None:
        """`before` is called before each computation."""
        self.previous: list[Similarities | None] = []
        self._before = before

    async def similarities(
        self, population: Population, before: Similarities | None, progress: Progress
    ) -> Computed:
        self.previous.append(before)
        self._before()
        found = {
            user: [near.user_id for near in neighbours]
            for user, neighbours in expected(population).items()
        }
        progress(len(population), len(population))
        return Computed(result(population, found), len(population))

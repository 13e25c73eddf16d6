"""The similarity engine finds what the reference finds, from nothing and after any change."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from uuid import UUID

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidepro.adapters.similarity import engine, ranking, scanning, sets
from sidepro.adapters.similarity.engine import similarities
from sidepro.adapters.similarity.lazy_engine import PolarsEngine
from sidepro.adapters.similarity.scores import Scores
from sidepro.domain.ids import UserId
from sidepro.domain.recommendations.packed import Population, Similarities
from sidepro.domain.recommendations.ports import Computed
from tests import similarity_fixtures
from tests.hypothesis_profiles import examples

NAMES = tuple(f"skill {number:03}" for number in range(129))


def person(number: int) -> UserId:
    return UserId(UUID(int=number << 32 | 7))


both_ways = pytest.mark.parametrize("by_pairs", [False, True], ids=["all", "pairs"])
"""Sets are compared with all others, or joined by pairs of skills."""


@dataclass
class World:
    """A changing population and the last result for it."""

    skills: dict[UserId, frozenset[str]] = field(default_factory=dict)
    published: set[UserId] = field(default_factory=set)
    names: tuple[str, ...] = NAMES
    by_pairs: bool = False
    in_small_parts: bool = False
    found: Similarities | None = None

    def population(self) -> Population:
        return Population.of(self.names, self.skills, self.published)

    def tick(self, threads: int = 1) -> Computed:
        """Update the last result and compare it with the reference."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scanning, "INDEX_THRESHOLD", 0 if self.by_pairs else 1 << 62)
            patch.setattr(scanning, "TILE_WIDTH", 70)
            if self.in_small_parts:
                patch.setattr(engine, "MAX_ROWS", 30)
                patch.setattr(ranking, "BUFFER_SIZE", 256)
                patch.setattr(scanning, "TILE", 50)
                patch.setattr(sets, "BATCH_SIZE", 16)
            computed = similarities(self.population(), self.found, lambda *_: None, threads)
        self.found = computed.similarities
        assert similarity_fixtures.neighbours_in(self.found) == similarity_fixtures.expected(
            self.found.population
        )
        return computed


# ----------------------------------------------------------------------------- any population


def sets_of(most: int) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(NAMES[:most]), max_size=12)


people = st.one_of(
    *(
        st.dictionaries(st.integers(0, 200).map(person), sets_of(most), max_size=90)
        for most in (1, 3, 9, 129)
    )
)


@both_ways
@given(people, st.randoms(use_true_random=False), st.integers(1, 3), st.booleans())
@example({}, Random(1), 1, False)
@example({person(1): frozenset("a")}, Random(1), 1, False)
@example({person(number): frozenset() for number in range(3)}, Random(1), 1, False)
@example({person(number): frozenset(NAMES[:5]) for number in range(90)}, Random(1), 2, True)
@example(
    {person(number): frozenset(NAMES[: number % 13]) for number in range(90)}, Random(2), 1, True
)
def test_the_engine_finds_what_the_reference_finds(
    by_pairs: bool,
    skills: dict[UserId, frozenset[str]],
    random: Random,
    threads: int,
    in_small_parts: bool,
) -> None:
    published = {user for user in skills if random.random() < 0.7}
    world = World(skills, published, by_pairs=by_pairs, in_small_parts=in_small_parts)
    assert world.tick(threads).changed == len(skills)


changes = st.one_of(
    st.tuples(st.just("skills"), st.integers(0, 120), sets_of(9)),
    st.tuples(st.just("publishes"), st.integers(0, 120), st.booleans()),
    st.tuples(st.just("goes"), st.integers(0, 120), st.none()),
)


@both_ways
@settings(max_examples=examples(10))  # the reference is slow
@given(
    st.integers(0, 80),
    st.integers(1, 9),
    st.lists(st.lists(changes, max_size=12), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_an_update_equals_a_full_run_after_any_change(
    by_pairs: bool,
    number: int,
    most: int,
    ticks: list[list[tuple[str, int, object]]],
    random: Random,
    in_small_parts: bool,
) -> None:
    world = World(by_pairs=by_pairs, in_small_parts=in_small_parts)
    for place in range(number):
        world.skills[person(place)] = frozenset(
            random.sample(NAMES[:most], random.randint(0, most))
        )
        if random.random() < 0.8:
            world.published.add(person(place))
    world.tick()
    for each in ticks:
        before = dict(world.skills), set(world.published)
        for change in each:
            apply(world, *change)
        assert world.tick(threads=random.randint(1, 2)).changed == differing(before, world)


def apply(world: World, kind: str, number: int, value: object) -> None:
    user = person(number)
    match value:
        case frozenset():
            world.skills[user] = value
        case True:
            world.published.add(user)
        case False:
            world.published.discard(user)
        case _:
            world.skills.pop(user, None)
            world.published.discard(user)


def differing(before: tuple[dict[UserId, frozenset[str]], set[UserId]], world: World) -> int:
    """The number of people who were added, removed or changed."""
    skills, published = before
    return sum(
        skills.get(user) != world.skills.get(user)
        or (user in world.skills and (user in published) != (user in world.published))
        for user in skills.keys() | world.skills.keys()
    )


# ------------------------------------------------------------------------------- larger ones


def crowd(random: Random, number: int, most: int, sizes: tuple[int, int]) -> World:
    world = World()
    for place in random.sample(range(10 * number), number):
        skills = random.sample(NAMES[:most], random.randint(*sizes))
        world.skills[person(place)] = frozenset(skills)
        if random.random() < 0.9:
            world.published.add(person(place))
    return world


@both_ways
@pytest.mark.parametrize(
    ("most", "sizes"),
    [(129, (3, 12)), (20, (1, 6)), (6, (1, 4)), (129, (1, 2)), (129, (25, 30))],
    ids=["as-they-are", "few-skills", "many-alike", "hardly-any", "experts"],
)
def test_a_larger_population_is_updated_correctly(
    by_pairs: bool, most: int, sizes: tuple[int, int]
) -> None:
    random = Random(11)
    world = crowd(random, 160, most, sizes)
    world.by_pairs = by_pairs
    world.tick(threads=2)
    for many in (1, 10, 90):
        for user in random.sample(list(world.skills), many):
            match random.randint(0, 3):
                case 0:
                    del world.skills[user]
                    world.published.discard(user)
                case 1:
                    world.published ^= {user}
                case _:
                    skills = random.sample(NAMES[:most], random.randint(*sizes))
                    world.skills[user] = frozenset(skills)
        for place in random.sample(range(3_000), many // 2):
            world.skills[person(place)] = frozenset(NAMES[: sizes[1]])
            world.published.add(person(place))
        world.tick()


@both_ways
def test_spare_neighbours_are_used_up_and_searched_again(by_pairs: bool) -> None:
    skills = frozenset(NAMES[:4])
    world = World({person(place): skills for place in range(110)}, by_pairs=by_pairs)
    world.skills[person(1000)] = frozenset(NAMES[:3])
    world.published = set(world.skills)
    world.tick()
    for place in range(0, 90, 9):
        for removed in range(place, place + 9):
            world.published.discard(person(removed))
        world.tick()


def test_an_unchanged_population_has_no_changes() -> None:
    world = crowd(Random(3), 50, 30, (1, 5))
    world.tick()
    assert world.tick().changed == 0


def test_a_result_is_updated_after_the_catalogue_has_grown() -> None:
    world = crowd(Random(3), 50, 30, (1, 5))
    world.names = NAMES[:66]
    world.tick()
    world.names = NAMES[:128]
    world.skills[person(5)] = frozenset(NAMES[64:70])
    world.published.add(person(5))
    assert world.tick().changed == 1


@pytest.mark.parametrize(
    "names",
    [NAMES[::-1], NAMES[:60], (*NAMES, *map(str, range(70)))],
    ids=["reordered", "narrower", "wider"],
)
def test_another_catalogue_means_a_full_run(names: tuple[str, ...]) -> None:
    world = crowd(Random(3), 50, 30, (1, 5))
    world.tick()
    world.names = names
    assert world.tick().changed == 50


@pytest.mark.anyio
async def test_progress_is_reported_up_to_the_end() -> None:
    world = crowd(Random(3), 50, 30, (1, 5))
    reports: list[tuple[int, int]] = []
    computed = await PolarsEngine(threads=2).similarities(
        world.population(), None, lambda done, total: reports.append((done, total))
    )
    assert similarity_fixtures.neighbours_in(
        computed.similarities
    ) == similarity_fixtures.expected(world.population())
    assert reports[0][0] == 0
    assert reports[-1][0] == reports[-1][1] > 0


# ------------------------------------------------------------------------------------- scores


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_score_numbers_sort_as_scores(
    shared: int, more: int, other_shared: int, other_more: int
) -> None:
    scores = Scores.up_to(40)
    one, other = (
        (shared, min(80, shared + more)),
        (other_shared, min(80, other_shared + other_more)),
    )
    number, other_number = int(scores.number[one]), int(scores.number[other])
    fraction, other_fraction = Fraction(*one), Fraction(*other)
    assert (number == scores.far) == (fraction < Fraction(1, 10))
    if scores.far not in (number, other_number):
        assert (number < other_number) == (fraction > other_fraction)
        assert (number == other_number) == (fraction == other_fraction)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 30), st.integers(0, 30))
def test_least_shared_is_the_minimum_for_a_score(
    size: int, other: int, shared: int, more: int
) -> None:
    scores = Scores.up_to(30)
    limit = int(scores.number[shared, min(60, shared + more)])
    least = int(scores.least_shared(np.array([size]), np.array([limit]))[0, other])
    possible = [
        common
        for common in range(1, min(size, other) + 1)
        if scores.number[common, size + other - common] <= min(limit, scores.far - 1)
    ]
    assert least == (min(possible) if possible else 255)


def test_sets_that_are_too_large_are_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        Scores.up_to(400)

"""The similarity engine finds what the reference finds, anew and after whatever has changed."""

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
from tests import similar

NAMES = tuple(f"skill {number:03}" for number in range(129))


def person(number: int) -> UserId:
    return UserId(UUID(int=number << 32 | 7))


both_ways = pytest.mark.parametrize("by_pairs", [False, True], ids=["all", "pairs"])
"""Sets are compared with all others, or with those that have two skills in common."""


@dataclass
class Town:
    """People whose skills and publishing change, and what was found about them last."""

    skills: dict[UserId, frozenset[str]] = field(default_factory=dict)
    published: set[UserId] = field(default_factory=set)
    names: tuple[str, ...] = NAMES
    by_pairs: bool = False
    in_small_parts: bool = False
    found: Similarities | None = None

    def population(self) -> Population:
        return Population.of(self.names, self.skills, self.published)

    def tick(self, threads: int = 1) -> Computed:
        """Find who is near, going on from what was found last; the same as the reference."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scanning, "WORTH_AN_INDEX", 0 if self.by_pairs else 1 << 62)
            patch.setattr(scanning, "WIDTH", 70)
            if self.in_small_parts:
                patch.setattr(engine, "ROWS", 30)
                patch.setattr(ranking, "WAITING", 256)
                patch.setattr(scanning, "TILE", 50)
                patch.setattr(sets, "SETS_AT_ONCE", 16)
            computed = similarities(self.population(), self.found, lambda *_: None, threads)
        self.found = computed.similarities
        assert similar.told(self.found) == similar.expected(self.found.population)
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
@settings(deadline=None)
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
    town = Town(skills, published, by_pairs=by_pairs, in_small_parts=in_small_parts)
    assert town.tick(threads).changed == len(skills)


changes = st.one_of(
    st.tuples(st.just("skills"), st.integers(0, 120), sets_of(9)),
    st.tuples(st.just("publishes"), st.integers(0, 120), st.booleans()),
    st.tuples(st.just("goes"), st.integers(0, 120), st.none()),
)


@both_ways
@settings(deadline=None, max_examples=25)  # the reference takes its time
@given(
    st.integers(0, 80),
    st.integers(1, 9),
    st.lists(st.lists(changes, max_size=12), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_after_whatever_has_changed_a_tick_leaves_what_a_full_run_would(
    by_pairs: bool,
    number: int,
    most: int,
    ticks: list[list[tuple[str, int, object]]],
    random: Random,
    in_small_parts: bool,
) -> None:
    town = Town(by_pairs=by_pairs, in_small_parts=in_small_parts)
    for place in range(number):
        town.skills[person(place)] = frozenset(
            random.sample(NAMES[:most], random.randint(0, most))
        )
        if random.random() < 0.8:
            town.published.add(person(place))
    town.tick()
    for each in ticks:
        before = dict(town.skills), set(town.published)
        for change in each:
            apply(town, *change)
        assert town.tick(threads=random.randint(1, 2)).changed == differing(before, town)


def apply(town: Town, kind: str, number: int, value: object) -> None:
    user = person(number)
    match value:
        case frozenset():
            town.skills[user] = value
        case True:
            town.published.add(user)
        case False:
            town.published.discard(user)
        case _:
            town.skills.pop(user, None)
            town.published.discard(user)


def differing(before: tuple[dict[UserId, frozenset[str]], set[UserId]], town: Town) -> int:
    """How many people have come, gone, learned something or begun or stopped to publish."""
    skills, published = before
    return sum(
        skills.get(user) != town.skills.get(user)
        or (user in town.skills and (user in published) != (user in town.published))
        for user in skills.keys() | town.skills.keys()
    )


# ------------------------------------------------------------------------------- larger ones


def crowd(random: Random, number: int, most: int, sizes: tuple[int, int]) -> Town:
    town = Town()
    for place in random.sample(range(10 * number), number):
        skills = random.sample(NAMES[:most], random.randint(*sizes))
        town.skills[person(place)] = frozenset(skills)
        if random.random() < 0.9:
            town.published.add(person(place))
    return town


@both_ways
@pytest.mark.parametrize(
    ("most", "sizes"),
    [(129, (3, 12)), (20, (1, 6)), (6, (1, 4)), (129, (1, 2)), (129, (25, 30))],
    ids=["as-they-are", "few-skills", "many-alike", "hardly-any", "experts"],
)
def test_many_people_and_what_changes_among_them(
    by_pairs: bool, most: int, sizes: tuple[int, int]
) -> None:
    random = Random(11)
    town = crowd(random, 160, most, sizes)
    town.by_pairs = by_pairs
    town.tick(threads=2)
    for many in (1, 10, 90):
        for user in random.sample(list(town.skills), many):
            match random.randint(0, 3):
                case 0:
                    del town.skills[user]
                    town.published.discard(user)
                case 1:
                    town.published ^= {user}
                case _:
                    skills = random.sample(NAMES[:most], random.randint(*sizes))
                    town.skills[user] = frozenset(skills)
        for place in random.sample(range(3_000), many // 2):
            town.skills[person(place)] = frozenset(NAMES[: sizes[1]])
            town.published.add(person(place))
        town.tick()


@both_ways
def test_those_who_stand_by_are_used_up_and_looked_for_anew(by_pairs: bool) -> None:
    skills = frozenset(NAMES[:4])
    town = Town({person(place): skills for place in range(110)}, by_pairs=by_pairs)
    town.skills[person(1000)] = frozenset(NAMES[:3])
    town.published = set(town.skills)
    town.tick()
    for place in range(0, 90, 9):
        for gone in range(place, place + 9):
            town.published.discard(person(gone))
        town.tick()


def test_nothing_that_changed_is_no_work() -> None:
    town = crowd(Random(3), 50, 30, (1, 5))
    town.tick()
    assert town.tick().changed == 0


def test_a_catalogue_that_has_grown_at_its_end_is_gone_on_from() -> None:
    town = crowd(Random(3), 50, 30, (1, 5))
    town.names = NAMES[:66]
    town.tick()
    town.names = NAMES[:128]
    town.skills[person(5)] = frozenset(NAMES[64:70])
    town.published.add(person(5))
    assert town.tick().changed == 1


@pytest.mark.parametrize(
    "names",
    [NAMES[::-1], NAMES[:60], (*NAMES, *map(str, range(70)))],
    ids=["reordered", "narrower", "wider"],
)
def test_a_catalogue_that_became_another_one_is_begun_with_anew(names: tuple[str, ...]) -> None:
    town = crowd(Random(3), 50, 30, (1, 5))
    town.tick()
    town.names = names
    assert town.tick().changed == 50


@pytest.mark.anyio
async def test_the_port_tells_its_progress_up_to_the_end() -> None:
    town = crowd(Random(3), 50, 30, (1, 5))
    told: list[tuple[int, int]] = []
    computed = await PolarsEngine(threads=2).similarities(
        town.population(), None, lambda done, total: told.append((done, total))
    )
    assert similar.told(computed.similarities) == similar.expected(town.population())
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1] > 0


# ------------------------------------------------------------------------------------- scores


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_numbers_of_scores_are_ordered_as_scores_are(
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
def test_least_shared_is_what_a_score_as_good_needs(
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

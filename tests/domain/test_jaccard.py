"""The reference of the similarity engine: examples, and the definition in fractions."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidepro.domain.ids import UserId
from sidepro.domain.recommendations.jaccard import (
    Neighbour,
    is_similar,
    jaccard,
    neighbours,
)

SKILLS = tuple(f"skill {number:02}" for number in range(24))


def person(number: int) -> UserId:
    return UserId(UUID(int=number))


ME, YOU, THEY = person(1), person(2), person(3)


def found(
    skills: Mapping[UserId, tuple[str, ...]], *published: UserId
) -> dict[UserId, list[UserId]]:
    """The neighbours' ids; unless it is said who has published, everybody has."""
    return {
        user: [neighbour.user_id for neighbour in near]
        for user, near in neighbours(skills, frozenset(published or skills)).items()
    }


# --------------------------------------------------------------------------------- two people


@pytest.mark.parametrize(
    ("one", "other", "score"),
    [
        ("", "", 0.0),
        ("", "a", 0.0),
        ("a", "b", 0.0),
        ("a", "a", 1.0),
        ("abc", "cba", 1.0),
        ("ab", "bc", 1 / 3),
        ("abcd", "a", 0.25),
    ],
)
def test_similarity_of_two(one: str, other: str, score: float) -> None:
    assert jaccard(set(one), set(other)) == jaccard(set(other), set(one)) == score


def test_the_threshold_is_a_tenth() -> None:
    ten, eleven = set(SKILLS[:10]), set(SKILLS[:11])
    assert is_similar(ten, {SKILLS[0]})
    assert not is_similar(eleven, {SKILLS[0]})
    assert is_similar(eleven | ten, set(SKILLS[9:20]))  # 2 of 20
    assert not is_similar(eleven | ten, set(SKILLS[9:21]))  # 2 of 21


def test_people_without_shared_skills_are_not_similar() -> None:
    assert not is_similar(set(), set())
    assert not is_similar({"a"}, {"b"})


# ------------------------------------------------------------------------------- a population


def test_neighbours_are_mutual_when_both_have_published() -> None:
    assert found({ME: ("a", "b"), YOU: ("b", "c")}) == {ME: [YOU], YOU: [ME]}


def test_only_people_who_have_published_are_neighbours() -> None:
    assert found({ME: ("a",), YOU: ("a",), THEY: ("a",)}, YOU) == {ME: [YOU], THEY: [YOU]}


def test_nobody_is_their_own_neighbour() -> None:
    assert found({ME: ("a",)}) == {}


def test_people_without_skills_have_no_neighbours() -> None:
    assert found({ME: (), YOU: (), THEY: ("a",)}) == {}


def test_people_without_a_profile_are_not_neighbours() -> None:
    assert found({ME: ("a",)}, ME, YOU) == {}


def test_neighbours_are_sorted_by_similarity() -> None:
    skills = {ME: ("a", "b"), YOU: ("a",), THEY: ("a", "b")}
    assert found(skills)[ME] == [THEY, YOU]


def test_ties_are_broken_by_id() -> None:
    skills = {person(number): ("a",) for number in (7, 3, 9, 5)}
    assert found(skills)[person(5)] == [person(3), person(7), person(9)]


def test_equal_fractions_of_different_integers_are_ties() -> None:
    one_of_two = ("a", "b")
    two_of_four = ("a", "b", "c", "d")
    skills = {ME: one_of_two, person(3): ("a",), person(2): two_of_four}
    assert found(skills)[ME] == [person(2), person(3)]


def test_there_are_at_most_fifty_neighbours() -> None:
    skills = {person(number): ("a",) for number in range(1, 53)}
    assert found(skills)[person(1)] == [person(number) for number in range(2, 52)]


def test_shared_skills_come_in_the_persons_own_order() -> None:
    skills = {ME: ("c", "a", "b"), YOU: ("a", "b", "c", "d")}
    assert neighbours(skills, {YOU}) == {ME: (Neighbour(YOU, 0.75, ("c", "a", "b")),)}


# ----------------------------------------------------------------------------- the definition


def defined(
    skills: Mapping[UserId, tuple[str, ...]], published: AbstractSet[UserId]
) -> dict[UserId, list[tuple[UserId, Fraction, set[str]]]]:
    """The same, in exact fractions, from the sentence that says what is wanted."""
    result = {}
    for me, mine in skills.items():
        scored = []
        for you, yours in skills.items():
            union = {*mine, *yours}
            shared = {skill for skill in union if skill in mine and skill in yours}
            score = Fraction(len(shared), len(union)) if union else Fraction(0)
            if you in published and you != me and score >= Fraction(1, 10):
                scored.append((you, score, shared))
        scored.sort(key=lambda each: each[0])
        scored.sort(key=lambda each: each[1], reverse=True)
        if scored:
            result[me] = scored[:50]
    return result


skill_sets = st.sets(st.sampled_from(SKILLS[:6])).map(lambda names: tuple(sorted(names))) | (
    st.integers(0, 24).map(lambda length: SKILLS[:length])
)
populations = st.lists(st.tuples(skill_sets, st.booleans()), max_size=12)


@given(populations)
@example([(SKILLS[:1], True), (SKILLS[:10], True), (SKILLS[:11], True)])
@example([(SKILLS[: 1 + number % 24], True) for number in range(60)])
def test_neighbours_match_the_definition(
    people: list[tuple[tuple[str, ...], bool]],
) -> None:
    skills = {person(number): names for number, (names, _) in enumerate(people)}
    published = {person(number) for number, (_, has) in enumerate(people) if has}
    result = {
        me: [(near.user_id, near.score, set(near.shared_skills)) for near in those]
        for me, those in neighbours(skills, published).items()
    }
    assert result == {
        me: [(you, float(score), shared) for you, score, shared in those]
        for me, those in defined(skills, published).items()
    }

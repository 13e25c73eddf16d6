"""Packed populations and results: packing loses nothing."""

from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from sidepro.domain.ids import UserId
from sidepro.domain.recommendations.jaccard import Neighbour
from sidepro.domain.recommendations.packed import (
    STORED_NEIGHBOURS,
    Population,
    Similarities,
    skills_among,
)
from tests import similarity_fixtures

NAMES = tuple(f"skill {number:03}" for number in range(129))


def person(number: int) -> UserId:
    return UserId(UUID(int=number))


ME, YOU, THEY = person(1), person(2), person(3)

populations = st.dictionaries(
    st.integers(0, 2**128 - 1).map(person), st.sets(st.sampled_from(NAMES), max_size=5), max_size=8
)


@given(populations, st.sets(st.integers(0, 7)))
@example({person(2**64): {NAMES[0]}, person(1): {NAMES[128]}, person(256): {NAMES[64]}}, {1})
def test_skills_and_publishing_survive_packing(
    skills: dict[UserId, set[str]], publishing: set[int]
) -> None:
    published = {user for number, user in enumerate(skills) if number in publishing}
    population = Population.of(NAMES, skills, published)
    found, found_published = similarity_fixtures.plain(population)
    assert {user: set(names) for user, names in found.items()} == skills
    assert found_published == published
    assert list(found) == sorted(skills)


@given(populations)
def test_places_are_found_by_id(
    skills: dict[UserId, set[str]],
) -> None:
    population = Population.of(NAMES, skills, ())
    for user in skills:
        place = population.place_of(user)
        assert place is not None
        assert population.id_of(place) == user
    assert population.place_of(person(12345)) is None or person(12345) in skills


def test_people_without_a_profile_are_left_out() -> None:
    population = Population.of(NAMES, {ME: ()}, {ME, YOU})
    assert similarity_fixtures.plain(population) == ({ME: ()}, {ME})


def test_unknown_skills_are_left_out() -> None:
    population = Population.of(("a", "c"), {ME: ("a", "b", "c")}, ())
    assert skills_among(population.names, int.from_bytes(population.skills_of(0), "little")) == (
        "a",
        "c",
    )


def test_an_empty_catalogue_takes_one_word() -> None:
    assert Population.of((), {}, ()).width == 8
    assert Population.of(NAMES[:64], {}, ()).width == 8
    assert Population.of(NAMES[:65], {}, ()).width == 16


def test_neighbours_have_scores_and_shared_skills() -> None:
    result = similarity_fixtures.result_of({ME: "ab", YOU: "bc", THEY: "ab"}, {ME: [THEY, YOU]})
    assert result.of(ME) == (Neighbour(THEY, 1.0, ("a", "b")), Neighbour(YOU, 1 / 3, ("b",)))
    assert result.of(YOU) == ()
    assert result.of(person(99)) == ()


def test_nobody_is_their_own_neighbour() -> None:
    result = similarity_fixtures.result_of({ME: "a", YOU: "a"}, {ME: [ME, YOU]})
    assert result.of(ME) == (Neighbour(YOU, 1.0, ("a",)),)


def test_people_see_fifty_of_the_stored_neighbours() -> None:
    people = [person(number) for number in range(1, STORED_NEIGHBOURS + 1)]
    result = similarity_fixtures.result_of(dict.fromkeys(people, "a"), {ME: people})
    assert [near.user_id for near in result.of(ME)] == people[1:51]


def test_people_of_a_group_share_their_neighbours() -> None:
    alike = similarity_fixtures.result_of({ME: "a", YOU: "a"}, {ME: [ME, YOU]})
    one_group = Similarities(
        alike.population,
        similarity_fixtures.numbers([0, 0]),
        alike.nearest[: STORED_NEIGHBOURS * 4],
        b"\1",
    )
    assert [near.user_id for near in one_group.of(ME)] == [YOU]
    assert [near.user_id for near in one_group.of(YOU)] == [ME]

"""`PopulationReader`: the skills of all users, and who has published."""

import pytest

from sidepro.domain.catalogue.catalogue import Catalogue
from tests import factories, similarity_fixtures
from tests.contracts.adapters import Adapters

pytestmark = pytest.mark.anyio


async def test_the_population_is_empty_at_first(adapters: Adapters) -> None:
    assert similarity_fixtures.plain(await adapters.population.population()) == ({}, set())


async def test_the_population_has_profiles_and_publishers(
    adapters: Adapters, catalogue: Catalogue
) -> None:
    author, reader, newcomer, silent_author = (factories.user() for _ in range(4))
    await adapters.add(
        author,
        reader,
        newcomer,
        silent_author,
        factories.profile(author.id, skills=catalogue.skills[:30]),
        factories.profile(reader.id, skills=("Python",)),
        factories.project(author.id),
        factories.project(author.id),
        factories.project(silent_author.id),
    )
    population = await adapters.population.population()
    assert population.names == catalogue.skills
    assert similarity_fixtures.plain(population) == (
        {author.id: catalogue.skills[:30], reader.id: ("Python",)},
        {author.id},
    )


async def test_skills_come_in_catalogue_order(adapters: Adapters, catalogue: Catalogue) -> None:
    user = factories.user()
    # Places of one, two and three digits: they are numbers, not texts.
    skills = tuple(catalogue.skills[place] for place in (1, 8, 9, 10, 19, 98, 99, 100, 128))
    await adapters.add(user, factories.profile(user.id, skills=skills))
    found, _ = similarity_fixtures.plain(await adapters.population.population())
    assert found == {user.id: skills}


async def test_deactivated_people_are_left_out(adapters: Adapters) -> None:
    user, inactive = factories.user(), factories.user(is_active=False)
    for person in (user, inactive):
        await adapters.add(person, factories.profile(person.id), factories.project(person.id))
    found, published = similarity_fixtures.plain(await adapters.population.population())
    assert set(found) == published == {user.id}


async def test_a_change_is_in_the_next_population(adapters: Adapters) -> None:
    user = factories.user()
    project = factories.project(user.id)
    await adapters.add(user, factories.profile(user.id), project)
    await adapters.add(factories.profile(user.id, skills=("Kotlin",)))
    async with adapters.unit_of_work() as work:
        await work.projects.delete(project.id)
        await work.commit()
    found = similarity_fixtures.plain(await adapters.population.population())
    assert found == ({user.id: ("Kotlin",)}, set())


async def test_people_come_in_the_order_of_their_ids(adapters: Adapters) -> None:
    users = [factories.user() for _ in range(20)]
    await adapters.add(*users, *(factories.profile(user.id) for user in users[::-1]))
    found, _ = similarity_fixtures.plain(await adapters.population.population())
    assert list(found) == sorted(user.id for user in users)


async def test_a_skill_that_a_later_migration_added_is_known_at_the_next_reading(
    adapters: Adapters, catalogue: Catalogue
) -> None:
    await adapters.grow_catalogue(Catalogue(("Zig 2",), (), ()))
    reader = (await adapters.another()).population
    user = factories.user()
    await adapters.add(user)
    assert (await reader.population()).names == (*catalogue.skills, "Zig 2")

"""`PopulationReader`: everybody's skills, and who has published."""

import pytest

from sidepro.domain.accounts.profile import Catalogue
from sidepro.domain.recommendations.jaccard import Population
from tests import factories
from tests.contracts.world import World

pytestmark = pytest.mark.anyio


async def test_at_first_there_is_nobody(world: World) -> None:
    population = await world.population.population()
    assert dict(population.skills) == {}
    assert set(population.published) == set()


async def test_everybody_with_a_profile_and_who_has_published(
    world: World, catalogue: Catalogue
) -> None:
    author, reader, newcomer, silent_author = (factories.user() for _ in range(4))
    await world.store(
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
    population = await world.population.population()
    assert population == Population(
        {author.id: catalogue.skills[:30], reader.id: ("Python",)}, {author.id}
    )


async def test_skills_come_in_catalogue_order(world: World, catalogue: Catalogue) -> None:
    user = factories.user()
    # Places of one, two and three digits: they are numbers, not texts.
    skills = tuple(catalogue.skills[place] for place in (1, 8, 9, 10, 19, 98, 99, 100, 128))
    await world.store(user, factories.profile(user.id, skills=skills))
    population = await world.population.population()
    assert population.skills[user.id] == skills


async def test_deactivated_people_are_left_out(world: World) -> None:
    user, gone = factories.user(), factories.user(is_active=False)
    for person in (user, gone):
        await world.store(person, factories.profile(person.id), factories.project(person.id))
    population = await world.population.population()
    assert set(population.skills) == {user.id}
    assert set(population.published) == {user.id}


async def test_what_changed_is_seen_the_next_time(world: World) -> None:
    user = factories.user()
    project = factories.project(user.id)
    await world.store(user, factories.profile(user.id), project)
    await world.store(factories.profile(user.id, skills=("Kotlin",)))
    async with world.unit_of_work() as work:
        await work.projects.delete(project.id)
        await work.commit()
    population = await world.population.population()
    assert dict(population.skills) == {user.id: ("Kotlin",)}
    assert set(population.published) == set()

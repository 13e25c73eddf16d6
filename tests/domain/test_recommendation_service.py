"""The recommendation service over stores in memory."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from random import Random

from sidepro.domain.errors import Unavailable
from sidepro.domain.identity import Caller
from sidepro.domain.ids import ProjectId, UserId
from sidepro.domain.recommendations.jaccard import Neighbour
from sidepro.domain.recommendations.ports import Neighbourhood
from sidepro.domain.recommendations.recommendation_service import weighted_shuffle
from sidepro.domain.recommendations.views import Basis, Recommendation
from tests.domain.services import Services, awaited
from tests.factories import user
from tests.fakes.readers import MemoryReader

SEEDS = range(200)


def authors(items: Iterable[Recommendation]) -> list[UserId]:
    return [item.project.author.id for item in items]


async def crowd(services: Services, people: int, projects: int) -> Caller:
    """Somebody with as many neighbours, who have as many projects each; the job has run."""
    caller = await services.person("Python")
    for _ in range(people):
        author = await services.person("Python")
        for _ in range(projects):
            await services.project(author)
    await services.similarity.run()
    return caller


# --------------------------------------------------------------------------------- similar people


@awaited
async def test_a_recommendation_has_a_reason(services: Services) -> None:
    caller = await services.person("Django", "Python", "React")
    similar = await services.person("Java", "Python", "React")
    project = await services.project(similar)
    await services.similarity.run()
    (item,) = (await services.recommendations.recommend(caller, 3, None)).items
    assert item.project.id == project.id
    assert item.project.author.id == similar.id
    assert (item.basis, item.score) == (Basis.SIMILAR_SKILLS, 0.5)
    assert item.shared_skills == ("Python", "React")


@awaited
async def test_ones_own_projects_are_never_recommended(services: Services) -> None:
    caller = await services.person("Python")
    await services.project(caller)
    await services.project(await services.person("Python"))
    await services.similarity.run()
    items = (await services.recommendations.recommend(caller, 20, None)).items
    assert len(items) == 1
    assert caller.id not in authors(items)


class UnreachableNeighbourStore(MemoryReader):
    """Keeps neighbours, and does not give them back."""

    async def of(self, user_id: UserId) -> Neighbourhood:
        raise Unavailable


@awaited
async def test_popular_projects_are_shown_while_the_store_is_unavailable(
    services: Services,
) -> None:
    caller = await crowd(services, people=1, projects=1)
    away = replace(services.recommendations, store=UnreachableNeighbourStore(services.store))
    found = await away.recommend(caller, 3, None)
    assert [item.basis for item in found.items] == [Basis.POPULAR]
    assert found.computed_at is None


@awaited
async def test_each_author_has_one_project_before_any_second_one(services: Services) -> None:
    caller = await crowd(services, people=3, projects=3)
    for seed in range(10):
        found = authors((await services.recommendations.recommend(caller, 9, seed)).items)
        rounds = [found[:3], found[3:6], found[6:]]
        assert all(len(set(each)) == 3 for each in rounds)


@awaited
async def test_projects_are_not_repeated(services: Services) -> None:
    caller = await crowd(services, people=2, projects=3)
    items = (await services.recommendations.recommend(caller, 20, 1)).items
    assert len({item.project.id for item in items}) == len(items) == 6


@awaited
async def test_the_limit_holds(services: Services) -> None:
    caller = await crowd(services, people=3, projects=2)
    for limit in range(1, 6):
        assert len((await services.recommendations.recommend(caller, limit, None)).items) == limit


@awaited
async def test_authors_without_projects_are_replaced_by_others(services: Services) -> None:
    caller = await services.person("Python")
    people = [await services.person("Python") for _ in range(6)]
    projects = [await services.project(author) for author in people]
    await services.similarity.run()
    for author, project in list(zip(people, projects, strict=True))[:4]:
        await services.projects.delete(author, project.id)
    left = {author.id for author in people[4:]}
    for seed in range(10):
        items = (await services.recommendations.recommend(caller, 2, seed)).items
        assert set(authors(items)) == left
        assert {item.basis for item in items} == {Basis.SIMILAR_SKILLS}


@awaited
async def test_the_same_seed_gives_the_same_order(services: Services) -> None:
    caller = await crowd(services, people=8, projects=3)
    one, other = [await services.recommendations.recommend(caller, 3, 7) for _ in range(2)]
    assert one == other


@awaited
async def test_different_seeds_show_different_projects(services: Services) -> None:
    caller = await crowd(services, people=8, projects=3)
    shown = set()
    for seed in range(10):
        items = (await services.recommendations.recommend(caller, 3, seed)).items
        shown.add(tuple(item.project.id for item in items))
    assert len(shown) > 5


@awaited
async def test_without_a_seed_each_call_gives_another_order(services: Services) -> None:
    caller = await crowd(services, people=8, projects=3)
    shown = [await services.recommendations.recommend(caller, 3, None) for _ in range(10)]
    assert any(one != shown[0] for one in shown)


@awaited
async def test_deactivated_authors_are_left_out(services: Services) -> None:
    caller = await services.person("Python")
    author = await services.person("Python")
    await services.project(author)
    await services.similarity.run()
    services.change(author.id, is_active=False)
    assert (await services.recommendations.recommend(caller, 3, None)).items == ()
    services.clock.forward(60)
    await services.similarity.run()
    assert (await services.reader.of(caller.id)).neighbours == ()


@awaited
async def test_projects_deleted_since_the_last_run_are_left_out(services: Services) -> None:
    caller = await services.person("Python")
    author = await services.person("Python")
    deleted = await services.project(author)
    stays = await services.project(author)
    await services.similarity.run()
    await services.projects.delete(author, deleted.id)
    items = (await services.recommendations.recommend(caller, 3, None)).items
    assert [item.project.id for item in items] == [stays.id]


# -------------------------------------------------------------------------------------- popular


@awaited
async def test_people_without_neighbours_get_popular_projects(services: Services) -> None:
    caller = await services.person()
    author, fan, other_fan = await services.people(3)
    none, two, one = [await services.project(author) for _ in range(3)]
    for who, what in ((fan, two), (other_fan, two), (fan, one)):
        await services.bookmarks.add(who, what.id)
    items = (await services.recommendations.recommend(caller, 3, None)).items
    assert [item.project.id for item in items] == [two.id, one.id, none.id]
    assert {(i.basis, i.score, i.shared_skills) for i in items} == {(Basis.POPULAR, None, ())}


@awaited
async def test_popular_projects_fill_up_the_rest(services: Services) -> None:
    caller = await services.person("Python")
    similar, other = await services.person("Python"), await services.person("Swift")
    for author in (similar, similar, other, other, other):
        project = await services.project(author)
        if author is similar:
            await services.bookmarks.add(other, project.id)
    await services.similarity.run()
    items = (await services.recommendations.recommend(caller, 4, None)).items
    assert authors(items) == [similar.id, similar.id, other.id, other.id]
    bases = [Basis.SIMILAR_SKILLS] * 2 + [Basis.POPULAR] * 2
    assert [item.basis for item in items] == bases
    assert len({item.project.id for item in items}) == 4


@awaited
async def test_ones_own_popular_projects_are_left_out(services: Services) -> None:
    caller = await services.person()
    await services.project(caller)
    assert (await services.recommendations.recommend(caller, 3, None)).items == ()


# --------------------------------------------------------------------------------------- the draw


def first_of(scores: dict[UserId, float]) -> Counter[UserId]:
    """How often each author comes first, over many seeds."""
    people = [Neighbour(author, score, ()) for author, score in scores.items()]
    return Counter(weighted_shuffle(people, Random(seed))[0].user_id for seed in SEEDS)


def test_higher_scores_tend_to_come_first() -> None:
    high, low = user().id, user().id
    first = first_of({low: 0.1, high: 0.9})
    # nine in ten are expected; of 200 draws, six standard deviations below are 154
    assert 154 < first[high] < 200


def test_equal_scores_have_equal_chances() -> None:
    scores = {user().id: 0.5 for _ in range(4)}
    first = first_of(scores)
    assert all(20 < first[author] < 90 for author in scores)


def test_the_order_of_the_input_does_not_matter() -> None:
    people = [Neighbour(user().id, 0.5, ()) for _ in range(5)]
    assert weighted_shuffle(people, Random(1)) == weighted_shuffle(people[::-1], Random(1))


@awaited
async def test_any_project_of_an_author_can_be_shown(services: Services) -> None:
    caller = await crowd(services, people=1, projects=3)
    shown = Counter[ProjectId]()
    for seed in SEEDS:
        items = (await services.recommendations.recommend(caller, 1, seed)).items
        shown[items[0].project.id] += 1
    assert len(shown) == 3
    assert min(shown.values()) > 30


@awaited
async def test_authors_with_more_projects_fill_further_rounds(services: Services) -> None:
    caller = await services.person("Python")
    one, other = [await services.person("Python") for _ in range(2)]
    await services.project(one)
    for _ in range(3):
        await services.project(other)
    await services.similarity.run()
    items = (await services.recommendations.recommend(caller, 9, 1)).items
    assert authors(items[2:]) == [other.id, other.id]
    assert len({item.project.id for item in items}) == len(items) == 4


@awaited
async def test_other_authors_contribute_more_when_some_have_none(services: Services) -> None:
    caller = await services.person("Python")
    one, other = [await services.person("Python") for _ in range(2)]
    deleted = await services.project(one)
    for _ in range(3):
        await services.project(other)
    await services.similarity.run()
    await services.projects.delete(one, deleted.id)
    items = (await services.recommendations.recommend(caller, 3, 1)).items
    assert authors(items) == [other.id] * 3
    assert {item.basis for item in items} == {Basis.SIMILAR_SKILLS}

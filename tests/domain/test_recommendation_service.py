"""Recommending projects, and the job behind it, over stores in memory."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from sidepro.domain.accounts.session import Caller
from sidepro.domain.recommendations.jaccard import Neighbour
from sidepro.domain.recommendations.ports import Neighbourhood
from sidepro.domain.recommendations.service import Run, deal, rank
from sidepro.domain.recommendations.views import Basis, Recommendation
from sidepro.domain.shared import ProjectId, UserId
from tests.domain.world import World, awaited
from tests.factories import NOW, new_id, user

SEEDS = range(200)


def authors(items: Iterable[Recommendation]) -> list[UserId]:
    return [item.project.author.id for item in items]


async def crowd(world: World, people: int, projects: int) -> Caller:
    """Somebody with as many neighbours, who have as many projects each; the job has run."""
    caller = await world.person("Python")
    for _ in range(people):
        author = await world.person("Python")
        for _ in range(projects):
            await world.project(author)
    await world.recommendations.run()
    return caller


# --------------------------------------------------------------------------------- similar people


@awaited
async def test_a_recommendation_says_why(world: World) -> None:
    caller = await world.person("Django", "Python", "React")
    similar = await world.person("Java", "Python", "React")
    project = await world.project(similar)
    await world.recommendations.run()
    (item,) = (await world.recommendations.recommend(caller, 3, None)).items
    assert item.project.id == project.id
    assert item.project.author.id == similar.id
    assert (item.basis, item.score) == (Basis.SIMILAR_SKILLS, 0.5)
    assert item.shared_skills == ("Python", "React")


@awaited
async def test_ones_own_projects_are_never_recommended(world: World) -> None:
    caller = await world.person("Python")
    await world.project(caller)
    await world.project(await world.person("Python"))
    await world.recommendations.run()
    items = (await world.recommendations.recommend(caller, 20, None)).items
    assert len(items) == 1
    assert caller.id not in authors(items)


@awaited
async def test_a_store_that_says_one_is_like_oneself_does_no_harm(world: World) -> None:
    caller = await world.person("Python")
    await world.project(caller)
    me = Neighbour(caller.id, 1.0, ("Python",))
    await world.reader.replace({caller.id: (me,)}, NOW)
    assert (await world.recommendations.recommend(caller, 3, None)).items == ()


@awaited
async def test_one_project_of_each_author_comes_before_any_second_one(world: World) -> None:
    caller = await crowd(world, people=3, projects=3)
    for seed in range(10):
        found = authors((await world.recommendations.recommend(caller, 9, seed)).items)
        rounds = [found[:3], found[3:6], found[6:]]
        assert all(len(set(each)) == 3 for each in rounds)


@awaited
async def test_no_project_comes_twice(world: World) -> None:
    caller = await crowd(world, people=2, projects=3)
    items = (await world.recommendations.recommend(caller, 20, 1)).items
    assert len({item.project.id for item in items}) == len(items) == 6


@awaited
async def test_no_more_come_than_were_asked_for(world: World) -> None:
    caller = await crowd(world, people=3, projects=2)
    for limit in range(1, 6):
        assert len((await world.recommendations.recommend(caller, limit, None)).items) == limit


@awaited
async def test_others_come_in_for_those_who_have_nothing_left(world: World) -> None:
    caller = await world.person("Python")
    people = [await world.person("Python") for _ in range(6)]
    projects = [await world.project(author) for author in people]
    await world.recommendations.run()
    for author, project in list(zip(people, projects, strict=True))[:4]:
        await world.projects.delete(author, project.id)
    left = {author.id for author in people[4:]}
    for seed in range(10):
        items = (await world.recommendations.recommend(caller, 2, seed)).items
        assert set(authors(items)) == left
        assert {item.basis for item in items} == {Basis.SIMILAR_SKILLS}


@awaited
async def test_a_seed_is_repeatable(world: World) -> None:
    caller = await crowd(world, people=8, projects=3)
    one, other = [await world.recommendations.recommend(caller, 3, 7) for _ in range(2)]
    assert one == other


@awaited
async def test_different_seeds_show_different_projects(world: World) -> None:
    caller = await crowd(world, people=8, projects=3)
    shown = set()
    for seed in range(10):
        items = (await world.recommendations.recommend(caller, 3, seed)).items
        shown.add(tuple(item.project.id for item in items))
    assert len(shown) > 5


@awaited
async def test_without_a_seed_a_reload_shows_others(world: World) -> None:
    caller = await crowd(world, people=8, projects=3)
    shown = [await world.recommendations.recommend(caller, 3, None) for _ in range(10)]
    assert any(one != shown[0] for one in shown)


@awaited
async def test_deactivated_authors_are_left_out(world: World) -> None:
    caller = await world.person("Python")
    author = await world.person("Python")
    await world.project(author)
    await world.recommendations.run()
    world.change(author.id, is_active=False)
    assert (await world.recommendations.recommend(caller, 3, None)).items == ()
    assert (await world.recommendations.run()).with_neighbours == 0


@awaited
async def test_a_project_that_is_gone_since_the_last_run_is_left_out(world: World) -> None:
    caller = await world.person("Python")
    author = await world.person("Python")
    gone = await world.project(author)
    stays = await world.project(author)
    await world.recommendations.run()
    await world.projects.delete(author, gone.id)
    items = (await world.recommendations.recommend(caller, 3, None)).items
    assert [item.project.id for item in items] == [stays.id]


# -------------------------------------------------------------------------------------- popular


@awaited
async def test_without_similar_people_come_popular_projects(world: World) -> None:
    caller = await world.person()
    author, fan, other_fan = await world.people(3)
    none, two, one = [await world.project(author) for _ in range(3)]
    for who, what in ((fan, two), (other_fan, two), (fan, one)):
        await world.projects.bookmark(who, what.id)
    items = (await world.recommendations.recommend(caller, 3, None)).items
    assert [item.project.id for item in items] == [two.id, one.id, none.id]
    assert {(i.basis, i.score, i.shared_skills) for i in items} == {(Basis.POPULAR, None, ())}


@awaited
async def test_too_few_are_filled_up_with_popular_ones(world: World) -> None:
    caller = await world.person("Python")
    similar, other = await world.person("Python"), await world.person("Swift")
    for author in (similar, similar, other, other, other):
        project = await world.project(author)
        if author is similar:
            await world.projects.bookmark(other, project.id)
    await world.recommendations.run()
    items = (await world.recommendations.recommend(caller, 4, None)).items
    assert authors(items) == [similar.id, similar.id, other.id, other.id]
    bases = [Basis.SIMILAR_SKILLS] * 2 + [Basis.POPULAR] * 2
    assert [item.basis for item in items] == bases
    assert len({item.project.id for item in items}) == 4


@awaited
async def test_ones_own_popular_projects_are_left_out(world: World) -> None:
    caller = await world.person()
    await world.project(caller)
    assert (await world.recommendations.recommend(caller, 3, None)).items == ()


# --------------------------------------------------------------------------------------- the draw


def draw(
    neighbours: Sequence[Neighbour],
    projects: Mapping[UserId, Sequence[ProjectId]],
    limit: int,
    random: Random,
) -> list[tuple[ProjectId, Neighbour]]:
    return deal(rank(neighbours, random), projects, limit, random)


def draw_first(scores: dict[UserId, float]) -> Counter[UserId]:
    """How often each author's project is drawn first, over many seeds."""
    people = [Neighbour(author, score, ()) for author, score in scores.items()]
    projects = {author: (ProjectId(new_id()),) for author in scores}
    return Counter(draw(people, projects, 1, Random(seed))[0][1].user_id for seed in SEEDS)


def test_a_draw_prefers_higher_scores() -> None:
    high, low = user().id, user().id
    first = draw_first({low: 0.1, high: 0.9})
    # nine in ten are expected; of 200 draws, six standard deviations below are 154
    assert 154 < first[high] < 200


def test_a_draw_treats_equal_scores_alike() -> None:
    scores = {user().id: 0.5 for _ in range(4)}
    first = draw_first(scores)
    assert all(20 < first[author] < 90 for author in scores)


def test_a_draw_takes_any_of_an_authors_projects() -> None:
    author = user().id
    projects = {author: tuple(ProjectId(new_id()) for _ in range(3))}
    drawn = {draw([Neighbour(author, 1.0, ())], projects, 1, Random(seed))[0][0] for seed in SEEDS}
    assert drawn == set(projects[author])


def test_a_draw_does_not_depend_on_the_order_of_its_input() -> None:
    people = [Neighbour(user().id, 0.5, ()) for _ in range(5)]
    projects = {each.user_id: (ProjectId(new_id()),) for each in people}
    assert draw(people, projects, 5, Random(1)) == draw(people[::-1], projects, 5, Random(1))


def test_a_draw_goes_on_with_those_who_have_more() -> None:
    one, other = (Neighbour(user().id, 0.5, ()) for _ in range(2))
    projects = {
        one.user_id: (ProjectId(new_id()),),
        other.user_id: tuple(ProjectId(new_id()) for _ in range(3)),
    }
    drawn = draw([one, other], projects, 9, Random(1))
    assert [neighbour for _, neighbour in drawn[2:]] == [other, other]
    assert len({project for project, _ in drawn}) == 4


def test_a_draw_passes_over_who_has_nothing_to_show() -> None:
    one, other = (Neighbour(user().id, 0.5, ()) for _ in range(2))
    project = ProjectId(new_id())
    assert draw([one, other], {other.user_id: (project,)}, 3, Random(1)) == [(project, other)]
    assert draw([one, other], {}, 3, Random(1)) == []


# ---------------------------------------------------------------------------------------- the job


@awaited
async def test_a_run_says_what_it_did(world: World) -> None:
    await world.person("Swift")
    await world.person("Python")
    await world.project(await world.person("Python"))
    assert await world.recommendations.run() == Run(people=3, with_neighbours=1, kept=True)


@awaited
async def test_a_run_leaves_out_who_is_deactivated(world: World) -> None:
    await world.person("Python")
    await world.project(await world.person("Python", is_active=False))
    assert await world.recommendations.run() == Run(people=1, with_neighbours=0, kept=True)


@awaited
async def test_it_is_told_when_the_similarities_were_computed(world: World) -> None:
    caller = await world.person("Python")
    assert (await world.recommendations.recommend(caller, 3, None)).computed_at is None
    await world.recommendations.run()
    world.clock.forward(30)
    assert (await world.recommendations.recommend(caller, 3, None)).computed_at == NOW


@awaited
async def test_a_request_computes_nothing(world: World) -> None:
    caller = await world.person("Python")
    await world.recommendations.run()
    await world.project(await world.person("Python"))
    (item,) = (await world.recommendations.recommend(caller, 3, None)).items
    assert item.basis is Basis.POPULAR


@awaited
async def test_a_skill_edit_is_reflected_at_the_next_run(world: World) -> None:
    caller = await world.person("Swift")
    author = await world.person("Python")
    await world.project(author)
    await world.recommendations.run()
    await world.accounts.edit_profile(caller, {"skills": ["Python"]})
    world.clock.forward(60)
    await world.recommendations.run()
    (neighbour,) = (await world.reader.of(caller.id)).neighbours
    assert neighbour == Neighbour(author.id, 1.0, ("Python",))


@awaited
async def test_a_run_twice_leaves_the_same(world: World) -> None:
    caller = await crowd(world, people=2, projects=1)
    before = await world.reader.of(caller.id)
    world.clock.forward(60)
    assert (await world.recommendations.run()).kept
    after = await world.reader.of(caller.id)
    assert after.neighbours == before.neighbours
    assert after.computed_at == world.clock.now


@awaited
async def test_an_older_result_does_not_replace_a_newer_one(world: World) -> None:
    caller = await crowd(world, people=2, projects=1)
    before = await world.reader.of(caller.id)
    assert not await world.reader.replace({}, world.clock.forward(-1))
    assert await world.reader.of(caller.id) == before


@awaited
async def test_a_new_result_replaces_the_old_one_as_a_whole(world: World) -> None:
    caller = await crowd(world, people=2, projects=1)
    now = world.clock.forward(60)
    assert await world.reader.replace({}, now)
    assert await world.reader.of(caller.id) == Neighbourhood((), now)

"""`RecommendationReader`: what may be recommended."""

from uuid import uuid4

import pytest

from sidepro.domain.projects.project import Project
from sidepro.domain.shared import ProjectId, UserId
from tests import factories
from tests.contracts.builders import no_project, nobody
from tests.contracts.world import World

pytestmark = pytest.mark.anyio


def project_of(author: UserId) -> Project:
    return factories.project(author, id=ProjectId(uuid4()))


async def test_projects_of_gives_the_ids_of_each_author_in_order(world: World) -> None:
    one, other, unasked, idle = (factories.user() for _ in range(4))
    projects = [project_of(user.id) for user in (one, other, one, unasked, other, one)]
    await world.store(one, other, unasked, idle, *projects)
    asked = [one.id, other.id, idle.id, nobody()]
    assert await world.recommendable.projects_of(asked) == {
        user.id: tuple(sorted(p.id for p in projects if p.author_id == user.id))
        for user in (one, other)
    }


async def test_projects_of_nobody_are_none(world: World) -> None:
    author = factories.user()
    await world.store(author, project_of(author.id))
    assert await world.recommendable.projects_of([]) == {}
    assert await world.recommendable.projects_of({nobody()}) == {}


async def test_projects_of_deactivated_people_are_left_out(world: World) -> None:
    user, gone = factories.user(), factories.user(is_active=False)
    mine, theirs = project_of(user.id), project_of(gone.id)
    await world.store(user, gone, mine, theirs)
    found = await world.recommendable.projects_of({user.id, gone.id})
    assert found == {user.id: (mine.id,)}


async def test_cards_are_those_that_exist_as_the_viewer_sees_them(world: World) -> None:
    author, viewer = factories.user(), factories.user()
    projects = [project_of(author.id) for _ in range(4)]
    await world.store(author, viewer, *projects)
    await world.bookmark(viewer.id, projects[1].id)
    await world.bookmark(author.id, projects[2].id)
    await world.views.add(projects[2].id)
    asked = [projects[2].id, no_project(), projects[1].id, projects[0].id]
    cards = await world.recommendable.cards(asked, viewer.id)
    assert set(cards) == {projects[0].id, projects[1].id, projects[2].id}
    for project_id, card in cards.items():
        page = await world.board.project(project_id, viewer.id)
        assert page is not None
        assert card == page.card
    assert cards[projects[1].id].bookmarked is True
    assert cards[projects[2].id].bookmarked is False
    assert cards[projects[2].id].view_count == 1


async def test_no_projects_have_no_cards(world: World) -> None:
    author = factories.user()
    await world.store(author, project_of(author.id))
    assert await world.recommendable.cards([], author.id) == {}


async def test_popular_are_the_most_bookmarked_of_others(world: World) -> None:
    viewer, author, gone = factories.user(), factories.user(), factories.user(is_active=False)
    others = [project_of(author.id) for _ in range(8)]
    own, theirs = project_of(viewer.id), project_of(gone.id)
    await world.store(viewer, author, gone, *others, own, theirs)
    counts = [0, 3, 1, 3, 2, 0, 1, 3]
    for project, count in zip(others, counts, strict=True):
        await world.move(project.id, bookmarks=count)
    for project in (own, theirs):
        await world.move(project.id, bookmarks=50)
    ranked = sorted(zip(counts, [project.id for project in others], strict=True), reverse=True)
    for limit in (1, 3, 8, 20):
        found = await world.recommendable.popular(viewer.id, limit)
        assert [(card.bookmark_count, card.id) for card in found] == ranked[:limit]


async def test_popular_cards_are_as_the_viewer_sees_them(world: World) -> None:
    viewer, author = factories.user(), factories.user()
    projects = [project_of(author.id) for _ in range(2)]
    await world.store(viewer, author, *projects)
    await world.bookmark(viewer.id, projects[0].id)
    cards = await world.recommendable.popular(viewer.id, 5)
    assert [card.bookmarked for card in cards] == [True, False]
    for card in cards:
        page = await world.board.project(card.id, viewer.id)
        assert page is not None
        assert card == page.card


async def test_popular_of_an_empty_board_are_none(world: World) -> None:
    viewer = factories.user()
    await world.store(viewer, project_of(viewer.id))
    assert await world.recommendable.popular(viewer.id, 3) == ()

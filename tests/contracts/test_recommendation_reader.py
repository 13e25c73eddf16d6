"""`RecommendationReader`: projects to recommend."""

from collections.abc import Collection
from uuid import uuid4

import pytest

from sidepro.domain.ids import ProjectId, UserId
from sidepro.domain.projects.project import Project
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import nobody

pytestmark = pytest.mark.anyio


def project_of(author: UserId) -> Project:
    return factories.project(author, id=ProjectId(uuid4()))


async def projects_by_author(
    adapters: Adapters, authors: Collection[UserId], viewer: UserId, most: int = 20, first: int = 0
) -> dict[UserId, list[ProjectId]]:
    found = await adapters.recommendable.projects_by_author(
        authors, viewer, most=most, first=first
    )
    return {author: [card.id for card in hand] for author, hand in found.items()}


async def test_projects_are_grouped_by_author_in_order(adapters: Adapters) -> None:
    one, other, unasked, idle = (factories.user() for _ in range(4))
    projects = [project_of(user.id) for user in (one, other, one, unasked, other, one)]
    await adapters.add(one, other, unasked, idle, *projects)
    asked = [one.id, other.id, idle.id, nobody()]
    assert await projects_by_author(adapters, asked, idle.id) == {
        user.id: sorted(p.id for p in projects if p.author_id == user.id) for user in (one, other)
    }


async def test_a_hand_goes_round_from_its_first_number_on(adapters: Adapters) -> None:
    many, few = factories.user(), factories.user()
    projects = [project_of(user.id) for user in (many, few, many, many, few, many)]
    await adapters.add(many, few, *projects)
    of_many, of_few = (
        sorted(p.id for p in projects if p.author_id == user.id) for user in (many, few)
    )
    for first in (0, 1, 3, 4, 6, 2**31 - 1):
        for most in (1, 2, 3, 9):
            found = await projects_by_author(adapters, {many.id, few.id}, many.id, most, first)
            assert found == {
                user.id: (circle[first % len(circle) :] + circle[: first % len(circle)])[:most]
                for user, circle in ((many, of_many), (few, of_few))
            }


async def test_an_unknown_author_has_no_projects(adapters: Adapters) -> None:
    author = factories.user()
    await adapters.add(author, project_of(author.id))
    assert await projects_by_author(adapters, [], author.id) == {}
    assert await projects_by_author(adapters, {nobody()}, author.id) == {}


async def test_hands_of_deactivated_people_are_left_out(adapters: Adapters) -> None:
    user, inactive = factories.user(), factories.user(is_active=False)
    mine, theirs = project_of(user.id), project_of(inactive.id)
    await adapters.add(user, inactive, mine, theirs)
    assert await projects_by_author(adapters, {user.id, inactive.id}, user.id) == {
        user.id: [mine.id]
    }


async def test_a_hand_is_as_the_viewer_sees_it(adapters: Adapters) -> None:
    author, viewer = factories.user(), factories.user()
    projects = [project_of(author.id) for _ in range(4)]
    await adapters.add(author, viewer, *projects)
    await adapters.bookmark(viewer.id, projects[1].id)
    await adapters.bookmark(author.id, projects[2].id)
    await adapters.views.add(projects[2].id)
    found = await adapters.recommendable.projects_by_author(
        [author.id], viewer.id, most=9, first=2
    )
    cards = {card.id: card for card in found[author.id]}
    for project in projects:
        page = await adapters.board.project(project.id, viewer.id)
        assert page is not None
        assert cards[project.id] == page.card
    assert cards[projects[1].id].bookmarked is True
    assert cards[projects[2].id].bookmarked is False
    assert cards[projects[2].id].view_count == 1


async def test_popular_are_the_most_bookmarked_of_others(adapters: Adapters) -> None:
    viewer, author, inactive = factories.user(), factories.user(), factories.user(is_active=False)
    others = [project_of(author.id) for _ in range(8)]
    own, theirs = project_of(viewer.id), project_of(inactive.id)
    await adapters.add(viewer, author, inactive, *others, own, theirs)
    counts = [0, 3, 1, 3, 2, 0, 1, 3]
    for project, count in zip(others, counts, strict=True):
        await adapters.adjust_counters(project.id, bookmarks=count)
    for project in (own, theirs):
        await adapters.adjust_counters(project.id, bookmarks=50)
    ranked = sorted(zip(counts, [project.id for project in others], strict=True), reverse=True)
    for limit in (1, 3, 8, 20):
        found = await adapters.recommendable.popular(viewer.id, limit)
        assert [(card.bookmark_count, card.id) for card in found] == ranked[:limit]


async def test_popular_cards_are_as_the_viewer_sees_them(adapters: Adapters) -> None:
    viewer, author = factories.user(), factories.user()
    projects = [project_of(author.id) for _ in range(2)]
    await adapters.add(viewer, author, *projects)
    await adapters.bookmark(viewer.id, projects[0].id)
    cards = await adapters.recommendable.popular(viewer.id, 5)
    assert [card.bookmarked for card in cards] == [True, False]
    for card in cards:
        page = await adapters.board.project(card.id, viewer.id)
        assert page is not None
        assert card == page.card


async def test_popular_of_an_empty_board_are_none(adapters: Adapters) -> None:
    viewer = factories.user()
    await adapters.add(viewer, project_of(viewer.id))
    assert await adapters.recommendable.popular(viewer.id, 3) == ()

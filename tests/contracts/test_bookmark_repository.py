"""`BookmarkRepository`: users' bookmarks on projects."""

import pytest

from sidepro.domain.errors import NotFound
from sidepro.domain.ids import UserId
from sidepro.domain.pagination import PageRequest
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, no_project, nobody
from tests.contracts.concurrency import MANY, race

pytestmark = pytest.mark.anyio


async def bookmarked(adapters: Adapters, user_id: UserId) -> list[object]:
    page = await adapters.board.bookmarked_by(user_id, PageRequest(), None)
    return [card.id for card in page.items]


async def test_add_reports_whether_the_bookmark_is_new(adapters: Adapters) -> None:
    author, reader = factories.user(), factories.user()
    project, other = factories.project(author.id), factories.project(author.id)
    await adapters.add(author, reader, project, other)
    async with adapters.unit_of_work() as work:
        assert await work.bookmarks.add(reader.id, project.id, after(1))
        assert not await work.bookmarks.add(reader.id, project.id, after(2))
        assert await work.bookmarks.add(author.id, project.id, after(3))
        assert await work.bookmarks.add(reader.id, other.id, after(4))
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert not await work.bookmarks.add(reader.id, project.id, after(5))
    assert await bookmarked(adapters, reader.id) == [other.id, project.id]
    assert await bookmarked(adapters, author.id) == [project.id]


async def test_a_repeated_bookmark_keeps_the_first_timestamp(adapters: Adapters) -> None:
    author = factories.user()
    projects = [factories.project(author.id) for _ in range(2)]
    await adapters.add(author, *projects)
    await adapters.bookmark(author.id, projects[0].id, after(1))
    await adapters.bookmark(author.id, projects[1].id, after(2))
    await adapters.bookmark(author.id, projects[0].id, after(3))
    assert await bookmarked(adapters, author.id) == [projects[1].id, projects[0].id]


async def test_remove_reports_whether_there_was_a_bookmark(adapters: Adapters) -> None:
    author, reader = factories.user(), factories.user()
    project, other = factories.project(author.id), factories.project(author.id)
    await adapters.add(author, reader, project, other)
    for user in (author, reader):
        await adapters.bookmark(user.id, project.id)
    await adapters.bookmark(reader.id, other.id)
    async with adapters.unit_of_work() as work:
        assert await work.bookmarks.remove(reader.id, project.id)
        assert not await work.bookmarks.remove(reader.id, project.id)
        assert not await work.bookmarks.remove(nobody(), project.id)
        assert not await work.bookmarks.remove(reader.id, no_project())
        await work.commit()
    assert await bookmarked(adapters, reader.id) == [other.id]
    assert await bookmarked(adapters, author.id) == [project.id]


async def test_a_removed_bookmark_can_be_added_again(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    async with adapters.unit_of_work() as work:
        assert await work.bookmarks.add(author.id, project.id, after(1))
        assert await work.bookmarks.remove(author.id, project.id)
        assert await work.bookmarks.add(author.id, project.id, after(2))
        await work.commit()
    assert await bookmarked(adapters, author.id) == [project.id]


async def test_add_raises_not_found_without_the_project(adapters: Adapters) -> None:
    reader = factories.user()
    await adapters.add(reader)
    with pytest.raises(NotFound):
        await adapters.bookmark(reader.id, no_project())


async def test_add_raises_not_found_without_the_user(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    with pytest.raises(NotFound):
        await adapters.bookmark(nobody(), project.id)
    assert (await adapters.counters(project.id)).bookmarks == 0


async def test_one_of_many_identical_concurrent_adds_succeeds(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    results = await race(adapters, MANY, lambda _: adapters.bookmark(author.id, project.id))
    assert results.count(True) == 1
    assert results.count(False) == MANY - 1
    assert (await adapters.counters(project.id)).bookmarks == 1


async def test_one_of_many_identical_concurrent_removes_succeeds(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    await adapters.bookmark(author.id, project.id)

    results = await race(adapters, MANY, lambda _: adapters.remove_bookmark(author.id, project.id))
    assert results.count(True) == 1
    assert results.count(False) == MANY - 1
    assert (await adapters.counters(project.id)).bookmarks == 0


async def test_concurrent_bookmarks_of_fifty_users_are_all_counted(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    readers = [factories.user() for _ in range(50)]
    await adapters.add(author, project, *readers)
    results = await race(
        adapters, 50, lambda index: adapters.bookmark(readers[index].id, project.id)
    )
    assert results == [True] * 50
    assert (await adapters.counters(project.id)).bookmarks == 50


async def test_concurrent_adds_and_removes_match_the_counter(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)

    async def toggle(index: int) -> None:
        if index % 2:
            await adapters.bookmark(author.id, project.id, after(index))
        else:
            await adapters.remove_bookmark(author.id, project.id)

    assert await race(adapters, MANY, toggle) == [None] * MANY
    count = await adapters.board.bookmarks_of(author.id, None)
    assert count in (0, 1)
    assert (await adapters.counters(project.id)).bookmarks == count

"""`CommentRepository`: comments on projects."""

from dataclasses import replace

import pytest

from sidepro.domain.errors import NotFound
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, no_comment, no_project, nobody
from tests.contracts.concurrency import MANY, after_change, race

pytestmark = pytest.mark.anyio


async def test_a_comment_comes_back_as_stored(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    comment = factories.comment(
        project.id,
        author.id,
        body="멋져요 🎉\n\n" + "가" * 1_990,
        created_at=after(1),
        updated_at=after(2),
    )
    await adapters.add(author, project, comment)
    async with adapters.unit_of_work() as work:
        assert await work.comments.get(comment.id) == comment


async def test_get_returns_none_for_an_unknown_id(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project, factories.comment(project.id, author.id))
    async with adapters.unit_of_work() as work:
        assert await work.comments.get(no_comment()) is None


async def test_add_raises_not_found_without_the_project(adapters: Adapters) -> None:
    author = factories.user()
    await adapters.add(author)
    with pytest.raises(NotFound):
        await adapters.add(factories.comment(no_project(), author.id))


async def test_add_raises_not_found_without_the_author(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    comment = factories.comment(project.id, nobody())
    with pytest.raises(NotFound):
        await adapters.add(comment)
    async with adapters.unit_of_work() as work:
        assert await work.comments.get(comment.id) is None


async def test_save_stores_the_edit(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    comment, other = (factories.comment(project.id, author.id) for _ in range(2))
    edited = replace(comment, body="다시 씀", updated_at=after(3))
    await adapters.add(author, project, comment, other)
    async with adapters.unit_of_work() as work:
        await work.comments.save(edited)
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert await work.comments.get(comment.id) == edited
        assert await work.comments.get(other.id) == other


async def test_delete_reports_whether_there_was_a_comment(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    comment, other = (factories.comment(project.id, author.id) for _ in range(2))
    await adapters.add(author, project, comment, other)
    async with adapters.unit_of_work() as work:
        assert await work.comments.delete(comment.id)
        assert not await work.comments.delete(comment.id)
        assert not await work.comments.delete(no_comment())
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert await work.comments.get(comment.id) is None
        assert await work.comments.get(other.id) == other


async def test_get_waits_for_a_concurrent_edit_and_returns_its_result(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    comment = factories.comment(project.id, author.id)
    edited = replace(comment, body="edited", updated_at=after(1))
    await adapters.add(author, project, comment)
    got = await after_change(
        adapters,
        lambda work: work.comments.get(comment.id),
        lambda work: work.comments.save(edited),
    )
    assert got == edited


async def test_no_concurrent_edit_is_lost(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    comment = factories.comment(project.id, author.id, body="")
    await adapters.add(author, project, comment)

    async def edit(index: int) -> None:
        async with adapters.unit_of_work() as work:
            found = await work.comments.get(comment.id)
            assert found is not None
            await work.comments.save(replace(found, body=found.body + "x"))
            await work.commit()

    assert await race(adapters, MANY, edit) == [None] * MANY
    async with adapters.unit_of_work() as work:
        found = await work.comments.get(comment.id)
    assert found is not None
    assert found.body == "x" * MANY


async def test_one_of_many_concurrent_deletes_succeeds(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    comment = factories.comment(project.id, author.id)
    await adapters.add(author, project, comment)

    async def delete(index: int) -> bool:
        async with adapters.unit_of_work() as work:
            deleted = await work.comments.delete(comment.id)
            await work.commit()
        return deleted

    results = await race(adapters, MANY, delete)
    assert sorted(map(bool, results)) == [False] * (MANY - 1) + [True]
    assert results.count(True) == 1


async def test_concurrent_comments_are_counted_exactly(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)

    async def comment(index: int) -> None:
        async with adapters.unit_of_work() as work:
            await work.comments.add(factories.comment(project.id, author.id))
            await work.projects.adjust_counters(project.id, comments=1)
            await work.commit()

    assert await race(adapters, MANY, comment) == [None] * MANY
    assert (await adapters.counters(project.id)).comments == MANY

"""`ProjectRepository`: projects with their counters, and the deletion of their dependents."""

from dataclasses import replace

import pytest

from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.errors import NotFound
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.ports import Counters, StoredMarkdown
from sidepro.domain.projects.views import ProjectAddress
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, no_project, nobody
from tests.contracts.concurrency import MANY, after_change, race

pytestmark = pytest.mark.anyio


async def test_a_project_comes_back_as_stored(adapters: Adapters, catalogue: Catalogue) -> None:
    author = factories.user()
    project = factories.project(
        author.id,
        title="100 % \\ '%s' :id {} 가",
        summary="👩‍👩‍👧 ﬁn",
        content="# 제목\r\n\tcode()\n\n" + "漢" * 20,
        content_html='<p class="x">&amp;</p>',
        repository_url="https://example.kr/%EA%B0%80?a=1&b=2#c",
        skills=catalogue.skills[::7],
        revision=12,
        created_at=after(1),
        updated_at=after(999_999),
    )
    await adapters.add(author, project)
    async with adapters.unit_of_work() as work:
        assert await work.projects.get(project.id) == project


async def test_a_project_of_maximum_length_comes_back_as_stored(adapters: Adapters) -> None:
    author = factories.user()
    content = "저녁 🍚\n" * 10_000
    assert len(content) == 50_000
    project = factories.project(
        author.id, content=content, content_html=f"<p>{content}</p>", repository_url=None
    )
    await adapters.add(author, project)
    async with adapters.unit_of_work() as work:
        assert await work.projects.get(project.id) == project


async def test_get_returns_none_for_an_unknown_id(adapters: Adapters) -> None:
    author = factories.user()
    await adapters.add(author, factories.project(author.id))
    async with adapters.unit_of_work() as work:
        assert await work.projects.get(no_project()) is None


async def test_add_starts_all_counters_at_zero(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    assert await adapters.board.counters(project.id, None) == Counters(0, 0, 0)


async def test_add_raises_not_found_without_the_author(adapters: Adapters) -> None:
    project = factories.project(nobody())
    with pytest.raises(NotFound):
        await adapters.add(project)
    async with adapters.unit_of_work() as work:
        assert await work.projects.get(project.id) is None


async def test_save_stores_every_field(adapters: Adapters) -> None:
    author = factories.user()
    project, other = factories.project(author.id), factories.project(author.id)
    edited = replace(
        project,
        title="다른 제목",
        summary="Another summary",
        content="new",
        content_html="<p>new</p>",
        repository_url=None,
        skills=("Kotlin", "Python", "Vue.js"),
        revision=2,
        updated_at=after(7),
    )
    await adapters.add(author, project, other)
    async with adapters.unit_of_work() as work:
        await work.projects.save(edited)
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert await work.projects.get(project.id) == edited
        assert await work.projects.get(other.id) == other


async def test_save_keeps_the_counters(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    await adapters.views.add(project.id)
    await adapters.adjust_counters(project.id, bookmarks=2, comments=3)
    async with adapters.unit_of_work() as work:
        await work.projects.save(replace(project, title="new", revision=2))
        await work.commit()
    assert await adapters.counters(project.id) == Counters(1, 2, 3)


async def test_changes_are_not_stored_until_save(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    async with adapters.unit_of_work() as work:
        got = await work.projects.get(project.id)
        assert got is not None
        replace(got, title="forgotten")
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert await work.projects.get(project.id) == project


async def test_get_waits_for_a_concurrent_edit_and_returns_its_result(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    edited = replace(project, title="edited", skills=("Kotlin", "Vue.js"), revision=2)
    await adapters.add(author, project)
    got = await after_change(
        adapters,
        lambda work: work.projects.get(project.id),
        lambda work: work.projects.save(edited),
    )
    assert got == edited


async def test_get_waits_for_a_concurrent_delete(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    got = await after_change(
        adapters,
        lambda work: work.projects.get(project.id),
        lambda work: work.projects.delete(project.id),
    )
    assert got is None


async def test_concurrent_edits_of_different_projects_do_not_mix(adapters: Adapters) -> None:
    author = factories.user()
    projects = [factories.project(author.id) for _ in range(MANY)]
    await adapters.add(author, *projects)

    async def edit(index: int) -> None:
        async with adapters.unit_of_work() as work:
            project = await work.projects.get(projects[index].id)
            assert project is not None
            await work.projects.save(replace(project, title=str(index), revision=2))
            await work.commit()

    assert await race(adapters, MANY, edit) == [None] * MANY
    async with adapters.unit_of_work() as work:
        for index, project in enumerate(projects):
            expected = replace(project, title=str(index), revision=2)
            assert await work.projects.get(project.id) == expected


async def test_no_concurrent_edit_is_lost(adapters: Adapters, catalogue: Catalogue) -> None:
    author = factories.user()
    project = factories.project(author.id, skills=("jQuery",))
    await adapters.add(author, project)

    async def edit(index: int) -> None:
        async with adapters.unit_of_work() as work:
            found = await work.projects.get(project.id)
            assert found is not None
            skills = (*found.skills, catalogue.skills[index])
            await work.projects.save(replace(found, skills=skills, revision=found.revision + 1))
            await work.commit()

    assert await race(adapters, MANY, edit) == [None] * MANY
    async with adapters.unit_of_work() as work:
        found = await work.projects.get(project.id)
    assert found is not None
    assert found.revision == MANY + 1
    assert set(found.skills) == {"jQuery", *catalogue.skills[:MANY]}


async def test_delete_removes_comments_bookmarks_and_counters(adapters: Adapters) -> None:
    author, reader = factories.user(), factories.user()
    deleted, other = factories.project(author.id), factories.project(author.id)
    comments = [factories.comment(project.id, reader.id) for project in (deleted, deleted, other)]
    await adapters.add(author, reader, deleted, other, *comments)
    for project in (deleted, other):
        await adapters.bookmark(reader.id, project.id)
        await adapters.views.add(project.id)

    async with adapters.unit_of_work() as work:
        await work.projects.delete(deleted.id)
        await work.commit()

    async with adapters.unit_of_work() as work:
        assert await work.projects.get(deleted.id) is None
        assert await work.comments.get(comments[0].id) is None
        assert await work.comments.get(comments[1].id) is None
        assert not await work.bookmarks.remove(reader.id, deleted.id)
        with pytest.raises(NotFound):
            await work.projects.adjust_counters(deleted.id, bookmarks=1)
    assert await adapters.board.project(deleted.id, reader.id) is None
    assert await adapters.board.counters(deleted.id, None) is None
    assert (await adapters.board.comments(deleted.id, PageRequest(), None)).items == ()
    assert not await adapters.views.add(deleted.id)

    async with adapters.unit_of_work() as work:
        assert await work.projects.get(other.id) == other
        assert await work.comments.get(comments[2].id) == comments[2]
    assert await adapters.board.bookmarks_of(reader.id, None) == 1
    assert await adapters.counters(other.id) == Counters(1, 1, 0)


async def test_delete_ignores_a_missing_project(adapters: Adapters) -> None:
    async with adapters.unit_of_work() as work:
        await work.projects.delete(no_project())
        await work.commit()


async def test_delete_during_concurrent_bookmarks_and_comments_leaves_nothing(
    adapters: Adapters,
) -> None:
    author = factories.user()
    project = factories.project(author.id)
    readers = [factories.user() for _ in range(MANY)]
    await adapters.add(author, project, *readers)

    async def act(index: int) -> bool:
        match index % 4:
            case 0:
                return await adapters.bookmark(readers[index].id, project.id)
            case 1:
                async with adapters.unit_of_work() as work:
                    await work.comments.add(factories.comment(project.id, readers[index].id))
                    await work.projects.adjust_counters(project.id, comments=1)
                    await work.commit()
            case 2:
                return await adapters.views.add(project.id)
            case _:
                async with adapters.unit_of_work() as work:
                    if await work.projects.get(project.id):
                        await work.projects.delete(project.id)
                        await work.commit()
        return True

    for result in await race(adapters, MANY, act):
        assert isinstance(result, (bool, NotFound))
    assert await adapters.board.counters(project.id, None) is None
    assert (await adapters.board.comments(project.id, PageRequest(), None)).items == ()
    assert [await adapters.board.bookmarks_of(reader.id, None) for reader in readers] == [0] * MANY


# ------------------------------------------------------------------------------------- counters


async def test_adjust_counters_adds_and_returns_the_sums(adapters: Adapters) -> None:
    author = factories.user()
    project, other = factories.project(author.id), factories.project(author.id)
    await adapters.add(author, project, other)
    await adapters.views.add(project.id)
    async with adapters.unit_of_work() as work:
        adjust = work.projects.adjust_counters
        assert await adjust(project.id, bookmarks=3) == Counters(1, 3, 0)
        assert await adjust(project.id, comments=2) == Counters(1, 3, 2)
        assert await adjust(project.id, bookmarks=-1, comments=-2) == Counters(1, 2, 0)
        assert await adjust(project.id) == Counters(1, 2, 0)
        await work.commit()
    assert await adapters.board.counters(project.id, None) == Counters(1, 2, 0)
    assert await adapters.board.counters(other.id, None) == Counters(0, 0, 0)


async def test_adjust_counters_raises_not_found_without_the_project(adapters: Adapters) -> None:
    with pytest.raises(NotFound):
        await adapters.adjust_counters(no_project(), bookmarks=1)


async def test_concurrent_adjustments_add_up_exactly(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)

    async def adjust(index: int) -> Counters:
        async with adapters.unit_of_work() as work:
            counters = await work.projects.adjust_counters(project.id, bookmarks=1, comments=2)
            await work.commit()
        return counters

    results = await race(adapters, MANY, adjust)
    # Each addition returned another sum.
    sums = {counters.bookmarks for counters in results if isinstance(counters, Counters)}
    assert sums == set(range(1, MANY + 1))
    assert await adapters.counters(project.id) == Counters(0, MANY, 2 * MANY)


async def test_counters_are_adjusted_while_the_project_is_locked(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)

    async def act(index: int) -> None:
        match index % 4:
            case 0:
                await adapters.views.add(project.id)
            case 1:
                await adapters.adjust_counters(project.id, bookmarks=1)
            case 2:
                await adapters.adjust_counters(project.id, comments=1)
            case _:
                async with adapters.unit_of_work() as work:
                    found = await work.projects.get(project.id)
                    assert found is not None
                    await work.projects.save(replace(found, revision=found.revision + 1))
                    await work.commit()

    assert await race(adapters, MANY, act) == [None] * MANY
    each = MANY // 4
    assert await adapters.counters(project.id) == Counters(each, each, each)
    async with adapters.unit_of_work() as work:
        found = await work.projects.get(project.id)
    assert found is not None
    assert found.revision == 1 + each


# ----------------------------------------------------------------------------------------- texts


async def test_texts_are_ordered_by_id(adapters: Adapters) -> None:
    author = factories.user()
    projects = [
        factories.project(author.id, content=f"text {n}", content_html=f"<p>{n}</p>")
        for n in range(5)
    ]
    await adapters.add(author, *reversed(projects))
    texts = [StoredMarkdown(p.id, p.content, p.content_html) for p in projects]
    assert await adapters.board.texts(None, 2) == tuple(texts[:2])
    assert await adapters.board.texts(projects[1].id, 2) == tuple(texts[2:4])
    assert await adapters.board.texts(projects[3].id, 2) == (texts[4],)
    assert await adapters.board.texts(projects[4].id, 2) == ()


async def test_addresses_are_ordered_by_id_and_come_in_parts(adapters: Adapters) -> None:
    author = factories.user()
    projects = [factories.project(author.id) for _ in range(5)]
    await adapters.add(author, *reversed(projects))
    addresses = [ProjectAddress(p.id, p.updated_at) for p in projects]
    assert await adapters.board.addresses(None, 2, None) == tuple(addresses[:2])
    assert await adapters.board.addresses(projects[1].id, 9, None) == tuple(addresses[2:])
    assert await adapters.board.part_ends(2, None) == (projects[1].id, projects[3].id)
    assert await adapters.board.part_ends(6, None) == ()


async def test_save_html_changes_nothing_else(adapters: Adapters) -> None:
    author = factories.user()
    project, other = factories.project(author.id), factories.project(author.id)
    await adapters.add(author, project, other)
    async with adapters.unit_of_work() as work:
        await work.projects.save_html(project.id, "<p>anew</p>")
        await work.commit()
    async with adapters.unit_of_work() as work:
        assert await work.projects.get(project.id) == replace(project, content_html="<p>anew</p>")
        assert await work.projects.get(other.id) == other

"""Projects: publishing, editing, deleting and who may do so."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from sidepro.domain.errors import NotFound, PreconditionFailed, Unavailable
from sidepro.domain.ids import CommentId, ProjectId
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.ports import Counters
from sidepro.domain.projects.views import BoardQuery
from tests.domain.services import DRAFT, Services, awaited, error_fields
from tests.factories import NOW, at_once, escaped, new_id

NOWHERE = ProjectId(new_id())


NO_COMMENT = CommentId(new_id())


@awaited
async def test_a_published_project_is_on_the_board(services: Services) -> None:
    author, project = await services.published()
    card = project.card
    assert (card.title, card.summary) == (DRAFT["title"], DRAFT["summary"])
    assert (card.author.id, card.skills) == (author.id, ("Django", "Python"))
    assert (card.view_count, card.bookmark_count, card.comment_count) == (0, 0, 0)
    assert (card.bookmarked, card.created_at, card.updated_at) == (False, NOW, NOW)
    assert (project.content, project.repository_url) == (DRAFT["content"], DRAFT["repository_url"])
    assert (project.content_html, project.revision) == (escaped(DRAFT["content"]), 1)
    assert (await services.projects.board(BoardQuery(), PageRequest(), author.id)).items == (card,)


@pytest.mark.parametrize(
    ("member", "value", "pointer"),
    [
        ("title", "", "/title"),
        ("title", "x" * 51, "/title"),
        ("title", "two\nlines", "/title"),
        ("summary", " ", "/summary"),
        ("summary", "x" * 61, "/summary"),
        ("summary", "two\nlines", "/summary"),
        ("content", "\n", "/content"),
        ("content", "x" * 50_001, "/content"),
        ("content", "a\0b", "/content"),
        ("repository_url", "javascript:alert(1)", "/repository_url"),
        ("repository_url", "https://github.com/" + "x" * 182, "/repository_url"),
        ("thumbnail_id", new_id(), "/thumbnail_id"),
        ("skills", [], "/skills"),
        ("skills", ["Python", "python"], "/skills/1"),
        ("skills", ["Python", "Python"], "/skills/1"),
    ],
)
@awaited
async def test_an_invalid_project_is_refused(
    services: Services, member: str, value: object, pointer: str
) -> None:
    call = services.projects.publish(await services.person(), **{**DRAFT, member: value})
    assert await error_fields(call) == [pointer]
    assert not services.store.state.projects


@awaited
async def test_a_project_of_maximum_length_is_accepted(services: Services) -> None:
    longest = {
        **DRAFT,
        "title": "가" * 50,
        "summary": "나" * 60,
        "content": "다" * 50_000,
    }
    project = await services.projects.publish(await services.person(), **longest)
    assert project.content == longest["content"]


@awaited
async def test_a_project_has_one_to_twenty_skills(services: Services) -> None:
    skills = tuple(f"skill {number}" for number in range(21))
    services.store.catalogue = replace(services.store.catalogue, skills=skills)
    publish = partial(services.projects.publish, await services.person())
    for count in (1, 20):
        project = await publish(**{**DRAFT, "skills": skills[:count]})
        assert project.card.skills == skills[:count]
    assert await error_fields(publish(**{**DRAFT, "skills": skills})) == ["/skills"]


@awaited
async def test_a_deleted_user_cannot_publish(services: Services) -> None:
    author = await services.person()
    services.forget(author.id)
    with pytest.raises(NotFound):
        await services.projects.publish(author, **DRAFT)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"title": "새 제목"}, {"title": "새 제목"}),
        ({"summary": "Shorter"}, {"summary": "Shorter"}),
        ({"skills": ["iOS", "AWS"]}, {"skills": ("AWS", "iOS")}),
    ],
)
@awaited
async def test_an_edit_keeps_the_other_fields(
    services: Services, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    author, before = await services.published()
    now = services.clock.forward(60)
    after = await services.projects.edit(author, before.card.id, changes, None)
    card = replace(before.card, updated_at=now, **expected)
    assert after == replace(before, card=card, revision=2)


@awaited
async def test_an_empty_edit_makes_no_revision(services: Services) -> None:
    author, before = await services.published()
    services.clock.forward(60)
    assert await services.projects.edit(author, before.card.id, {}, None) == before


@awaited
async def test_an_edit_of_the_content_renders_it_again(services: Services) -> None:
    author, before = await services.published()
    after = await services.projects.edit(author, before.card.id, {"content": "<i>new</i>"}, None)
    assert (after.content, after.content_html) == ("<i>new</i>", escaped("<i>new</i>"))


@awaited
async def test_an_edit_does_not_validate_the_other_fields(services: Services) -> None:
    caller, view = await services.published()
    project = services.store.state.projects[view.card.id]
    older = replace(project, repository_url="ftp://older.example/than-the-rule")
    services.store.state.projects[project.id] = older
    edited = await services.projects.edit(caller, project.id, {"title": "Neu"}, None)
    assert (edited.card.title, edited.repository_url) == ("Neu", older.repository_url)


@awaited
async def test_an_edit_may_remove_the_repository(services: Services) -> None:
    author, before = await services.published()
    after = await services.projects.edit(author, before.card.id, {"repository_url": None}, None)
    assert after.repository_url is None


@awaited
async def test_an_edit_keeps_the_counters(services: Services) -> None:
    author, before = await services.published()
    await services.projects.get_and_count_view(before.card.id, None)
    await services.bookmarks.add(author, before.card.id)
    await services.comments.write(author, before.card.id, "Hello")
    await services.projects.edit(author, before.card.id, {"title": "새 제목"}, None)
    assert await services.reader.counters(before.card.id, None) == Counters(1, 1, 1)


@awaited
async def test_an_invalid_edit_changes_nothing(services: Services) -> None:
    author, before = await services.published()
    changes = {"title": "새 제목", "summary": ""}
    call = services.projects.edit(author, before.card.id, changes, None)
    assert await error_fields(call) == ["/summary"]
    assert await services.projects.get(before.card.id, author.id) == before


@pytest.mark.parametrize("revisions", [None, {1}, {1, 2}, {0, 1}])
@awaited
async def test_an_edit_of_the_expected_revision_succeeds(
    services: Services, revisions: set[int] | None
) -> None:
    author, project = await services.published()
    expected = None if revisions is None else frozenset(revisions)
    edited = await services.projects.edit(author, project.card.id, {"title": "새 제목"}, expected)
    assert edited.revision == 2


@pytest.mark.parametrize("revisions", [set[int](), {2}, {0, 2}])
@awaited
async def test_an_edit_of_another_revision_is_refused(
    services: Services, revisions: set[int]
) -> None:
    author, before = await services.published()
    with pytest.raises(PreconditionFailed):
        await services.projects.edit(author, before.card.id, {}, frozenset(revisions))
    assert await services.projects.get(before.card.id, author.id) == before


@awaited
async def test_one_of_two_concurrent_edits_of_a_revision_is_refused(services: Services) -> None:
    author, project = await services.published()

    async def edit(title: str) -> bool:
        try:
            changes = {"title": title}
            await services.projects.edit(author, project.card.id, changes, frozenset({1}))
        except PreconditionFailed:
            return False
        return True

    assert sum(await at_once([partial(edit, "One"), partial(edit, "Two")])) == 1


@awaited
async def test_deleting_a_project_deletes_its_comments_and_bookmarks(services: Services) -> None:
    author, project = await services.published()
    reader = await services.person()
    await services.bookmarks.add(reader, project.card.id)
    await services.comments.write(reader, project.card.id, "Hello")
    await services.projects.delete(author, project.card.id)
    state = services.store.state
    assert not any((state.projects, state.counters, state.comments, state.bookmarks))
    with pytest.raises(NotFound):
        await services.projects.get(project.card.id, None)


@awaited
async def test_deleting_a_project_keeps_other_projects(services: Services) -> None:
    author, project = await services.published()
    other = await services.project(author)
    await services.bookmarks.add(author, other.id)
    comment = await services.comments.write(author, other.id, "Hello")
    await services.projects.delete(author, project.card.id)
    assert await services.reader.counters(other.id, None) == Counters(0, 1, 1)
    assert await services.bookmarks.count(author.id, None) == 1
    assert (await services.comments.of_project(other.id, PageRequest(), None)).items == (comment,)


@awaited
async def test_a_read_counts_one_view_and_shows_it(services: Services) -> None:
    _, project = await services.published()
    assert (await services.projects.get_and_count_view(project.card.id, None)).card.view_count == 1
    assert (await services.projects.get(project.card.id, None)).card.view_count == 1


@awaited
async def test_concurrent_views_are_all_counted(services: Services) -> None:
    _, project = await services.published()
    await at_once([partial(services.projects.get_and_count_view, project.card.id, None)] * 50)
    assert await services.reader.counters(project.card.id, None) == Counters(50, 0, 0)


@awaited
async def test_concurrent_views_bookmarks_and_comments_are_all_counted(services: Services) -> None:
    _, project = await services.published()
    fans = await services.people(10)
    calls: list[Callable[[], Awaitable[object]]] = []
    for fan in fans:
        calls.append(partial(services.projects.get_and_count_view, project.card.id, fan.id))
        calls.append(partial(services.bookmarks.add, fan, project.card.id))
        calls.append(partial(services.comments.write, fan, project.card.id, "Hello"))
    await at_once(calls)
    assert await services.reader.counters(project.card.id, None) == Counters(10, 10, 10)


@awaited
async def test_bookmarked_is_unknown_for_an_anonymous_viewer(services: Services) -> None:
    _, project = await services.published()
    assert (await services.projects.get(project.card.id, None)).card.bookmarked is None


@awaited
async def test_a_failed_commit_deletes_nothing(services: Services) -> None:
    author, project = await services.published()
    projects = replace(services.projects, unit_of_work=services.broken_unit_of_work)
    with pytest.raises(Unavailable):
        await projects.delete(author, project.card.id)
    assert await services.projects.get(project.card.id, author.id) == project

"""Projects: publishing, editing, deleting and who may do so."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from sidepro.domain.errors import Forbidden, NotFound, PreconditionFailed, Unavailable
from sidepro.domain.identity import Caller
from sidepro.domain.ids import CommentId, ProjectId, UserId
from sidepro.domain.pagination import PageRequest
from sidepro.domain.projects.ports import Counters
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.views import BoardQuery
from tests.domain.services import DRAFT, Services, awaited, error_fields
from tests.factories import NOW, always, at_once, escaped, new_id

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


ProjectAct = Callable[[Services, Caller, ProjectId], Awaitable[object]]


AUTHORS_ACTS: list[ProjectAct] = [
    lambda services, caller, project: services.projects.edit(caller, project, {}, None),
    lambda services, caller, project: services.projects.delete(caller, project),
    lambda services, caller, project: services.projects.authorize_edit(caller, project),
]


VIEWERS_ACTS: list[ProjectAct] = [
    *AUTHORS_ACTS,
    lambda services, caller, project: services.projects.get_and_count_view(project, caller.id),
    lambda services, caller, project: services.projects.get(project, caller.id),
    lambda services, caller, project: services.comments.of_project(
        project, PageRequest(), caller.id
    ),
    lambda services, caller, project: services.comments.count(project, caller.id),
    lambda services, caller, project: services.projects.ensure_exists(project, caller.id),
    lambda services, caller, project: services.comments.write(caller, project, "Hello"),
    lambda services, caller, project: services.comments.delete(caller, project, NO_COMMENT),
]

CALLERS_ACTS: list[ProjectAct] = [
    *VIEWERS_ACTS,
    lambda services, caller, project: services.bookmarks.add(caller, project),
    lambda services, caller, project: services.bookmarks.remove(caller, project),
]


@pytest.mark.parametrize("act", AUTHORS_ACTS, ids=["edit", "delete", "may_edit"])
@awaited
async def test_only_the_author_and_administrators_change_a_project(
    services: Services, act: ProjectAct
) -> None:
    author, project = await services.published()
    stranger, admin = await services.person(), await services.person(is_admin=True)
    with pytest.raises(Forbidden):
        await act(services, stranger, project.card.id)
    assert await services.projects.get(project.card.id, author.id) == project
    await act(services, admin, project.card.id)
    other = await services.project(author)
    await act(services, author, other.id)


@pytest.mark.parametrize("act", VIEWERS_ACTS)
@awaited
async def test_a_project_that_the_caller_may_not_see_is_not_found(
    services: Services, monkeypatch: pytest.MonkeyPatch, act: ProjectAct
) -> None:
    author, project = await services.published()
    monkeypatch.setattr(Project, "is_visible_to", lambda self, viewer: viewer == self.author_id)
    with pytest.raises(NotFound):
        await act(services, await services.person(is_admin=True), project.card.id)
    seen = await services.projects.get(project.card.id, author.id)
    assert seen.content == project.content


@pytest.mark.parametrize("act", CALLERS_ACTS)
@awaited
async def test_an_unknown_project_is_not_found(services: Services, act: ProjectAct) -> None:
    with pytest.raises(NotFound):
        await act(services, await services.person(is_admin=True), NOWHERE)
    state = services.store.state
    assert not any((state.bookmarks, state.comments, state.counters))


@awaited
async def test_an_administrators_edit_keeps_the_author(services: Services) -> None:
    author, project = await services.published()
    admin = await services.person(is_admin=True)
    edited = await services.projects.edit(admin, project.card.id, {"title": "새 제목"}, None)
    assert edited.card.author.id == author.id


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


def upper_html(text: str) -> str:
    return f"<p>{text.upper()}</p>"


async def render_upper(text: str, writer: UserId | None = None) -> str:
    """A renderer with changed rules."""
    return upper_html(text)


@awaited
async def test_rerendering_changes_the_html_of_all_projects_and_nothing_else(
    services: Services,
) -> None:
    author = await services.person()
    projects = [await services.project(author, content=f"text {n}") for n in range(230)]
    services.use(projects={"markdown": render_upper})
    progress: list[tuple[int, int]] = []
    assert await services.projects.rerender_all(lambda *numbers: progress.append(numbers)) == 230
    assert progress == [(100, 100), (200, 200), (230, 230)]
    for project in projects:
        stored = services.store.state.projects[project.id]
        assert stored == replace(project, content_html=upper_html(project.content))
    assert await services.projects.rerender_all(lambda *_: None) == 0


@awaited
async def test_rerendering_does_not_undo_a_concurrent_edit_or_delete(services: Services) -> None:
    author = await services.person()
    edited, deleted, same = [await services.project(author, content=c) for c in ("a", "b", "C")]
    services.use(projects={"markdown": render_upper})
    read = services.reader.texts

    async def then_others_change_them(after: Any, limit: int) -> Any:
        texts = await read(after, limit)
        if after is None:
            await services.projects.edit(author, edited.id, {"content": "new"}, None)
            await services.projects.delete(author, deleted.id)
        return texts

    services.reader.texts = then_others_change_them  # type: ignore[method-assign]  # patched for this test
    assert await services.projects.rerender_all(lambda *_: None) == 1
    remaining = services.store.state.projects
    assert remaining.keys() == {edited.id, same.id}
    stored = remaining[edited.id]
    assert (stored.content, stored.content_html, stored.revision) == ("new", "<p>NEW</p>", 2)


@awaited
async def test_images_referenced_after_rerendering_are_kept(services: Services) -> None:
    author = await services.person()
    image = await services.image(author)
    await services.project(author)
    html = f'<img src="{image.url}" alt="">'
    services.use(projects={"markdown": always(html)})
    await services.projects.rerender_all(lambda *_: None)
    services.clock.forward(3 * 24 * 3600)
    assert await services.images.remove_unused() == 0


@awaited
async def test_rerendering_records_references_that_older_versions_did_not_know(
    services: Services,
) -> None:
    author = await services.person()
    image = await services.image(author)
    services.use(projects={"markdown": always(f'<a href="{image.url}">x</a>')})
    await services.projects.publish(author, **DRAFT)
    services.store.state.image_references.clear()
    assert await services.projects.rerender_all(lambda *_: None) == 0
    services.clock.forward(3 * 24 * 3600)
    assert await services.images.remove_unused() == 0

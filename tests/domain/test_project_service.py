"""Projects over a store in memory: access rules, revisions, exact counters and search."""

import unicodedata
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
from sidepro.domain.projects.views import BoardQuery, Sort
from tests.domain.world import DRAFT, World, awaited, error_fields
from tests.factories import NOW, always, at_once, escaped, new_id

NOWHERE = ProjectId(new_id())
NO_COMMENT = CommentId(new_id())


# --------------------------------------------------------------------------------- publishing


@awaited
async def test_a_published_project_is_on_the_board(world: World) -> None:
    author, project = await world.published()
    card = project.card
    assert (card.title, card.summary) == (DRAFT["title"], DRAFT["summary"])
    assert (card.author.id, card.skills) == (author.id, ("Django", "Python"))
    assert (card.view_count, card.bookmark_count, card.comment_count) == (0, 0, 0)
    assert (card.bookmarked, card.created_at, card.updated_at) == (False, NOW, NOW)
    assert (project.content, project.repository_url) == (DRAFT["content"], DRAFT["repository_url"])
    assert (project.content_html, project.revision) == (escaped(DRAFT["content"]), 1)
    assert (await world.projects.board(BoardQuery(), PageRequest(), author.id)).items == (card,)


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
    world: World, member: str, value: object, pointer: str
) -> None:
    attempt = world.projects.publish(await world.person(), **{**DRAFT, member: value})
    assert await error_fields(attempt) == [pointer]
    assert not world.store.state.projects


@awaited
async def test_a_project_of_maximum_length_is_accepted(world: World) -> None:
    longest = {
        **DRAFT,
        "title": "가" * 50,
        "summary": "나" * 60,
        "content": "다" * 50_000,
    }
    project = await world.projects.publish(await world.person(), **longest)
    assert project.content == longest["content"]


@awaited
async def test_a_project_has_one_to_twenty_skills(world: World) -> None:
    skills = tuple(f"skill {number}" for number in range(21))
    world.store.catalogue = replace(world.store.catalogue, skills=skills)
    publish = partial(world.projects.publish, await world.person())
    for count in (1, 20):
        project = await publish(**{**DRAFT, "skills": skills[:count]})
        assert project.card.skills == skills[:count]
    assert await error_fields(publish(**{**DRAFT, "skills": skills})) == ["/skills"]


@awaited
async def test_a_deleted_user_cannot_publish(world: World) -> None:
    author = await world.person()
    world.forget(author.id)
    with pytest.raises(NotFound):
        await world.projects.publish(author, **DRAFT)


# ------------------------------------------------------------------------------------- editing


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"title": "새 제목"}, {"title": "새 제목"}),
        ({"summary": "Shorter"}, {"summary": "Shorter"}),
        ({"skills": ["iOS", "AWS"]}, {"skills": ("AWS", "iOS")}),
    ],
)
@awaited
async def test_an_edit_keeps_the_other_fields(
    world: World, changes: dict[str, Any], shown: dict[str, Any]
) -> None:
    author, before = await world.published()
    now = world.clock.forward(60)
    after = await world.projects.edit(author, before.card.id, changes, None)
    card = replace(before.card, updated_at=now, **shown)
    assert after == replace(before, card=card, revision=2)


@awaited
async def test_an_empty_edit_makes_no_revision(world: World) -> None:
    author, before = await world.published()
    world.clock.forward(60)
    assert await world.projects.edit(author, before.card.id, {}, None) == before


@awaited
async def test_an_edit_of_the_content_renders_it_again(world: World) -> None:
    author, before = await world.published()
    after = await world.projects.edit(author, before.card.id, {"content": "<i>new</i>"}, None)
    assert (after.content, after.content_html) == ("<i>new</i>", escaped("<i>new</i>"))


@awaited
async def test_an_edit_does_not_validate_the_other_fields(world: World) -> None:
    caller, view = await world.published()
    project = world.store.state.projects[view.card.id]
    older = replace(project, repository_url="ftp://older.example/than-the-rule")
    world.store.state.projects[project.id] = older
    edited = await world.projects.edit(caller, project.id, {"title": "Neu"}, None)
    assert (edited.card.title, edited.repository_url) == ("Neu", older.repository_url)


@awaited
async def test_an_edit_may_remove_the_repository(world: World) -> None:
    author, before = await world.published()
    after = await world.projects.edit(author, before.card.id, {"repository_url": None}, None)
    assert after.repository_url is None


@awaited
async def test_an_edit_keeps_the_counters(world: World) -> None:
    author, before = await world.published()
    await world.projects.get_and_count_view(before.card.id, None)
    await world.bookmarks.add(author, before.card.id)
    await world.comments.write(author, before.card.id, "Hello")
    await world.projects.edit(author, before.card.id, {"title": "새 제목"}, None)
    assert await world.reader.counters(before.card.id) == Counters(1, 1, 1)


@awaited
async def test_an_invalid_edit_changes_nothing(world: World) -> None:
    author, before = await world.published()
    changes = {"title": "새 제목", "summary": ""}
    attempt = world.projects.edit(author, before.card.id, changes, None)
    assert await error_fields(attempt) == ["/summary"]
    assert await world.projects.get(before.card.id, author.id) == before


@pytest.mark.parametrize("revisions", [None, {1}, {1, 2}, {0, 1}])
@awaited
async def test_an_edit_of_the_expected_revision_succeeds(
    world: World, revisions: set[int] | None
) -> None:
    author, project = await world.published()
    wanted = None if revisions is None else frozenset(revisions)
    edited = await world.projects.edit(author, project.card.id, {"title": "새 제목"}, wanted)
    assert edited.revision == 2


@pytest.mark.parametrize("revisions", [set[int](), {2}, {0, 2}])
@awaited
async def test_an_edit_of_another_revision_is_refused(world: World, revisions: set[int]) -> None:
    author, before = await world.published()
    with pytest.raises(PreconditionFailed):
        await world.projects.edit(author, before.card.id, {}, frozenset(revisions))
    assert await world.projects.get(before.card.id, author.id) == before


@awaited
async def test_one_of_two_concurrent_edits_of_a_revision_is_refused(world: World) -> None:
    author, project = await world.published()

    async def edit(title: str) -> bool:
        try:
            changes = {"title": title}
            await world.projects.edit(author, project.card.id, changes, frozenset({1}))
        except PreconditionFailed:
            return False
        return True

    assert sum(await at_once([partial(edit, "One"), partial(edit, "Two")])) == 1


# ------------------------------------------------------------------------------------ deleting


@awaited
async def test_deleting_a_project_deletes_its_comments_and_bookmarks(world: World) -> None:
    author, project = await world.published()
    reader = await world.person()
    await world.bookmarks.add(reader, project.card.id)
    await world.comments.write(reader, project.card.id, "Hello")
    await world.projects.delete(author, project.card.id)
    state = world.store.state
    assert not any((state.projects, state.counters, state.comments, state.bookmarks))
    with pytest.raises(NotFound):
        await world.projects.get(project.card.id, None)


@awaited
async def test_deleting_a_project_keeps_other_projects(world: World) -> None:
    author, project = await world.published()
    other = await world.project(author)
    await world.bookmarks.add(author, other.id)
    comment = await world.comments.write(author, other.id, "Hello")
    await world.projects.delete(author, project.card.id)
    assert await world.reader.counters(other.id) == Counters(0, 1, 1)
    assert await world.bookmarks.count(author.id) == 1
    assert (await world.comments.of_project(other.id, PageRequest())).items == (comment,)


# ------------------------------------------------------------------------------- who may what

ProjectAct = Callable[[World, Caller, ProjectId], Awaitable[object]]
AUTHORS_ACTS: list[ProjectAct] = [
    lambda world, caller, project: world.projects.edit(caller, project, {}, None),
    lambda world, caller, project: world.projects.delete(caller, project),
    lambda world, caller, project: world.projects.authorize_edit(caller, project),
]
CALLERS_ACTS: list[ProjectAct] = [
    *AUTHORS_ACTS,
    lambda world, caller, project: world.projects.get_and_count_view(project, caller.id),
    lambda world, caller, project: world.projects.get(project, caller.id),
    lambda world, caller, project: world.bookmarks.add(caller, project),
    lambda world, caller, project: world.bookmarks.remove(caller, project),
    lambda world, caller, project: world.comments.of_project(project, PageRequest()),
    lambda world, caller, project: world.comments.count(project),
    lambda world, caller, project: world.projects.ensure_exists(project),
    lambda world, caller, project: world.comments.write(caller, project, "Hello"),
    lambda world, caller, project: world.comments.delete(caller, project, NO_COMMENT),
]


@pytest.mark.parametrize("act", AUTHORS_ACTS, ids=["edit", "delete", "may_edit"])
@awaited
async def test_only_the_author_and_administrators_change_a_project(
    world: World, act: ProjectAct
) -> None:
    author, project = await world.published()
    stranger, admin = await world.person(), await world.person(is_admin=True)
    with pytest.raises(Forbidden):
        await act(world, stranger, project.card.id)
    assert await world.projects.get(project.card.id, author.id) == project
    await act(world, admin, project.card.id)
    other = await world.project(author)
    await act(world, author, other.id)


@pytest.mark.parametrize("act", CALLERS_ACTS)
@awaited
async def test_an_unknown_project_is_not_found(world: World, act: ProjectAct) -> None:
    with pytest.raises(NotFound):
        await act(world, await world.person(is_admin=True), NOWHERE)
    state = world.store.state
    assert not any((state.bookmarks, state.comments, state.counters))


@awaited
async def test_an_administrators_edit_keeps_the_author(world: World) -> None:
    author, project = await world.published()
    admin = await world.person(is_admin=True)
    edited = await world.projects.edit(admin, project.card.id, {"title": "새 제목"}, None)
    assert edited.card.author.id == author.id


# ------------------------------------------------------------------------------------ counters


@awaited
async def test_a_read_counts_one_view_and_shows_it(world: World) -> None:
    _, project = await world.published()
    assert (await world.projects.get_and_count_view(project.card.id, None)).card.view_count == 1
    assert (await world.projects.get(project.card.id, None)).card.view_count == 1


@awaited
async def test_concurrent_views_are_all_counted(world: World) -> None:
    _, project = await world.published()
    await at_once([partial(world.projects.get_and_count_view, project.card.id, None)] * 50)
    assert await world.reader.counters(project.card.id) == Counters(50, 0, 0)


@awaited
async def test_concurrent_views_bookmarks_and_comments_are_all_counted(world: World) -> None:
    _, project = await world.published()
    fans = await world.people(10)
    calls: list[Callable[[], Awaitable[object]]] = []
    for fan in fans:
        calls.append(partial(world.projects.get_and_count_view, project.card.id, fan.id))
        calls.append(partial(world.bookmarks.add, fan, project.card.id))
        calls.append(partial(world.comments.write, fan, project.card.id, "Hello"))
    await at_once(calls)
    assert await world.reader.counters(project.card.id) == Counters(10, 10, 10)


@awaited
async def test_bookmarked_is_unknown_for_an_anonymous_viewer(world: World) -> None:
    _, project = await world.published()
    assert (await world.projects.get(project.card.id, None)).card.bookmarked is None


@awaited
async def test_a_failed_commit_deletes_nothing(world: World) -> None:
    author, project = await world.published()
    projects = replace(world.projects, unit_of_work=world.broken_unit_of_work)
    with pytest.raises(Unavailable):
        await projects.delete(author, project.card.id)
    assert await world.projects.get(project.card.id, author.id) == project


# --------------------------------------------------------------------------------------- lists


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("카페", "카페"),
        (unicodedata.normalize("NFD", "카페"), "카페"),
        ("ＣＡＦÉ", "café"),
        ("100%_\\", "100%_\\"),
        (" x ", " x "),
        (None, None),
    ],
)
@awaited
async def test_the_text_of_a_query_is_folded(
    world: World, typed: str | None, folded: str | None
) -> None:
    assert (await world.projects.normalize_query(BoardQuery(text=typed))).text == folded


@awaited
async def test_the_order_of_skills_does_not_matter_to_a_query(world: World) -> None:
    one = BoardQuery(skills=("Swift", "Python", "AWS", "Java", "Git", "Python"), all_skills=True)
    other = BoardQuery(skills=("AWS", "Git", "Java", "Python", "Swift"), all_skills=True)
    assert (
        await world.projects.normalize_query(one)
        == await world.projects.normalize_query(other)
        == other
    )


@awaited
async def test_a_normalized_query_keeps_author_and_sort(world: World) -> None:
    query = BoardQuery(None, (), False, UserId(new_id()), Sort.POPULAR)
    assert await world.projects.normalize_query(query) == query


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        (BoardQuery(text=""), ["q"]),
        (BoardQuery(text="  "), ["q"]),
        (BoardQuery(text="x" * 101), ["q"]),
        (BoardQuery(text="a\0b"), ["q"]),
        (BoardQuery(text="two\nlines"), ["q"]),
        (BoardQuery(skills=("Python", "python")), ["skill"]),
        (BoardQuery(text=" ", skills=("Cobol",)), ["q", "skill"]),
    ],
)
@awaited
async def test_an_invalid_query_is_refused(
    world: World, query: BoardQuery, parameters: list[str]
) -> None:
    assert await error_fields(world.projects.normalize_query(query)) == parameters


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("카페", ["동네 카페", "카페인 계산기"]),
        (unicodedata.normalize("NFD", "카페"), ["동네 카페", "카페인 계산기"]),
        ("ｂｏｏｋ", ["Books"]),
        ("MINJI", ["Books", "동네 카페", "카페인 계산기"]),
        ("quiet", ["동네 카페"]),
        ("%", []),
        ("_", []),
    ],
)
@awaited
async def test_text_is_found_in_title_summary_and_authors_name(
    world: World, text: str, titles: list[str]
) -> None:
    author = await world.person(username="Minji")
    await world.project(author, title="동네 카페", summary="Quiet ones")
    await world.project(author, title="카페인 계산기", summary="Counts")
    await world.project(author, title="Books", summary="Swaps")
    query = await world.projects.normalize_query(BoardQuery(text=text))
    page = await world.projects.board(query, PageRequest(), None)
    assert sorted(card.title for card in page.items) == titles
    assert await world.projects.board_size(query) == len(titles)


# --------------------------------------------------------------------------------- rendering


def shouted(text: str) -> str:
    return f"<p>{text.upper()}</p>"


async def shouting(text: str, writer: UserId | None = None) -> str:
    """A renderer with changed rules."""
    return shouted(text)


@awaited
async def test_rerendering_changes_the_html_of_all_projects_and_nothing_else(
    world: World,
) -> None:
    author = await world.person()
    projects = [await world.project(author, content=f"text {n}") for n in range(230)]
    world.use(projects={"markdown": shouting})
    heard: list[tuple[int, int]] = []
    assert await world.projects.rerender_all(lambda *told: heard.append(told)) == 230
    assert heard == [(100, 100), (200, 200), (230, 230)]
    for project in projects:
        stored = world.store.state.projects[project.id]
        assert stored == replace(project, content_html=shouted(project.content))
    assert await world.projects.rerender_all(lambda *_: None) == 0


@awaited
async def test_rerendering_does_not_undo_a_concurrent_edit_or_delete(world: World) -> None:
    author = await world.person()
    edited, deleted, same = [await world.project(author, content=c) for c in ("a", "b", "C")]
    world.use(projects={"markdown": shouting})
    read = world.reader.texts

    async def then_others_change_them(after: Any, limit: int) -> Any:
        texts = await read(after, limit)
        if after is None:
            await world.projects.edit(author, edited.id, {"content": "new"}, None)
            await world.projects.delete(author, deleted.id)
        return texts

    world.reader.texts = then_others_change_them  # type: ignore[method-assign]  # patched for this test
    assert await world.projects.rerender_all(lambda *_: None) == 1
    left = world.store.state.projects
    assert left.keys() == {edited.id, same.id}
    assert (left[edited.id].content, left[edited.id].content_html) == ("new", "<p>NEW</p>")
    assert left[edited.id].revision == 2


@awaited
async def test_images_referenced_after_rerendering_are_kept(world: World) -> None:
    author = await world.person()
    image = await world.image(author)
    await world.project(author)
    html = f'<img src="{image.url}" alt="">'
    world.use(projects={"markdown": always(html)})
    await world.projects.rerender_all(lambda *_: None)
    world.clock.forward(3 * 24 * 3600)
    assert await world.images.remove_unused() == 0

"""The board over stores in memory: who may do what, and counters that are exact."""

import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from sidepro.domain.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    PreconditionFailed,
    SideProError,
    Unavailable,
)
from sidepro.domain.identity import Caller
from sidepro.domain.ids import (
    CommentId,
    ProjectId,
    UserId,
)
from sidepro.domain.pagination import Cursor, PageRequest
from sidepro.domain.projects.ports import Counters
from sidepro.domain.projects.views import (
    BoardQuery,
    BookmarkState,
    CommentView,
    ProjectView,
    Sort,
)
from tests.domain.world import World, awaited
from tests.factories import NOW, always, at_once, escaped, new_id

NOWHERE = ProjectId(new_id())
NO_COMMENT = CommentId(new_id())
DRAFT: dict[str, Any] = {
    "title": "동네 카페 지도",
    "summary": "A map of quiet cafés",
    "content": "# 지도\n\nTake a <b>look</b>.",
    "repository_url": "https://github.com/minji/cafes",
    "thumbnail_id": None,
    "skills": ["Python", "Django"],
}


async def pointers_of(attempt: Awaitable[object]) -> list[str | None]:
    """What the refusal of an attempt points at."""
    with pytest.raises(InvalidInput) as caught:
        await attempt
    return [fault.pointer or fault.parameter for fault in caught.value.errors]


async def published(world: World) -> tuple[Caller, ProjectView]:
    """Somebody and the project that they have published."""
    author = await world.person()
    return author, await world.projects.publish(author, **DRAFT)


# --------------------------------------------------------------------------------- publishing


@awaited
async def test_a_published_project_is_on_the_board(world: World) -> None:
    author, project = await published(world)
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
async def test_a_project_that_breaks_a_rule_is_refused(
    world: World, member: str, value: object, pointer: str
) -> None:
    attempt = world.projects.publish(await world.person(), **{**DRAFT, member: value})
    assert await pointers_of(attempt) == [pointer]
    assert not world.store.state.projects


@awaited
async def test_the_longest_project_is_taken(world: World) -> None:
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
    assert await pointers_of(publish(**{**DRAFT, "skills": skills})) == ["/skills"]


@awaited
async def test_who_is_gone_publishes_nothing(world: World) -> None:
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
async def test_an_edit_keeps_what_it_does_not_name(
    world: World, changes: dict[str, Any], shown: dict[str, Any]
) -> None:
    author, before = await published(world)
    now = world.clock.forward(60)
    after = await world.projects.edit(author, before.card.id, changes, None)
    card = replace(before.card, updated_at=now, **shown)
    assert after == replace(before, card=card, revision=2)


@awaited
async def test_an_edit_of_nothing_is_no_revision(world: World) -> None:
    author, before = await published(world)
    world.clock.forward(60)
    assert await world.projects.edit(author, before.card.id, {}, None) == before


@awaited
async def test_an_edit_of_the_content_renders_it_anew(world: World) -> None:
    author, before = await published(world)
    after = await world.projects.edit(author, before.card.id, {"content": "<i>new</i>"}, None)
    assert (after.content, after.content_html) == ("<i>new</i>", escaped("<i>new</i>"))


@awaited
async def test_an_edit_judges_nothing_that_it_does_not_name(world: World) -> None:
    caller, view = await published(world)
    project = world.store.state.projects[view.card.id]
    older = replace(project, repository_url="ftp://older.example/than-the-rule")
    world.store.state.projects[project.id] = older
    edited = await world.projects.edit(caller, project.id, {"title": "Neu"}, None)
    assert (edited.card.title, edited.repository_url) == ("Neu", older.repository_url)


@awaited
async def test_an_edit_may_take_the_repository_away(world: World) -> None:
    author, before = await published(world)
    after = await world.projects.edit(author, before.card.id, {"repository_url": None}, None)
    assert after.repository_url is None


@awaited
async def test_an_edit_leaves_the_counters_alone(world: World) -> None:
    author, before = await published(world)
    await world.projects.get_and_count_view(before.card.id, None)
    await world.projects.add_bookmark(author, before.card.id)
    await world.projects.comment(author, before.card.id, "Hello")
    await world.projects.edit(author, before.card.id, {"title": "새 제목"}, None)
    assert await world.reader.counters(before.card.id) == Counters(1, 1, 1)


@awaited
async def test_an_edit_that_breaks_a_rule_changes_nothing(world: World) -> None:
    author, before = await published(world)
    changes = {"title": "새 제목", "summary": ""}
    attempt = world.projects.edit(author, before.card.id, changes, None)
    assert await pointers_of(attempt) == ["/summary"]
    assert await world.projects.get(before.card.id, author.id) == before


@pytest.mark.parametrize("revisions", [None, {1}, {1, 2}, {0, 1}])
@awaited
async def test_an_edit_of_the_revision_in_mind(world: World, revisions: set[int] | None) -> None:
    author, project = await published(world)
    wanted = None if revisions is None else frozenset(revisions)
    edited = await world.projects.edit(author, project.card.id, {"title": "새 제목"}, wanted)
    assert edited.revision == 2


@pytest.mark.parametrize("revisions", [set[int](), {2}, {0, 2}])
@awaited
async def test_an_edit_of_another_revision_is_refused(world: World, revisions: set[int]) -> None:
    author, before = await published(world)
    with pytest.raises(PreconditionFailed):
        await world.projects.edit(author, before.card.id, {}, frozenset(revisions))
    assert await world.projects.get(before.card.id, author.id) == before


@awaited
async def test_of_two_edits_of_one_revision_at_once_one_is_refused(world: World) -> None:
    author, project = await published(world)

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
async def test_a_deleted_project_is_gone_with_all_that_hangs_on_it(world: World) -> None:
    author, project = await published(world)
    reader = await world.person()
    await world.projects.add_bookmark(reader, project.card.id)
    await world.projects.comment(reader, project.card.id, "Hello")
    await world.projects.delete(author, project.card.id)
    state = world.store.state
    assert not any((state.projects, state.counters, state.comments, state.bookmarks))
    with pytest.raises(NotFound):
        await world.projects.get(project.card.id, None)


@awaited
async def test_deleting_one_project_spares_the_others(world: World) -> None:
    author, project = await published(world)
    other = await world.project(author)
    await world.projects.add_bookmark(author, other.id)
    comment = await world.projects.comment(author, other.id, "Hello")
    await world.projects.delete(author, project.card.id)
    assert await world.reader.counters(other.id) == Counters(0, 1, 1)
    assert await world.projects.bookmark_count(author.id) == 1
    assert (await world.projects.comments(other.id, PageRequest())).items == (comment,)


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
    lambda world, caller, project: world.projects.add_bookmark(caller, project),
    lambda world, caller, project: world.projects.remove_bookmark(caller, project),
    lambda world, caller, project: world.projects.comments(project, PageRequest()),
    lambda world, caller, project: world.projects.comment_count(project),
    lambda world, caller, project: world.projects.ensure_exists(project),
    lambda world, caller, project: world.projects.comment(caller, project, "Hello"),
    lambda world, caller, project: world.projects.delete_comment(caller, project, NO_COMMENT),
]


@pytest.mark.parametrize("act", AUTHORS_ACTS, ids=["edit", "delete", "may_edit"])
@awaited
async def test_a_project_is_changed_by_its_author_and_administrators_alone(
    world: World, act: ProjectAct
) -> None:
    author, project = await published(world)
    stranger, admin = await world.person(), await world.person(is_admin=True)
    with pytest.raises(Forbidden):
        await act(world, stranger, project.card.id)
    assert await world.projects.get(project.card.id, author.id) == project
    await act(world, admin, project.card.id)
    other = await world.project(author)
    await act(world, author, other.id)


@pytest.mark.parametrize("act", CALLERS_ACTS)
@awaited
async def test_an_unknown_project_is_not_there(world: World, act: ProjectAct) -> None:
    with pytest.raises(NotFound):
        await act(world, await world.person(is_admin=True), NOWHERE)
    state = world.store.state
    assert not any((state.bookmarks, state.comments, state.counters))


@awaited
async def test_an_administrators_edit_leaves_the_author(world: World) -> None:
    author, project = await published(world)
    admin = await world.person(is_admin=True)
    edited = await world.projects.edit(admin, project.card.id, {"title": "새 제목"}, None)
    assert edited.card.author.id == author.id


# ------------------------------------------------------------------------------------ counters


@awaited
async def test_a_read_counts_one_view_and_shows_it(world: World) -> None:
    _, project = await published(world)
    assert (await world.projects.get_and_count_view(project.card.id, None)).card.view_count == 1
    assert (await world.projects.get(project.card.id, None)).card.view_count == 1


@awaited
async def test_many_views_at_once_are_all_counted(world: World) -> None:
    _, project = await published(world)
    await at_once([partial(world.projects.get_and_count_view, project.card.id, None)] * 50)
    assert await world.reader.counters(project.card.id) == Counters(50, 0, 0)


@awaited
async def test_many_bookmarks_at_once_are_all_counted(world: World) -> None:
    _, project = await published(world)
    fans = await world.people(50)
    states = await at_once(
        [partial(world.projects.add_bookmark, fan, project.card.id) for fan in fans]
    )
    assert sorted(state.bookmark_count for state in states) == list(range(1, 51))
    assert await world.reader.counters(project.card.id) == Counters(0, 50, 0)


@awaited
async def test_many_comments_at_once_are_all_counted(world: World) -> None:
    author, project = await published(world)
    await at_once([partial(world.projects.comment, author, project.card.id, "Hello")] * 50)
    assert await world.projects.comment_count(project.card.id) == 50


@awaited
async def test_views_bookmarks_and_comments_at_once_do_not_lose_one_another(world: World) -> None:
    _, project = await published(world)
    fans = await world.people(10)
    calls: list[Callable[[], Awaitable[object]]] = []
    for fan in fans:
        calls.append(partial(world.projects.get_and_count_view, project.card.id, fan.id))
        calls.append(partial(world.projects.add_bookmark, fan, project.card.id))
        calls.append(partial(world.projects.comment, fan, project.card.id, "Hello"))
    await at_once(calls)
    assert await world.reader.counters(project.card.id) == Counters(10, 10, 10)


@awaited
async def test_bookmarks_go_on_and_off_however_often(world: World) -> None:
    _, project = await published(world)
    fan, other = await world.people(2)
    await world.projects.add_bookmark(other, project.card.id)
    on, off = world.projects.add_bookmark, world.projects.remove_bookmark
    for act, state in (
        (off, BookmarkState(False, 1)),
        (on, BookmarkState(True, 2)),
        (on, BookmarkState(True, 2)),
        (off, BookmarkState(False, 1)),
        (off, BookmarkState(False, 1)),
    ):
        assert await act(fan, project.card.id) == state
        assert (await world.projects.get(project.card.id, fan.id)).card.bookmarked == (
            state.bookmarked
        )


@awaited
async def test_bookmarking_at_once_counts_once(world: World) -> None:
    _, project = await published(world)
    fan = await world.person()
    states = await at_once([partial(world.projects.add_bookmark, fan, project.card.id)] * 10)
    assert set(states) == {BookmarkState(True, 1)}


@awaited
async def test_what_could_not_be_committed_is_not_counted(world: World) -> None:
    author, project = await published(world)
    broken = replace(world.projects, unit_of_work=world.broken_unit_of_work)
    for attempt in (
        broken.add_bookmark(author, project.card.id),
        broken.comment(author, project.card.id, "Hello"),
        broken.delete(author, project.card.id),
    ):
        with pytest.raises(Unavailable):
            await attempt
    assert await world.projects.get(project.card.id, author.id) == project


@awaited
async def test_an_anonymous_viewer_has_neither_bookmarked_nor_not(world: World) -> None:
    _, project = await published(world)
    assert (await world.projects.get(project.card.id, None)).card.bookmarked is None


@awaited
async def test_bookmarks_are_listed_latest_first(world: World) -> None:
    author, fan = await world.people(2)
    one, other, _ = [await world.project(author) for _ in range(3)]
    for project in (other, one):
        world.clock.forward(1)
        await world.projects.add_bookmark(fan, project.id)
    page = await world.projects.bookmarked_by(fan.id, PageRequest(), author.id)
    assert [card.id for card in page.items] == [one.id, other.id]
    assert [card.bookmarked for card in page.items] == [False, False]
    assert await world.projects.bookmark_count(fan.id) == 2


# ------------------------------------------------------------------------------------ comments


@awaited
async def test_a_comment_is_stored_in_nfc_and_counted(world: World) -> None:
    _, project = await published(world)
    reader = await world.person()
    decomposed = unicodedata.normalize("NFD", "멋져요!\n정말로")
    comment = await world.projects.comment(reader, project.card.id, decomposed)
    assert (comment.body, comment.author.id) == ("멋져요!\n정말로", reader.id)
    assert (comment.created_at, comment.updated_at) == (NOW, NOW)
    assert await world.projects.comment_count(project.card.id) == 1


@pytest.mark.parametrize("body", ["", " \n ", "x" * 2_001, "a\0b"])
@awaited
async def test_a_comment_that_breaks_a_rule_is_refused(world: World, body: str) -> None:
    author, project = await published(world)
    comment = await world.projects.comment(author, project.card.id, "x" * 2_000)
    write = world.projects.comment(author, project.card.id, body)
    edit = world.projects.edit_comment(author, project.card.id, comment.id, body)
    assert await pointers_of(write) == await pointers_of(edit) == ["/body"]
    assert (await world.projects.comments(project.card.id, PageRequest())).items == (comment,)


@awaited
async def test_an_edited_comment_keeps_its_place(world: World) -> None:
    author, project = await published(world)
    first = await world.projects.comment(author, project.card.id, "First")
    now = world.clock.forward(60)
    second = await world.projects.comment(author, project.card.id, "Second")
    edited = await world.projects.edit_comment(author, project.card.id, first.id, "Edited")
    assert edited == replace(first, body="Edited", updated_at=now)
    assert (await world.projects.comments(project.card.id, PageRequest())).items == (
        edited,
        second,
    )
    assert await world.projects.comment_count(project.card.id) == 2


@awaited
async def test_comments_are_walked_oldest_first(world: World) -> None:
    author, project = await published(world)
    written: list[CommentView] = []
    for number in range(5):
        world.clock.forward(1)
        written.append(await world.projects.comment(author, project.card.id, f"{number}"))
    first = await world.projects.comments(project.card.id, PageRequest(3))
    rest = await world.projects.comments(project.card.id, PageRequest(3, first.next or Cursor()))
    assert [*first.items, *rest.items] == written
    assert (first.previous, rest.next) == (None, None)


@awaited
async def test_a_project_without_comments_has_an_empty_list(world: World) -> None:
    _, project = await published(world)
    assert (await world.projects.comments(project.card.id, PageRequest())).items == ()


async def commented(world: World) -> tuple[dict[str, Caller], ProjectId, CommentId]:
    """Everybody who may have a say in a comment, its project, and the comment."""
    author, project = await published(world)
    people = {
        "writer": await world.person(),
        "author": author,
        "admin": await world.person(is_admin=True),
        "stranger": await world.person(),
    }
    comment = await world.projects.comment(people["writer"], project.card.id, "Hello")
    return people, project.card.id, comment.id


@pytest.mark.parametrize(
    ("who", "error"),
    [("writer", None), ("author", Forbidden), ("admin", Forbidden), ("stranger", Forbidden)],
)
@awaited
async def test_who_may_edit_a_comment(
    world: World, who: str, error: type[SideProError] | None
) -> None:
    people, project_id, comment_id = await commented(world)
    for attempt in (
        world.projects.authorize_comment_edit(people[who], project_id, comment_id),
        world.projects.edit_comment(people[who], project_id, comment_id, "Edited"),
    ):
        if error:
            with pytest.raises(error):
                await attempt
        else:
            await attempt
    (comment,) = (await world.projects.comments(project_id, PageRequest())).items
    assert comment.author.id == people["writer"].id
    assert comment.body == ("Hello" if error else "Edited")


@pytest.mark.parametrize(
    ("who", "error"),
    [("writer", None), ("author", None), ("admin", None), ("stranger", Forbidden)],
)
@awaited
async def test_who_may_delete_a_comment(
    world: World, who: str, error: type[SideProError] | None
) -> None:
    people, project_id, comment_id = await commented(world)
    attempt = world.projects.delete_comment(people[who], project_id, comment_id)
    if error:
        with pytest.raises(error):
            await attempt
    else:
        await attempt
    assert await world.projects.comment_count(project_id) == (1 if error else 0)
    comments = await world.projects.comments(project_id, PageRequest())
    assert len(comments.items) == (1 if error else 0)


@awaited
async def test_a_comment_of_another_project_is_not_there(world: World) -> None:
    people, project_id, comment_id = await commented(world)
    elsewhere = (await world.project(people["writer"])).id
    for attempt in (
        world.projects.edit_comment(people["writer"], elsewhere, comment_id, "Edited"),
        world.projects.authorize_comment_edit(people["writer"], elsewhere, comment_id),
        world.projects.delete_comment(people["writer"], elsewhere, comment_id),
        world.projects.delete_comment(people["admin"], elsewhere, comment_id),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await world.projects.comment_count(project_id) == 1


@awaited
async def test_an_unknown_comment_is_not_there(world: World) -> None:
    people, project_id, _ = await commented(world)
    for attempt in (
        world.projects.edit_comment(people["admin"], project_id, NO_COMMENT, "Edited"),
        world.projects.authorize_comment_edit(people["admin"], project_id, NO_COMMENT),
        world.projects.delete_comment(people["admin"], project_id, NO_COMMENT),
    ):
        with pytest.raises(NotFound):
            await attempt


@awaited
async def test_a_comment_deleted_twice_at_once_is_counted_once(world: World) -> None:
    people, project_id, comment_id = await commented(world)

    async def delete() -> bool:
        try:
            await world.projects.delete_comment(people["writer"], project_id, comment_id)
        except NotFound:
            return False
        return True

    assert sum(await at_once([delete] * 5)) == 1
    assert await world.projects.comment_count(project_id) == 0


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
async def test_a_query_is_folded(world: World, typed: str | None, folded: str | None) -> None:
    assert (await world.projects.query(BoardQuery(text=typed))).text == folded


@awaited
async def test_a_query_is_the_same_in_whatever_order_its_skills_come(world: World) -> None:
    one = BoardQuery(skills=("Swift", "Python", "AWS", "Java", "Git", "Python"), all_skills=True)
    other = BoardQuery(skills=("AWS", "Git", "Java", "Python", "Swift"), all_skills=True)
    assert await world.projects.query(one) == await world.projects.query(other) == other


@awaited
async def test_a_query_keeps_the_rest(world: World) -> None:
    query = BoardQuery(None, (), False, UserId(new_id()), Sort.POPULAR)
    assert await world.projects.query(query) == query


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
async def test_a_query_that_breaks_a_rule_is_refused(
    world: World, query: BoardQuery, parameters: list[str]
) -> None:
    assert await pointers_of(world.projects.query(query)) == parameters


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
async def test_a_text_is_found_in_title_summary_and_name(
    world: World, text: str, titles: list[str]
) -> None:
    author = await world.person(username="Minji")
    await world.project(author, title="동네 카페", summary="Quiet ones")
    await world.project(author, title="카페인 계산기", summary="Counts")
    await world.project(author, title="Books", summary="Swaps")
    query = await world.projects.query(BoardQuery(text=text))
    page = await world.projects.board(query, PageRequest(), None)
    assert sorted(card.title for card in page.items) == titles
    assert await world.projects.size(query) == len(titles)


# --------------------------------------------------------------------------------- other rules


def shouted(text: str) -> str:
    return f"<p>{text.upper()}</p>"


async def shouting(text: str, writer: UserId | None = None) -> str:
    """Other rules of rendering."""
    return shouted(text)


@awaited
async def test_all_texts_are_rendered_again_by_other_rules_and_nothing_else_changes(
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
async def test_a_text_that_is_edited_or_deleted_meanwhile_is_not_undone(world: World) -> None:
    author = await world.person()
    edited, deleted, same = [await world.project(author, content=c) for c in ("a", "b", "C")]
    world.use(projects={"markdown": shouting})
    read = world.reader.texts

    async def then_others_go_on(after: Any, limit: int) -> Any:
        texts = await read(after, limit)
        if after is None:
            await world.projects.edit(author, edited.id, {"content": "new"}, None)
            await world.projects.delete(author, deleted.id)
        return texts

    world.reader.texts = then_others_go_on  # type: ignore[method-assign]  # for this test alone
    assert await world.projects.rerender_all(lambda *_: None) == 1
    left = world.store.state.projects
    assert left.keys() == {edited.id, same.id}
    assert (left[edited.id].content, left[edited.id].content_html) == ("new", "<p>NEW</p>")
    assert left[edited.id].revision == 2


@awaited
async def test_images_that_are_shown_by_other_rules_are_kept(world: World) -> None:
    author = await world.person()
    image = await world.image(author)
    await world.project(author)
    html = f'<img src="{image.url}" alt="">'
    world.use(projects={"markdown": always(html)})
    await world.projects.rerender_all(lambda *_: None)
    world.clock.forward(3 * 24 * 3600)
    assert await world.images.remove_unused() == 0

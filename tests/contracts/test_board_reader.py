"""`BoardReader`: searches, bookmarks, projects and comments."""

import unicodedata
from functools import partial
from uuid import uuid4

import pytest

from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.ids import (
    CommentId,
    ProjectId,
)
from sidepro.domain.pagination import (
    Cursor,
    Page,
    PageRequest,
)
from sidepro.domain.projects.ports import Counters
from sidepro.domain.projects.search_key import search_term
from sidepro.domain.projects.views import (
    BoardQuery,
    CommentOrder,
    CommentView,
    ProjectCard,
    ProjectView,
    Sort,
)
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.board_data import EVERYTHING
from tests.contracts.builders import after, no_comment, no_project, nobody
from tests.contracts.paging import read_all_pages

pytestmark = pytest.mark.anyio


async def test_an_empty_board(adapters: Adapters) -> None:
    for cursor in (Cursor(), Cursor(reverse=True)):
        page = await adapters.board.board(BoardQuery(), PageRequest(5, cursor), None)
        assert page == Page((), None, None)
    assert await adapters.board.board_size(BoardQuery(), None) == 0


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("limit", [1, 3, 6, 7])
async def test_a_still_board_reads_alike_in_both_directions(
    adapters: Adapters, sort: Sort, limit: int
) -> None:
    author = factories.user()
    projects = [
        factories.project(author.id, id=ProjectId(uuid4()), created_at=after(number // 2))
        for number in range(6)
    ]
    await adapters.add(author, *projects)
    found = await read_all_pages(
        lambda page: adapters.board.board(BoardQuery(sort=sort), page, None), limit
    )
    places = {
        Sort.NEWEST: lambda project: (project.created_at, project.id),
        Sort.VIEWS: lambda project: project.id,
        Sort.POPULAR: lambda project: project.id,
        Sort.TRENDING: lambda project: project.id,
    }
    expected = sorted(projects, key=places[sort], reverse=True)
    assert [card.id for card in found] == [project.id for project in expected]


async def test_paging_back_from_a_deleted_end(adapters: Adapters) -> None:
    author = factories.user()
    projects = [factories.project(author.id, created_at=after(number)) for number in range(3)]
    await adapters.add(author, *projects)
    page = await adapters.board.board(BoardQuery(), PageRequest(2), None)
    assert page.next is not None
    async with adapters.unit_of_work() as work:
        await work.projects.delete(projects[0].id)
        await work.commit()
    beyond = await adapters.board.board(BoardQuery(), PageRequest(2, page.next), None)
    assert beyond.items == ()
    assert beyond.next is None
    assert beyond.previous is not None
    back = await adapters.board.board(BoardQuery(), PageRequest(2, beyond.previous), None)
    assert back.items == page.items
    assert (back.next, back.previous) == (None, None)


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "backward"])
async def test_no_way_leads_to_where_nothing_is_any_more(
    adapters: Adapters, sort: Sort, reverse: bool
) -> None:
    author = factories.user()
    projects = [factories.project(author.id, created_at=after(number)) for number in range(4)]
    await adapters.add(author, *projects)
    query = BoardQuery(sort=sort)
    page = await adapters.board.board(query, PageRequest(2, Cursor(reverse=reverse)), None)
    onward = page.previous if reverse else page.next
    assert onward is not None

    async def without(*deleted: ProjectId) -> Page[ProjectCard]:
        async with adapters.unit_of_work() as work:
            for project_id in deleted:
                await work.projects.delete(project_id)
            await work.commit()
        return await adapters.board.board(query, PageRequest(2, onward), None)

    rest = await without(*(card.id for card in page.items))
    assert len(rest.items) == 2
    assert (rest.next, rest.previous) == (None, None)
    nothing = await without(*(card.id for card in rest.items))
    assert nothing == Page((), None, None)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param("100%", ["title"], id="percent"),
        pytest.param("0%o", [], id="percent-is-no-wildcard"),
        pytest.param("a_b", ["title"], id="underscore"),
        pytest.param("axb", [], id="underscore-is-no-wildcard"),
        pytest.param("c:\\new", ["summary"], id="backslash"),
        pytest.param("\\", ["summary"], id="backslash-alone"),
        pytest.param("it's", ["summary"], id="quote"),
        pytest.param("한글", ["summary"], id="hangul"),
        pytest.param("하", ["summary"], id="half-a-syllable-at-the-end"),
        pytest.param(unicodedata.normalize("NFD", "한글"), ["summary"], id="decomposed"),
        pytest.param("ｗｏｒｋｓ", ["title"], id="full-width"),
        pytest.param("WORKS", ["title"], id="case"),
        pytest.param("final", ["summary"], id="ligature"),
        pytest.param("strasse", ["title"], id="sharp-s"),
        pytest.param("😀", ["title"], id="emoji"),
        pytest.param("민수", ["author"], id="author"),
        pytest.param("민수KIM", ["author"], id="author-folded"),
        pytest.param("endstart", [], id="not-across-a-border"),
        pytest.param("nothing of it", [], id="nothing"),
    ],
)
async def test_text_is_found_as_a_folded_substring(
    adapters: Adapters, asked: str, found: list[str]
) -> None:
    other, minsu = factories.user(username="other"), factories.user(username="민수Kim")
    projects = {
        "title": factories.project(
            other.id, title="100% Works 😀 a_b Straße end", summary="start 0x"
        ),
        "summary": factories.project(other.id, title="plain", summary="ﬁnal C:\\new it's 한글"),
        "author": factories.project(minsu.id, title="bland", summary="s"),
    }
    await adapters.add(other, minsu, *projects.values())
    query = BoardQuery(text=search_term(asked))
    page = await adapters.board.board(query, EVERYTHING, None)
    assert {card.id for card in page.items} == {projects[name].id for name in found}
    assert await adapters.board.board_size(query, None) == len(found)


@pytest.mark.parametrize(
    ("skills", "every", "found"),
    [
        ((), False, ["java", "python", "both"]),
        ((), True, ["java", "python", "both"]),
        (("Java",), False, ["java", "both"]),
        (("Java",), True, ["java", "both"]),
        (("Java", "Python"), False, ["java", "python", "both"]),
        (("Java", "Python"), True, ["both"]),
        (("Java", "Kotlin"), True, []),
        (("Kotlin",), False, []),
    ],
)
async def test_any_or_all_of_several_skills(
    adapters: Adapters, skills: tuple[str, ...], every: bool, found: list[str]
) -> None:
    author = factories.user()
    projects = {
        "java": factories.project(author.id, skills=("Git", "Java")),
        "python": factories.project(author.id, skills=("Python",)),
        "both": factories.project(author.id, skills=("Java", "Python", "React")),
    }
    await adapters.add(author, *projects.values())
    query = BoardQuery(skills=skills, all_skills=every)
    page = await adapters.board.board(query, EVERYTHING, None)
    assert {card.id for card in page.items} == {projects[name].id for name in found}
    assert len(page.items) == await adapters.board.board_size(query, None) == len(found)


async def test_all_of_more_skills_than_any_project_has_are_found_nowhere(
    adapters: Adapters,
) -> None:
    # More than SQLite joins tables.
    await adapters.grow_catalogue(Catalogue(tuple(f"Skill {n}" for n in range(80)), (), ()))
    catalogue = (await adapters.catalogue.current()).skills
    mine = catalogue[:20]
    author = factories.user()
    project = factories.project(author.id, skills=mine)
    await adapters.add(author, project)
    for skills, every, found in (
        (mine, True, 1),
        (catalogue[1:21], True, 0),
        (catalogue[:21], True, 0),
        (catalogue, True, 0),
        (catalogue, False, 1),
    ):
        query = BoardQuery(skills=skills, all_skills=every)
        page = await adapters.board.board(query, EVERYTHING, None)
        assert len(page.items) == await adapters.board.board_size(query, None) == found


async def test_bookmarked_is_the_viewers_and_null_for_anonymous_ones(adapters: Adapters) -> None:
    author, reader = factories.user(), factories.user()
    project, other = factories.project(author.id), factories.project(author.id)
    await adapters.add(author, reader, project, other)
    await adapters.bookmark(reader.id, project.id)
    for viewer, expected in (
        (None, {project.id: None, other.id: None}),
        (reader.id, {project.id: True, other.id: False}),
        (author.id, {project.id: False, other.id: False}),
        (nobody(), {project.id: False, other.id: False}),
    ):
        page = await adapters.board.board(BoardQuery(), EVERYTHING, viewer)
        assert {card.id: card.bookmarked for card in page.items} == expected
        for project_id, bookmarked in expected.items():
            view = await adapters.board.project(project_id, viewer)
            assert view is not None
            assert view.card.bookmarked is bookmarked


async def test_bookmarks_come_latest_first_with_ties_by_id(adapters: Adapters) -> None:
    author, reader, viewer = (factories.user() for _ in range(3))
    projects = [
        factories.project(author.id, id=ProjectId(uuid4()), created_at=after(-number))
        for number in range(7)
    ]
    await adapters.add(author, reader, viewer, *projects)
    for number, project in enumerate(projects[:6]):
        await adapters.bookmark(reader.id, project.id, after(number // 2))
    await adapters.bookmark(viewer.id, projects[0].id)
    await adapters.bookmark(viewer.id, projects[6].id)
    moments = {project.id: after(number // 2) for number, project in enumerate(projects[:6])}
    expected = sorted(moments, key=lambda item: (moments[item], item), reverse=True)
    for limit in (1, 2, 4, 6, 7):
        found = await read_all_pages(
            lambda page: adapters.board.bookmarked_by(reader.id, page, viewer.id), limit
        )
        assert [card.id for card in found] == expected
        assert {card.id for card in found if card.bookmarked} == {projects[0].id}
    anonymous = await adapters.board.bookmarked_by(reader.id, EVERYTHING, None)
    assert {card.bookmarked for card in anonymous.items} == {None}
    assert anonymous.items[-1].bookmark_count in (1, 2)
    assert await adapters.board.bookmarks_of(reader.id, None) == 6
    assert await adapters.board.bookmarks_of(viewer.id, None) == 2
    assert await adapters.board.bookmarks_of(author.id, None) == 0


async def test_a_user_without_bookmarks_has_an_empty_list(adapters: Adapters) -> None:
    author = factories.user()
    await adapters.add(author, factories.project(author.id))
    for user_id in (author.id, nobody()):
        assert await adapters.board.bookmarked_by(user_id, EVERYTHING, None) == Page(
            (), None, None
        )


async def test_a_projects_page_shows_all_of_it(adapters: Adapters, catalogue: Catalogue) -> None:
    author = factories.user(username="민수")
    project = factories.project(
        author.id, skills=catalogue.skills[:20], updated_at=after(5), revision=3
    )
    await adapters.add(author, project, factories.comment(project.id, author.id))
    await adapters.views.add(project.id)
    await adapters.adjust_counters(project.id, bookmarks=2, comments=1)
    view = await adapters.board.project(project.id, None)
    card = ProjectCard(
        id=project.id,
        title=project.title,
        summary=project.summary,
        skills=project.skills,
        thumbnail_url=None,
        author=UserSummary(author.id, "민수", None),
        view_count=1,
        bookmark_count=2,
        comment_count=1,
        bookmarked=None,
        created_at=project.created_at,
        updated_at=after(5),
        hidden=False,
    )
    assert view == ProjectView(
        card=card,
        content=project.content,
        content_html=project.content_html,
        repository_url=project.repository_url,
        revision=3,
    )
    assert (await adapters.board.board(BoardQuery(), EVERYTHING, None)).items == (card,)
    assert await adapters.board.counters(project.id, None) == Counters(1, 2, 1)


async def test_a_project_that_is_not_there(adapters: Adapters) -> None:
    author = factories.user()
    await adapters.add(author, factories.project(author.id))
    assert await adapters.board.project(no_project(), author.id) is None
    assert await adapters.board.counters(no_project(), None) is None


async def test_projects_of_deactivated_people_stay_on_the_board(adapters: Adapters) -> None:
    deleted = factories.user(is_active=False)
    project = factories.project(deleted.id)
    await adapters.add(deleted, project, factories.comment(project.id, deleted.id))
    assert await adapters.board.board_size(BoardQuery(), None) == 1
    assert len((await adapters.board.board(BoardQuery(), EVERYTHING, None)).items) == 1
    assert len((await adapters.board.comments(project.id, EVERYTHING, None)).items) == 1


async def test_comments_come_oldest_first_with_ties_by_id(adapters: Adapters) -> None:
    author, reader = factories.user(), factories.user()
    project, other = factories.project(author.id), factories.project(author.id)
    comments = [
        factories.comment(
            project.id,
            (author, reader)[number % 2].id,
            id=CommentId(uuid4()),
            body=f"number {number}",
            created_at=after(-(number // 2)),
            updated_at=after(number),
        )
        for number in range(7)
    ]
    await adapters.add(author, reader, project, other, *comments)
    await adapters.add(factories.comment(other.id, reader.id))
    expected = tuple(
        CommentView(
            id=comment.id,
            author=UserSummary(
                comment.author_id,
                author.username if comment.author_id == author.id else reader.username,
                None,
            ),
            body=comment.body,
            created_at=comment.created_at,
            updated_at=comment.updated_at,
            hidden=False,
        )
        for comment in sorted(comments, key=lambda comment: (comment.created_at, comment.id))
    )
    for limit in (1, 2, 3, 7, 8):
        oldest = partial(adapters.board.comments, project.id, viewer=None)
        assert tuple(await read_all_pages(oldest, limit)) == expected
        newest = partial(oldest, order=CommentOrder.NEWEST)
        assert tuple(await read_all_pages(newest, limit)) == expected[::-1]
    for view in expected:
        assert await adapters.board.comment(project.id, view.id, None) == view
        assert await adapters.board.comment(no_project(), view.id, None) is None
    assert await adapters.board.comment(project.id, no_comment(), None) is None


async def test_comments_of_a_quiet_project_are_none(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    assert await adapters.board.comments(project.id, EVERYTHING, None) == Page((), None, None)
    assert await adapters.board.comments(no_project(), EVERYTHING, None) == Page((), None, None)


async def test_paging_through_comments_includes_later_ones(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    comments = [
        factories.comment(project.id, author.id, created_at=after(number)) for number in range(6)
    ]
    await adapters.add(author, project, *comments[:3])
    first = await adapters.board.comments(project.id, PageRequest(2), None)
    assert first.next is not None
    async with adapters.unit_of_work() as work:
        await work.comments.delete(comments[1].id)
        await work.commit()
    await adapters.add(*comments[3:])
    second = await adapters.board.comments(project.id, PageRequest(3, first.next), None)
    assert [view.id for view in second.items] == [comment.id for comment in comments[2:5]]
    assert second.next is not None
    assert second.previous is not None
    third = await adapters.board.comments(project.id, PageRequest(3, second.next), None)
    assert [view.id for view in third.items] == [comments[5].id]
    assert third.next is None

"""`BoardReader`: the board's lists, compared with a plain model, and its pages."""

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from random import Random
from uuid import uuid4

import pytest

from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.ids import (
    CommentId,
    ProjectId,
    UserId,
)
from sidepro.domain.pagination import (
    Cursor,
    Page,
    PageRequest,
    SortKey,
)
from sidepro.domain.projects.ports import Counters
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.views import (
    BoardQuery,
    CommentView,
    ProjectCard,
    ProjectView,
    Sort,
)
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, no_comment, no_project, nobody
from tests.contracts.paging import over_the_wire, walk

pytestmark = pytest.mark.anyio

EVERYTHING = PageRequest(100)

# What searches stumble over: wildcards, quotes, other widths and compositions, letters whose case
# changes their number, a letter that lower-cases otherwise than it folds, astral characters.
LETTERS = [
    *"ab%_\\'가각한글éß😀",
    "Ａ",
    "B",
    "ﬁ",
    "İ",
    "①",
    "ς",
    "e\u0301",
    "\u1112\u1161\u11ab",
    " ",
]


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def a_text(random: Random, longest: int) -> str:
    letters = random.choices(LETTERS, k=random.randint(1, longest))
    return unicodedata.normalize("NFC", "".join(letters))


@dataclass
class Entry:
    """A project with what is beside it."""

    project: Project
    author: User
    views: int = 0
    bookmarks: int = 0

    def place(self, sort: Sort) -> SortKey:
        values: dict[Sort, datetime | int] = {
            Sort.NEWEST: self.project.created_at,
            Sort.VIEWS: self.views,
            Sort.POPULAR: self.bookmarks,
        }
        return (values[sort], self.project.id)

    def fits(self, query: BoardQuery) -> bool:
        searched = (self.project.title, self.project.summary, self.author.username)
        if query.text is not None and not any(query.text in folded(part) for part in searched):
            return False
        if query.author is not None and query.author != self.project.author_id:
            return False
        wanted, there = set(query.skills), set(self.project.skills)
        return wanted <= there if query.all_skills else not wanted or bool(wanted & there)


class Board:
    """A plain model of the board, kept equal to a adapters's."""

    def __init__(self, adapters: Adapters, catalogue: Catalogue, random: Random) -> None:
        self.adapters = adapters
        self.random = random
        self.skills = random.sample(catalogue.skills, 5)
        self.order = catalogue.skills.index
        self.authors = [
            factories.user(id=UserId(uuid4()), username=f"{name}{number}")
            for number, name in enumerate(["민수ab", "Ａnna_", "글각"])
        ]
        self.entries: dict[ProjectId, Entry] = {}

    async def fill(self, number: int) -> None:
        entries = [self._new() for _ in range(number)]
        await self.adapters.add(*self.authors, *(entry.project for entry in entries))
        for entry in entries:
            self.entries[entry.project.id] = entry
            await self._count(entry)

    def _new(self) -> Entry:
        author = self.random.choice(self.authors)
        # Few moments, so that many projects share one.
        moment = after(self.random.randint(0, 4))
        project = factories.project(
            author.id,
            id=ProjectId(uuid4()),
            title=a_text(self.random, 8),
            summary=a_text(self.random, 12),
            skills=self._some_skills(self.random.randint(1, 4)),
            created_at=moment,
            updated_at=moment,
        )
        return Entry(project, author)

    def _some_skills(self, number: int) -> tuple[str, ...]:
        return tuple(sorted(self.random.sample(self.skills, number), key=self.order))

    async def _count(self, entry: Entry) -> None:
        """See it and bookmark it a few times."""
        views, bookmarks = self.random.randint(0, 2), self.random.randint(0, 3)
        for _ in range(views):
            assert await self.adapters.views.add(entry.project.id)
        await self.adapters.adjust_counters(entry.project.id, bookmarks=bookmarks)
        entry.views += views
        entry.bookmarks += bookmarks

    async def change_something(self) -> None:
        """Publish, delete, edit, see or bookmark some project."""
        known = list(self.entries.values())
        what = self.random.choice(["publish", "delete", "edit", "count", "count"])
        if what == "publish" or not known:
            entry = self._new()
            await self.adapters.add(entry.project)
            self.entries[entry.project.id] = entry
            return
        entry = self.random.choice(known)
        if what == "count":
            await self._count(entry)
            return
        async with self.adapters.unit_of_work() as work:
            if what == "delete":
                await work.projects.delete(entry.project.id)
                del self.entries[entry.project.id]
            else:
                title, skills = a_text(self.random, 8), self._some_skills(2)
                entry.project = replace(entry.project, title=title, skills=skills)
                await work.projects.save(entry.project)
            await work.commit()

    def a_query(self, sort: Sort) -> BoardQuery:
        """A query that often finds something."""
        random = self.random
        text = None
        if random.random() < 0.6:
            source = random.choice([*self.entries.values()] or [self._new()])
            parts = (source.project.title, source.project.summary, source.author.username)
            whole = random.choice([*parts, a_text(random, 2), parts[0] + parts[1]])
            start = random.randrange(len(whole))
            piece = whole[start : start + random.randint(1, 3)]
            text = folded(random.choice([piece, piece.upper()]))
        return BoardQuery(
            text,
            tuple(random.sample(self.skills, random.choice([0, 0, 1, 2, 3]))),
            random.random() < 0.5,
            random.choice([None, None, None, *(author.id for author in self.authors)]),
            sort,
        )

    def found(self, query: BoardQuery) -> list[Entry]:
        found = [entry for entry in self.entries.values() if entry.fits(query)]
        return sorted(found, key=lambda entry: entry.place(query.sort), reverse=True)

    def assert_page(
        self,
        page: Page[ProjectCard],
        query: BoardQuery,
        limit: int,
        place: SortKey | None,
        *,
        backward: bool,
    ) -> None:
        """It is exactly what lies that way from that place, and says what lies beyond it."""
        found = self.found(query)
        if place is None:
            before, behind = (found, []) if backward else ([], found)
        else:
            before = [entry for entry in found if entry.place(query.sort) > place]
            behind = [entry for entry in found if entry.place(query.sort) < place]
        shown = before[-limit:] if backward else behind[:limit]
        assert [card.id for card in page.items] == [entry.project.id for entry in shown]
        for card, entry in zip(page.items, shown, strict=True):
            assert (card.title, card.skills) == (entry.project.title, entry.project.skills)
            assert (card.view_count, card.bookmark_count) == (entry.views, entry.bookmarks)
            assert card.author == UserSummary(entry.author.id, entry.author.username, None)
        # Of what is not on the page something lies ahead or behind.
        if backward:
            some_before = len(before) > limit
            some_after = len(found) > len(before)
        else:
            some_before = len(found) > len(behind)
            some_after = len(behind) > limit
        assert (page.previous is not None) == some_before
        assert (page.next is not None) == some_after


# --------------------------------------------------------------------------- against the model


@pytest.mark.parametrize("seed", range(8))
async def test_any_query_finds_what_the_model_finds(
    adapters: Adapters, catalogue: Catalogue, seed: int
) -> None:
    random = Random(seed)
    board = Board(adapters, catalogue, random)
    await board.fill(20)
    for number in range(30):
        query = board.a_query(list(Sort)[number % 3])
        page = await adapters.board.board(query, EVERYTHING, None)
        board.assert_page(page, query, 100, None, backward=False)
        assert await adapters.board.board_size(query) == len(page.items)


@pytest.mark.parametrize("seed", range(30))
async def test_a_walk_among_changes_gives_what_the_model_gives(
    adapters: Adapters, catalogue: Catalogue, seed: int
) -> None:
    random = Random(seed)
    board = Board(adapters, catalogue, random)
    await board.fill(random.randint(5, 16))
    sort = list(Sort)[seed % 3]
    query = board.a_query(sort) if random.random() < 0.6 else BoardQuery(sort=sort)
    limit = random.randint(1, 5)
    changes = 12

    for backward in (False, True):
        # There and back again. Whatever keeps its place is met once on each way, in order.
        stays = {entry.project.id: entry.place(sort) for entry in board.found(query)}
        met: list[ProjectId] = []
        cursor: Cursor | None = Cursor(reverse=backward)
        place: SortKey | None = None
        while cursor is not None:
            assert cursor.reverse is backward
            page = await adapters.board.board(
                query, PageRequest(limit, over_the_wire(cursor)), None
            )
            board.assert_page(page, query, limit, place, backward=backward)
            cards = page.items[::-1] if backward else page.items
            met += [card.id for card in cards]
            cursor = page.previous if backward else page.next
            if cards:
                place = board.entries[cards[-1].id].place(sort)
            while changes and random.random() < 0.5:
                changes -= 1
                await board.change_something()
                now = {entry.project.id: entry.place(sort) for entry in board.found(query)}
                stays = {item: key for item, key in stays.items() if now.get(item) == key}
        wanted = sorted(stays, key=stays.__getitem__, reverse=not backward)
        assert [item for item in met if item in stays] == wanted


@pytest.mark.parametrize("seed", range(6))
async def test_turning_round_anywhere_gives_what_the_model_gives(
    adapters: Adapters, catalogue: Catalogue, seed: int
) -> None:
    random = Random(100 + seed)
    board = Board(adapters, catalogue, random)
    await board.fill(9)
    sort = list(Sort)[seed % 3]
    query = BoardQuery(sort=sort)
    limit = random.randint(1, 4)
    cursor, place = Cursor(), None
    for _ in range(25):
        page = await adapters.board.board(query, PageRequest(limit, over_the_wire(cursor)), None)
        board.assert_page(page, query, limit, place, backward=cursor.reverse)
        ways = [way for way in (page.next, page.previous) if way is not None]
        if not ways:
            break
        cursor = random.choice(ways)
        if page.items:
            edge = page.items[0 if cursor.reverse else -1]
            place = board.entries[edge.id].place(sort)
        else:
            place = None  # from the very end that lies that way
        if random.random() < 0.6:
            await board.change_something()


# -------------------------------------------------------------------------------- by example


async def test_an_empty_board(adapters: Adapters) -> None:
    for cursor in (Cursor(), Cursor(reverse=True)):
        page = await adapters.board.board(BoardQuery(), PageRequest(5, cursor), None)
        assert page == Page((), None, None)
    assert await adapters.board.board_size(BoardQuery()) == 0


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
    found = await walk(lambda page: adapters.board.board(BoardQuery(sort=sort), page, None), limit)
    places = {
        Sort.NEWEST: lambda project: (project.created_at, project.id),
        Sort.VIEWS: lambda project: project.id,
        Sort.POPULAR: lambda project: project.id,
    }
    wanted = sorted(projects, key=places[sort], reverse=True)
    assert [card.id for card in found] == [project.id for project in wanted]


async def test_the_way_back_from_an_end_that_is_gone(adapters: Adapters) -> None:
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
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
async def test_no_way_leads_to_where_nothing_is_any_more(
    adapters: Adapters, sort: Sort, backward: bool
) -> None:
    author = factories.user()
    projects = [factories.project(author.id, created_at=after(number)) for number in range(4)]
    await adapters.add(author, *projects)
    query = BoardQuery(sort=sort)
    page = await adapters.board.board(query, PageRequest(2, Cursor(reverse=backward)), None)
    onward = page.previous if backward else page.next
    assert onward is not None

    async def without(*gone: ProjectId) -> Page[ProjectCard]:
        async with adapters.unit_of_work() as work:
            for project_id in gone:
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
        pytest.param("하", [], id="no-half-of-a-syllable"),
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
    query = BoardQuery(text=folded(asked))
    page = await adapters.board.board(query, EVERYTHING, None)
    assert {card.id for card in page.items} == {projects[name].id for name in found}
    assert await adapters.board.board_size(query) == len(found)


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
    assert len(page.items) == await adapters.board.board_size(query) == len(found)


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
        assert len(page.items) == await adapters.board.board_size(query) == found


async def test_bookmarked_is_the_viewers_and_nothing_for_nobody(adapters: Adapters) -> None:
    author, reader = factories.user(), factories.user()
    project, other = factories.project(author.id), factories.project(author.id)
    await adapters.add(author, reader, project, other)
    await adapters.bookmark(reader.id, project.id)
    for viewer, wanted in (
        (None, {project.id: None, other.id: None}),
        (reader.id, {project.id: True, other.id: False}),
        (author.id, {project.id: False, other.id: False}),
        (nobody(), {project.id: False, other.id: False}),
    ):
        page = await adapters.board.board(BoardQuery(), EVERYTHING, viewer)
        assert {card.id: card.bookmarked for card in page.items} == wanted
        for project_id, bookmarked in wanted.items():
            view = await adapters.board.project(project_id, viewer)
            assert view is not None
            assert view.card.bookmarked is bookmarked


# ------------------------------------------------------------------------------------ bookmarks


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
    wanted = sorted(moments, key=lambda item: (moments[item], item), reverse=True)
    for limit in (1, 2, 4, 6, 7):
        found = await walk(
            lambda page: adapters.board.bookmarked_by(reader.id, page, viewer.id), limit
        )
        assert [card.id for card in found] == wanted
        assert {card.id for card in found if card.bookmarked} == {projects[0].id}
    anonymous = await adapters.board.bookmarked_by(reader.id, EVERYTHING, None)
    assert {card.bookmarked for card in anonymous.items} == {None}
    assert anonymous.items[-1].bookmark_count in (1, 2)
    assert await adapters.board.bookmarks_of(reader.id) == 6
    assert await adapters.board.bookmarks_of(viewer.id) == 2
    assert await adapters.board.bookmarks_of(author.id) == 0


async def test_who_has_no_bookmarks_has_an_empty_list(adapters: Adapters) -> None:
    author = factories.user()
    await adapters.add(author, factories.project(author.id))
    for user_id in (author.id, nobody()):
        assert await adapters.board.bookmarked_by(user_id, EVERYTHING, None) == Page(
            (), None, None
        )


# ------------------------------------------------------------------------------------ one project


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
    )
    assert view == ProjectView(
        card=card,
        content=project.content,
        content_html=project.content_html,
        repository_url=project.repository_url,
        revision=3,
    )
    assert (await adapters.board.board(BoardQuery(), EVERYTHING, None)).items == (card,)
    assert await adapters.board.counters(project.id) == Counters(1, 2, 1)


async def test_a_project_that_is_not_there(adapters: Adapters) -> None:
    author = factories.user()
    await adapters.add(author, factories.project(author.id))
    assert await adapters.board.project(no_project(), author.id) is None
    assert await adapters.board.counters(no_project()) is None


async def test_projects_of_deactivated_people_stay_on_the_board(adapters: Adapters) -> None:
    gone = factories.user(is_active=False)
    project = factories.project(gone.id)
    await adapters.add(gone, project, factories.comment(project.id, gone.id))
    assert await adapters.board.board_size(BoardQuery()) == 1
    assert len((await adapters.board.board(BoardQuery(), EVERYTHING, None)).items) == 1
    assert len((await adapters.board.comments(project.id, EVERYTHING)).items) == 1


# ------------------------------------------------------------------------------------- comments


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
    wanted = tuple(
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
        )
        for comment in sorted(comments, key=lambda comment: (comment.created_at, comment.id))
    )
    for limit in (1, 2, 3, 7, 8):
        assert tuple(await walk(partial(adapters.board.comments, project.id), limit)) == wanted
    for view in wanted:
        assert await adapters.board.comment(view.id) == view
    assert await adapters.board.comment(no_comment()) is None


async def test_comments_of_a_quiet_project_are_none(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    await adapters.add(author, project)
    assert await adapters.board.comments(project.id, EVERYTHING) == Page((), None, None)
    assert await adapters.board.comments(no_project(), EVERYTHING) == Page((), None, None)


async def test_a_walk_through_comments_meets_those_that_come_meanwhile(adapters: Adapters) -> None:
    author = factories.user()
    project = factories.project(author.id)
    comments = [
        factories.comment(project.id, author.id, created_at=after(number)) for number in range(6)
    ]
    await adapters.add(author, project, *comments[:3])
    first = await adapters.board.comments(project.id, PageRequest(2))
    assert first.next is not None
    async with adapters.unit_of_work() as work:
        await work.comments.delete(comments[1].id)
        await work.commit()
    await adapters.add(*comments[3:])
    second = await adapters.board.comments(project.id, PageRequest(3, first.next))
    assert [view.id for view in second.items] == [comment.id for comment in comments[2:5]]
    assert second.next is not None
    assert second.previous is not None
    third = await adapters.board.comments(project.id, PageRequest(3, second.next))
    assert [view.id for view in third.items] == [comments[5].id]
    assert third.next is None

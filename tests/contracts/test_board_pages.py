"""Pages of `BoardReader`, compared with a plain model."""

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from uuid import uuid4

import pytest

from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.ids import (
    ProjectId,
    UserId,
)
from sidepro.domain.pagination import (
    Cursor,
    Page,
    PageRequest,
    SortKey,
)
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.search_key import search_key, search_term
from sidepro.domain.projects.trending import DAYS
from sidepro.domain.projects.trending_service import TrendingService
from sidepro.domain.projects.views import (
    BoardQuery,
    ProjectCard,
    Sort,
)
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.board_data import EVERYTHING
from tests.contracts.builders import after
from tests.contracts.paging import over_the_wire

pytestmark = pytest.mark.anyio


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
    trending: int = 0
    """The stored score. All views are of one day."""

    def place(self, sort: Sort) -> SortKey:
        values: dict[Sort, datetime | int] = {
            Sort.NEWEST: self.project.created_at,
            Sort.VIEWS: self.views,
            Sort.POPULAR: self.bookmarks,
            Sort.TRENDING: self.trending,
        }
        return (values[sort], self.project.id)

    def fits(self, query: BoardQuery) -> bool:
        searched = (self.project.title, self.project.summary, self.author.username)
        if query.text is not None and not any(query.text in search_key(part) for part in searched):
            return False
        if query.author is not None and query.author != self.project.author_id:
            return False
        expected, there = set(query.skills), set(self.project.skills)
        return expected <= there if query.all_skills else not expected or bool(expected & there)


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
        await self._renew()

    async def _renew(self) -> None:
        """Renew the trending scores."""
        await TrendingService(self.adapters.trending, self.adapters.clock).renew()
        for entry in self.entries.values():
            entry.trending = DAYS * entry.views

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
        """Publish, delete, edit, see or bookmark some project, or renew the scores."""
        known = list(self.entries.values())
        what = self.random.choice(["publish", "delete", "edit", "count", "count", "renew"])
        if what == "publish" or not known:
            entry = self._new()
            await self.adapters.add(entry.project)
            self.entries[entry.project.id] = entry
            return
        if what == "renew":
            await self._renew()
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
            text = search_term(random.choice([piece, piece.upper()])) or None
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
        reverse: bool,
    ) -> None:
        """It is exactly what lies that way from that place, and says what lies beyond it."""
        found = self.found(query)
        if place is None:
            before, behind = (found, []) if reverse else ([], found)
        else:
            before = [entry for entry in found if entry.place(query.sort) > place]
            behind = [entry for entry in found if entry.place(query.sort) < place]
        shown = before[-limit:] if reverse else behind[:limit]
        assert [card.id for card in page.items] == [entry.project.id for entry in shown]
        for card, entry in zip(page.items, shown, strict=True):
            assert (card.title, card.skills) == (entry.project.title, entry.project.skills)
            assert (card.view_count, card.bookmark_count) == (entry.views, entry.bookmarks)
            assert card.author == UserSummary(entry.author.id, entry.author.username, None)
        # Of what is not on the page something lies ahead or behind.
        if reverse:
            some_before = len(before) > limit
            some_after = len(found) > len(before)
        else:
            some_before = len(found) > len(behind)
            some_after = len(behind) > limit
        assert (page.previous is not None) == some_before
        assert (page.next is not None) == some_after


@pytest.mark.parametrize("seed", range(8))
async def test_any_query_equals_the_models(
    adapters: Adapters, catalogue: Catalogue, seed: int
) -> None:
    random = Random(seed)
    board = Board(adapters, catalogue, random)
    await board.fill(20)
    for number in range(30):
        query = board.a_query(list(Sort)[number % len(Sort)])
        page = await adapters.board.board(query, EVERYTHING, None)
        board.assert_page(page, query, 100, None, reverse=False)
        assert await adapters.board.board_size(query, None) == len(page.items)


@pytest.mark.parametrize("seed", range(30))
async def test_paging_during_changes_equals_the_models(
    adapters: Adapters, catalogue: Catalogue, seed: int
) -> None:
    random = Random(seed)
    board = Board(adapters, catalogue, random)
    await board.fill(random.randint(5, 16))
    sort = list(Sort)[seed % len(Sort)]
    query = board.a_query(sort) if random.random() < 0.6 else BoardQuery(sort=sort)
    limit = random.randint(1, 5)
    changes = 12

    for reverse in (False, True):
        # There and back again. Whatever keeps its place is met once on each way, in order.
        stays = {entry.project.id: entry.place(sort) for entry in board.found(query)}
        met: list[ProjectId] = []
        cursor: Cursor | None = Cursor(reverse=reverse)
        place: SortKey | None = None
        while cursor is not None:
            assert cursor.reverse is reverse
            page = await adapters.board.board(
                query, PageRequest(limit, over_the_wire(cursor)), None
            )
            board.assert_page(page, query, limit, place, reverse=reverse)
            cards = page.items[::-1] if reverse else page.items
            met += [card.id for card in cards]
            cursor = page.previous if reverse else page.next
            if cards:
                place = board.entries[cards[-1].id].place(sort)
            while changes and random.random() < 0.5:
                changes -= 1
                await board.change_something()
                now = {entry.project.id: entry.place(sort) for entry in board.found(query)}
                stays = {item: key for item, key in stays.items() if now.get(item) == key}
        expected = sorted(stays, key=stays.__getitem__, reverse=not reverse)
        assert [item for item in met if item in stays] == expected


@pytest.mark.parametrize("seed", range(2 * len(Sort)))
async def test_reversing_anywhere_equals_the_models(
    adapters: Adapters, catalogue: Catalogue, seed: int
) -> None:
    random = Random(100 + seed)
    board = Board(adapters, catalogue, random)
    await board.fill(9)
    sort = list(Sort)[seed % len(Sort)]
    query = BoardQuery(sort=sort)
    limit = random.randint(1, 4)
    cursor, place = Cursor(), None
    for _ in range(25):
        page = await adapters.board.board(query, PageRequest(limit, over_the_wire(cursor)), None)
        board.assert_page(page, query, limit, place, reverse=cursor.reverse)
        cursors = [one for one in (page.next, page.previous) if one is not None]
        if not cursors:
            break
        cursor = random.choice(cursors)
        if page.items:
            edge = page.items[0 if cursor.reverse else -1]
            place = board.entries[edge.id].place(sort)
        else:
            place = None  # from the very end that lies that way
        if random.random() < 0.6:
            await board.change_something()

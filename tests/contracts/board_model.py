"""A plain model of the board, and random projects, questions and changes for both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from sqlalchemy import delete

from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.adapters.sql.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.readers.board_reader import SqlBoardReader
from sidepro.adapters.sql.schema import tables
from sidepro.adapters.sql.search.access_paths import SCAN, AccessPathPlanner, Plan
from sidepro.adapters.sql.search.filters import BoardFilter
from sidepro.adapters.sql.search.selectivity import SampleCache
from sidepro.adapters.sql.trending_store import SqlTrendingStore
from sidepro.adapters.sql.unit_of_work import SqlUnitOfWork
from sidepro.adapters.sql.view_counter import SqlViewCounter
from sidepro.domain.ids import ProjectId, UserId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.notifications.notifier import Notifier
from sidepro.domain.pagination import (
    Cursor,
    Page,
    PageRequest,
)
from sidepro.domain.projects.bookmark_service import BookmarkService
from sidepro.domain.projects.search_key import search_key, search_term
from sidepro.domain.projects.trending import DailyCounts, day_of, trending_score
from sidepro.domain.projects.trending_service import TrendingService
from sidepro.domain.projects.views import BoardQuery, ProjectCard, Sort
from tests import factories
from tests.contracts.paging import over_the_wire
from tests.factories import NOW, SetClock

if TYPE_CHECKING:
    from datetime import date

    from sidepro.domain.accounts.user import User
    from sidepro.domain.projects.project import Project

# Few and alike, so that they are found often: in other cases, widths and Unicode forms too.
WORDS = [
    "커피챗",
    "커피",
    "챗봇",
    "Café",
    "CAFE\N{COMBINING ACUTE ACCENT}",
    "ｃａｆé",
    "100%",
    "a_b",
]
WORDS += ["axb", "back\\slash", "ß", "SS", "지도", "ㅋㅋ"]
SKILLS = ("Django", "Python", "Redis")
PEOPLE = 3

titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
terms = st.one_of(
    st.sampled_from([*WORDS, "커", "피챗", "c", "af", "사람", "없음", "s", "피ㅊ", "카"]),
    st.sampled_from(["%", "_", "\\", "0%", "a_", "k\\s"]),
    titles,
)


@dataclass(frozen=True)
class Draft:
    """A project to be made."""

    author: int
    title: str
    summary: str
    skills: tuple[str, ...]
    minute: int


drafts = st.builds(
    Draft,
    author=st.integers(0, PEOPLE - 1),
    title=titles,
    summary=titles,
    skills=st.sets(st.sampled_from(SKILLS), min_size=1).map(lambda chosen: tuple(sorted(chosen))),
    minute=st.integers(0, 3),
)


@dataclass(frozen=True)
class Question:
    """What is asked of the board, and how large the pages are."""

    text: str | None
    skills: tuple[str, ...]
    all_skills: bool
    author: int | None
    sort: Sort
    limit: int


questions = st.builds(
    Question,
    text=st.none() | terms,
    skills=st.sampled_from([(), (), SKILLS[:1], SKILLS[:2], SKILLS]),
    all_skills=st.booleans(),
    author=st.sampled_from([None, None, None, 0, 1]),
    sort=st.sampled_from(Sort),
    limit=st.integers(1, 4),
)

# What happens between pages; numbers choose a project, modulo how many there are.
steps = st.lists(
    st.one_of(
        st.sampled_from(["next", "next", "next", "previous"]),
        st.sampled_from([("renew",), ("renew",), ("pass_days", 1), ("pass_days", 6)]),
        st.builds(lambda draft: ("publish", draft), drafts),
        st.tuples(
            st.sampled_from(["remove", "view", "bookmark", "unbookmark"]), st.integers(0, 50)
        ),
        st.tuples(st.just("retitle"), st.integers(0, 50), titles),
    ),
    max_size=14,
)


class RandomPlanner(AccessPathPlanner):
    """Chooses any access path that there is. Scans stop at any bound, however few projects there
    are.
    """

    def __init__(self, database: Database, random: Random) -> None:
        super().__init__(database)
        self._database = database
        self._random = random

    async def plan(self, filters: tuple[BoardFilter, ...], rows: float = float("inf")) -> Plan:
        self._samples = SampleCache(self._database)  # a sample of the projects as they are now
        plan = await super().plan(filters, rows)
        indexed = [one.sql for one in filters if one.sql.index is not None]
        if not indexed:
            return plan
        index = self._random.choice(indexed)
        if rows == float("inf"):  # counting does not scan
            return plan._replace(path=index)
        steps = self._random.uniform(0, 1) * 12
        return self._random.choice(
            [
                plan._replace(path=index, fallback=None),
                plan._replace(path=SCAN, fallback=None),
                plan._replace(path=SCAN, fallback=index, steps=steps),
            ]
        )


@dataclass
class Board:
    """The board, and what a plain model says of it."""

    database: Database
    cache: CatalogueCache
    people: list[User]
    random: Random
    projects: dict[ProjectId, Project] = field(default_factory=dict)
    views: dict[ProjectId, int] = field(default_factory=dict)
    bookmarks: dict[ProjectId, dict[UserId, date]] = field(default_factory=dict)
    views_of_days: dict[ProjectId, Counter[date]] = field(default_factory=dict)
    scores: dict[ProjectId, int] = field(default_factory=dict)
    clock: SetClock = field(default_factory=SetClock)

    def __post_init__(self) -> None:
        planner = RandomPlanner(self.database, self.random)
        self.bookmarking = BookmarkService(
            self.work,
            SqlBoardReader(self.database, self.cache, ImageUrls()),
            Notifier(InProcessPubSub(), factories.new_id),
            self.clock,
        )
        self.reader = SqlBoardReader(self.database, self.cache, ImageUrls(), planner)
        self.counter = SqlViewCounter(self.database, self.clock)
        self.trending = TrendingService(SqlTrendingStore(self.database), self.clock)

    def work(self) -> SqlUnitOfWork:
        return SqlUnitOfWork(self.database, self.cache, ImageUrls())

    # ------------------------------------------------------------------------------ changes

    async def publish(self, draft: Draft) -> None:
        project = factories.project(
            self.people[draft.author].id,
            title=draft.title,
            summary=draft.summary,
            skills=draft.skills,
            created_at=NOW + timedelta(minutes=draft.minute),
        )
        async with self.work() as work:
            await work.projects.add(project)
            await work.commit()
        self.projects[project.id] = project
        self.views[project.id] = self.scores[project.id] = 0
        self.views_of_days[project.id] = Counter()
        self.bookmarks[project.id] = {}

    async def remove(self, project: Project) -> None:
        async with self.work() as work:
            await work.projects.delete(project.id)
            await work.commit()
        del self.projects[project.id]

    async def retitle(self, project: Project, title: str) -> None:
        changed = replace(project, title=title, revision=project.revision + 1)
        async with self.work() as work:
            await work.projects.save(changed)
            await work.commit()
        self.projects[project.id] = changed

    async def view(self, project: Project) -> None:
        await self.counter.add(project.id)
        self.views[project.id] += 1
        self.views_of_days[project.id][day_of(self.clock())] += 1

    async def bookmark(self, project: Project) -> None:
        them = self.bookmarks[project.id]
        user = self.people[len(them) % PEOPLE]
        state = await self.bookmarking.add(factories.caller(user), project.id)
        them.setdefault(user.id, day_of(self.clock()))
        assert state.bookmark_count == len(them)

    async def unbookmark(self, project: Project) -> None:
        them = self.bookmarks[project.id]
        user = self.people[len(them) % PEOPLE]
        state = await self.bookmarking.remove(factories.caller(user), project.id)
        them.pop(user.id, None)
        assert state.bookmark_count == len(them)

    async def renew(self) -> None:
        await self.trending.renew()
        for project_id in self.projects:
            views, given = self.views_of_days[project_id], self.bookmarks[project_id]
            days = {
                day: DailyCounts(views[day], list(given.values()).count(day))
                for day in {*views, *given.values()}
            }
            self.scores[project_id] = trending_score(days, day_of(self.clock()))

    def pass_days(self, days: int) -> None:
        self.clock.forward(days * 86_400)

    async def do(self, step: Any) -> None:
        """Anything but turning a page."""
        if step[0] == "publish":
            await self.publish(step[1])
        elif step[0] == "renew":
            await self.renew()
        elif step[0] == "pass_days":
            self.pass_days(step[1])
        elif self.projects:
            project = list(self.projects.values())[step[1] % len(self.projects)]
            await getattr(self, step[0])(project, *step[2:])

    # ---------------------------------------------------------------------------- questions

    def query(self, asked: Question) -> BoardQuery:
        author = None if asked.author is None else self.people[asked.author].id
        text = None if asked.text is None else search_term(asked.text)
        return BoardQuery(text, asked.skills, asked.all_skills, author, asked.sort)

    def key(self, project: Project, sort: Sort) -> tuple[Any, ProjectId]:
        of = {
            Sort.NEWEST: project.created_at,
            Sort.VIEWS: self.views[project.id],
            Sort.POPULAR: len(self.bookmarks[project.id]),
            Sort.TRENDING: self.scores[project.id],
        }
        return of[sort], project.id

    def found(self, query: BoardQuery) -> list[tuple[Any, ProjectId]]:
        """The places of all that match, in the order of the list."""
        names = {user.id: user.username for user in self.people}
        fits = all if query.all_skills else any
        places = [
            self.key(one, query.sort)
            for one in self.projects.values()
            if query.text is None
            or any(
                query.text in search_key(part)
                for part in (one.title, one.summary, names[one.author_id])
            )
            if not query.skills or fits(skill in one.skills for skill in query.skills)
            if query.author in (None, one.author_id)
        ]
        return sorted(places, reverse=True)

    async def page(self, query: BoardQuery, limit: int, cursor: Cursor) -> Page[ProjectCard]:
        """A page, which must be what the model says."""
        request = PageRequest(limit, over_the_wire(cursor))
        page = await self.reader.board(query, request, self.people[0].id)
        places, after = self.found(query), cursor.after
        if cursor.reverse:
            before = [place for place in places if after is None or place > after]
            expected = before[-limit:]
            more = {"previous": len(before) > limit, "next": len(before) < len(places)}
        else:
            behind = [place for place in places if after is None or place < after]
            expected = behind[:limit]
            more = {"next": len(behind) > limit, "previous": len(behind) < len(places)}
        assert [card.id for card in page.items] == [project_id for _, project_id in expected]
        assert {"next": page.next is not None, "previous": page.previous is not None} == more
        for card in page.items:
            assert card.title == self.projects[card.id].title
            assert card.view_count == self.views[card.id]
            assert card.bookmark_count == len(self.bookmarks[card.id])
            assert card.bookmarked is (self.people[0].id in self.bookmarks[card.id])
        assert await self.reader.board_size(query, None) == len(places)
        return page


async def a_board(database: Database, made: list[Draft], random: Random) -> Board:
    async with database.writing() as connection:
        await connection.execute(delete(tables.users))
        await connection.commit()
    people = [factories.user() for _ in range(PEOPLE)]
    board = Board(database, CatalogueCache(), people, random)
    async with board.work() as work:
        for user in board.people:
            await work.users.add(user)
        await work.commit()
    for draft in made:
        await board.publish(draft)
    return board

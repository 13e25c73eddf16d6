"""The board's pages in SQL: ready cards, in one set-based statement each."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    bindparam,
    exists,
    func,
    literal,
    select,
)

from sidepro.adapters.sql.engine.compiled_query import Row, limit_param
from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.engine.dialect import contains
from sidepro.adapters.sql.readers.catalogue_ids import CatalogueCache, CatalogueIds
from sidepro.adapters.sql.repositories.images import IMAGE_OF_USER, THUMBNAIL
from sidepro.adapters.sql.repositories.projects import SKILLS_OF_PROJECT
from sidepro.adapters.sql.schema.tables import (
    bookmarks,
    comments,
    project_counters,
    project_search,
    project_skills,
    projects,
    users,
)
from sidepro.adapters.sql.search.access_paths import (
    AccessPath,
    AccessPathPlanner,
    FilterSpec,
    Plan,
)
from sidepro.adapters.sql.search.keyset import KeysetQuery
from sidepro.adapters.sql.search.ngrams import (
    MAX_NGRAM,
    HasNgrams,
    NgramArray,
    query_ngrams,
)
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import (
    CommentId,
    ProjectId,
    UserId,
)
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.projects.ports import Counters, StoredMarkdown
from sidepro.domain.projects.views import (
    BoardQuery,
    CommentView,
    ProjectCard,
    ProjectView,
    Sort,
)

_BOOKMARKED = (
    exists()
    .where(
        bookmarks.c.user_id == bindparam("viewer", type_=bookmarks.c.user_id.type),
        bookmarks.c.project_id == projects.c.id,
    )
    .correlate(projects)
    .label("bookmarked")
)
_CARD_TABLES = projects.join(
    project_counters, project_counters.c.project_id == projects.c.id
).join(users, users.c.id == projects.c.author_id)
_CARDS: Select[Any] = select(
    projects.c.id,
    projects.c.title,
    projects.c.summary,
    projects.c.author_id,
    projects.c.created_at,
    projects.c.updated_at,
    users.c.username,
    project_counters.c.views,
    project_counters.c.bookmarks,
    project_counters.c.comments,
    SKILLS_OF_PROJECT,
    THUMBNAIL,
    IMAGE_OF_USER,
    _BOOKMARKED,
).select_from(_CARD_TABLES)

# What an index finds comes first, whatever the planner may think of the rest.
_WITH_TEXT = select(project_search.c.project_id).where(
    HasNgrams(bindparam("grams", type_=NgramArray()))
)
_IS_WANTED = project_skills.c.skill_id.in_(bindparam("skills", expanding=True))
_WITH_A_SKILL = select(project_skills.c.project_id).where(_IS_WANTED).distinct()

_KEYS: dict[Sort, tuple[ColumnElement[Any], ...]] = {
    Sort.NEWEST: (projects.c.created_at, projects.c.id),
    Sort.VIEWS: (project_counters.c.views, project_counters.c.project_id),
    Sort.POPULAR: (project_counters.c.bookmarks, project_counters.c.project_id),
}

_PROJECT = _CARDS.add_columns(
    projects.c.content,
    projects.c.content_html,
    projects.c.repository_url,
    projects.c.revision,
).where(projects.c.id == bindparam("id"))

_TEXTS = (
    select(projects.c.id, projects.c.content, projects.c.content_html)
    .order_by(projects.c.id)
    .limit(limit_param("most"))
)
_TEXTS_AFTER = _TEXTS.where(projects.c.id > bindparam("after", type_=projects.c.id.type))

_BOOKMARKED_BY = KeysetQuery(
    _CARDS.select_from(
        _CARD_TABLES.join(bookmarks, bookmarks.c.project_id == projects.c.id)
    ).where(bookmarks.c.user_id == bindparam("owner")),
    (bookmarks.c.created_at, bookmarks.c.project_id),
    descending=True,
)
_BOOKMARKS_OF = select(func.count()).where(bookmarks.c.user_id == bindparam("owner"))

_COMMENTS = select(comments, users.c.username, IMAGE_OF_USER).select_from(
    comments.join(users, users.c.id == comments.c.author_id)
)
_COMMENTS_OF = KeysetQuery(
    _COMMENTS.where(comments.c.project_id == bindparam("project")),
    (comments.c.created_at, comments.c.id),
    descending=False,
)
_COMMENT = _COMMENTS.where(comments.c.id == bindparam("id"))
_COUNTERS = select(project_counters).where(project_counters.c.project_id == bindparam("id"))

_CIRCLES = (
    select(
        projects.c.id,
        (
            func.row_number().over(partition_by=projects.c.author_id, order_by=projects.c.id) - 1
        ).label("place"),
        func.count().over(partition_by=projects.c.author_id).label("number"),
    )
    .join(users, users.c.id == projects.c.author_id)
    .where(projects.c.author_id.in_(bindparam("authors", expanding=True)), users.c.is_active)
    .subquery()
)
_STEPS = (
    _CIRCLES.c.place + _CIRCLES.c.number - bindparam("first", type_=Integer) % _CIRCLES.c.number
) % _CIRCLES.c.number
"""How far a project is from where its author's hand begins."""

_HANDS = (
    _CARDS.select_from(_CARD_TABLES.join(_CIRCLES, _CIRCLES.c.id == projects.c.id))
    .where(bindparam("most", type_=Integer) > _STEPS)
    .order_by(projects.c.author_id, _STEPS)
)
_POPULAR = (
    _CARDS.where(projects.c.author_id != bindparam("viewer"), users.c.is_active)
    .order_by(*(column.desc() for column in _KEYS[Sort.POPULAR]))
    .limit(limit_param("most"))
)


class SqlBoardReader:
    """See `sidepro.domain.projects.ports.BoardReader` and, for the last two methods,
    `sidepro.domain.recommendations.ports.RecommendationReader`.
    """

    def __init__(
        self,
        database: Source,
        catalogue: CatalogueCache,
        images: ImageUrls,
        ways: AccessPathPlanner | None = None,
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._images = images
        self._ways = ways or AccessPathPlanner(database)

    async def board(
        self, query: BoardQuery, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        numbered = await self._catalogue.current(self._database)
        choice = await self._choice(query, numbered, page.limit + 1)
        shape, parameters = _asked(query, choice)
        parameters["viewer"] = viewer
        if choice.fallback is not None:
            far = self._ways.place(query.sort, page.cursor, choice.steps)
            if far is not None:
                walked = _board(shape, query.sort)
                rows = await walked.bounded_page(self._database, page, parameters, far)
                if rows is not None:
                    return self._cards(rows, numbered, viewer)
                shape, parameters = _asked(query, choice._replace(path=choice.fallback))
                parameters["viewer"] = viewer
        return await self._card_page(_board(shape, query.sort), page, parameters)

    async def board_size(self, query: BoardQuery) -> int:
        numbered = await self._catalogue.current(self._database)
        shape, parameters = _asked(query, await self._choice(query, numbered))
        (row,) = await self._database.fetch(_size(shape), parameters)
        return int(row[0])

    async def bookmarked_by(
        self, user_id: UserId, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        parameters = {"viewer": viewer, "owner": user_id}
        return await self._card_page(_BOOKMARKED_BY, page, parameters)

    async def bookmarks_of(self, user_id: UserId) -> int:
        (row,) = await self._database.fetch(_BOOKMARKS_OF, {"owner": user_id})
        return int(row[0])

    async def project(self, project_id: ProjectId, viewer: UserId | None) -> ProjectView | None:
        parameters = {"id": project_id, "viewer": viewer}
        row = await self._database.fetch_one(_PROJECT, parameters)
        if row is None:
            return None
        numbered = await self._catalogue.current(self._database)
        return ProjectView(
            card=self._card(row, numbered, viewer),
            content=row.content,
            content_html=self._images.in_html(row.content_html),
            repository_url=row.repository_url,
            revision=row.revision,
        )

    async def texts(self, after: ProjectId | None, limit: int) -> tuple[StoredMarkdown, ...]:
        statement = _TEXTS if after is None else _TEXTS_AFTER
        rows = await self._database.fetch(statement, {"after": after, "most": limit})
        return tuple(StoredMarkdown(row.id, row.content, row.content_html) for row in rows)

    async def comments(self, project_id: ProjectId, page: PageRequest) -> Page[CommentView]:
        rows = await _COMMENTS_OF.page(self._database, page, {"project": project_id})
        return Page(tuple(self._comment(row) for row in rows.items), rows.next, rows.previous)

    async def comment(self, comment_id: CommentId) -> CommentView | None:
        row = await self._database.fetch_one(_COMMENT, {"id": comment_id})
        return None if row is None else self._comment(row)

    async def counters(self, project_id: ProjectId) -> Counters | None:
        row = await self._database.fetch_one(_COUNTERS, {"id": project_id})
        return None if row is None else Counters(row.views, row.bookmarks, row.comments)

    async def projects_by_author(
        self, authors: Collection[UserId], viewer: UserId, *, most: int, first: int
    ) -> Mapping[UserId, tuple[ProjectCard, ...]]:
        numbered = await self._catalogue.current(self._database)
        parameters = {"authors": list(authors), "viewer": viewer, "most": most, "first": first}
        rows = await self._database.fetch(_HANDS, parameters)
        return {
            author: tuple(self._card(row, numbered, viewer) for row in hand)
            for author, hand in groupby(rows, key=attrgetter("author_id"))
        }

    async def popular(self, viewer: UserId, limit: int) -> tuple[ProjectCard, ...]:
        numbered = await self._catalogue.current(self._database)
        rows = await self._database.fetch(_POPULAR, {"viewer": viewer, "most": limit})
        return tuple(self._card(row, numbered, viewer) for row in rows)

    async def _card_page(
        self, listing: KeysetQuery, page: PageRequest, parameters: Mapping[str, Any]
    ) -> Page[ProjectCard]:
        numbered = await self._catalogue.current(self._database)
        rows = await listing.page(self._database, page, parameters)
        return self._cards(rows, numbered, parameters["viewer"])

    def _cards(
        self, rows: Page[Row], numbered: CatalogueIds, viewer: UserId | None
    ) -> Page[ProjectCard]:
        cards = tuple(self._card(row, numbered, viewer) for row in rows.items)
        return Page(cards, rows.next, rows.previous)

    async def _choice(
        self, query: BoardQuery, numbered: CatalogueIds, rows: float = float("inf")
    ) -> Plan:
        """How so many rows are found soonest."""
        skills = tuple(numbered.skill_ids[name] for name in query.skills)
        # An author has few projects: the rest is looked for among them.
        if query.author is not None or (query.text is None and not skills):
            return Plan(AccessPath.SCAN, skills)
        return await self._ways.shortest(FilterSpec(query.text, skills, query.all_skills), rows)

    def _card(self, row: Row, numbered: CatalogueIds, viewer: UserId | None) -> ProjectCard:
        return ProjectCard(
            id=row.id,
            title=row.title,
            summary=row.summary,
            skills=numbered.skills_of_list(row.skill_ids),
            thumbnail_url=self._images.url(row.thumbnail_key),
            author=self._author(row),
            view_count=row.views,
            bookmark_count=row.bookmarks,
            comment_count=row.comments,
            bookmarked=None if viewer is None else bool(row.bookmarked),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    def _comment(self, row: Row) -> CommentView:
        return CommentView(
            id=row.id,
            author=self._author(row),
            body=row.body,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    def _author(self, row: Row) -> UserSummary:
        return UserSummary(row.author_id, row.username, self._images.url(row.image_key))


def _asked(query: BoardQuery, choice: Plan) -> tuple["Shape", dict[str, Any]]:
    """The shape of the statement that finds projects so, and its parameters."""
    skills = choice.skills
    parameters: dict[str, Any] = {}
    is_found = False
    if query.text is not None:
        is_found = choice.path is AccessPath.TEXT and len(query.text) <= MAX_NGRAM
        parameters |= {"text": query.text, "grams": query_ngrams(query.text)}
    if query.author is not None:
        parameters["author"] = query.author
    if skills:
        parameters |= {"skills": list(skills), "rarest": skills[0], "number": len(set(skills))}
    return Shape(
        path=choice.path,
        looks=query.text is not None and not is_found,
        author=query.author is not None,
        skills=bool(skills),
        every=query.all_skills and len(skills) > 1,
    ), parameters


class Shape(NamedTuple):
    """How a board statement finds projects: which way; whether it looks at their texts too (one
    gram says all about a short one); an author; skills, and whether all of several.
    """

    path: AccessPath
    looks: bool
    author: bool
    skills: bool
    every: bool


def _search(shape: Shape) -> Select[Any] | None:
    """What an index finds; `None` where the list is walked."""
    if shape.path is AccessPath.SCAN:
        return None
    if shape.path is AccessPath.TEXT:
        return _WITH_TEXT
    return _with_skills(shape)


def _with_skills(shape: Shape) -> Select[Any]:
    return _WITH_EVERY_SKILL if shape.every else _WITH_A_SKILL


def _found(search: Select[Any]) -> CTE:
    """What an index finds, before all else, whatever the planner may think of the rest."""
    return search.cte("found").prefix_with("MATERIALIZED")


def _place(search: Select[Any], way: AccessPath, sort: Sort) -> ColumnElement[Any]:
    """Where in the list what was found is. It is looked up for each: PostgreSQL would rather read
    through the counters of all projects to join them with a few.
    """
    if way is AccessPath.TEXT and sort is Sort.NEWEST:
        return project_search.c.created_at
    column, project_id = _KEYS[sort]
    found_id = search.selected_columns["project_id"]
    return select(column).where(project_id == found_id).correlate(found_id.table).scalar_subquery()


def _wanted_skills(project_id: ColumnElement[Any]) -> ColumnElement[int]:
    """How many of the wanted skills a project has.

    Compared as a number and not by EXISTS, which PostgreSQL would make a join of, in an order of
    its own that no full page ends.
    """
    wanted = select(func.count()).where(project_skills.c.project_id == project_id, _IS_WANTED)
    return wanted.correlate(project_id.table).scalar_subquery()


# By the one that few have.
_RAREST = project_skills.alias("rarest")
_WITH_EVERY_SKILL = select(_RAREST.c.project_id).where(
    _RAREST.c.skill_id == bindparam("rarest"),
    _wanted_skills(_RAREST.c.project_id) >= bindparam("number"),
)


def _filtered(rows: Select[Any], shape: Shape, project_id: ColumnElement[Any]) -> Select[Any]:
    """Those rows whose project, of this id, is wanted, where the way does not tell already."""
    if (shape.looks or shape.author) and project_id is not projects.c.id:
        rows = rows.join(projects, projects.c.id == project_id)
    if shape.looks:
        rows = rows.where(contains(projects.c.search_text, bindparam("text")))
    if shape.author:
        rows = rows.where(projects.c.author_id == bindparam("author"))
    if shape.skills and shape.path is not AccessPath.SKILLS:
        least = bindparam("number", type_=Integer) if shape.every else literal(1)
        rows = rows.where(_wanted_skills(project_id) >= least)
    return rows


@lru_cache(maxsize=512)
def _board(shape: Shape, sort: Sort) -> KeysetQuery:
    def cards_of(hits: Subquery) -> Select[Any]:
        return _CARDS.select_from(_CARD_TABLES.join(hits, hits.c.project_id == projects.c.id))

    def wanted_of(hits: Subquery) -> Select[Any]:
        return _filtered(cards_of(hits), shape, projects.c.id)

    search = _search(shape)
    if search is not None:
        place = _place(search, shape.path, sort).label("place")
        found = _found(search.add_columns(place))
        return KeysetQuery(
            select(found.c.project_id),
            (found.c.place, found.c.project_id),
            descending=True,
            looked_up=wanted_of,
            all_fit=False,
        )
    key = _KEYS[sort]
    rows = select(key[-1].label("project_id"))
    wanted = _filtered(rows, shape, key[-1])
    if wanted is rows:
        return KeysetQuery(_CARDS, key, descending=True, bare=rows)
    return KeysetQuery(wanted, key, descending=True, looked_up=cards_of)


@lru_cache(maxsize=512)
def _size(shape: Shape) -> Select[Any]:
    search = _search(shape)
    # What was found is there: without more to be looked at, it is counted by itself.
    counted = None if search is None else _found(search)
    project_id = projects.c.id if counted is None else counted.c.project_id
    rows = select(project_id)
    if shape.path is AccessPath.TEXT and shape.skills:
        # All of them have to be found: a join of two indexes is the quickest.
        rows = rows.where(project_id.in_(_with_skills(shape)))
        shape = shape._replace(skills=False)
    rows = _filtered(rows, shape, project_id)
    return rows.with_only_columns(func.count(), maintain_column_froms=True)

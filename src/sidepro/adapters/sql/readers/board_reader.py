"""The board, project pages and comments as views. Each list takes one set-based statement."""

from typing import Any

from sqlalchemy import Integer, bindparam, func, select

from sidepro.adapters.sql.catalogue_ids import CatalogueCache, CatalogueIds
from sidepro.adapters.sql.engine.compiled_query import Row, limit_param
from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.engine.keyset import KeysetQuery
from sidepro.adapters.sql.repositories.board.projects import load_counters
from sidepro.adapters.sql.schema.expressions import (
    IMAGE_OF_USER,
    VIEWER,
    comment_visible_to,
    in_contact,
    visible_to,
)
from sidepro.adapters.sql.schema.moderation_tables import withheld_images
from sidepro.adapters.sql.schema.tables import (
    bookmarks,
    comments,
    images,
    project_counters,
    project_images,
    projects,
    users,
)
from sidepro.adapters.sql.search.access_paths import AccessPathPlanner, Plan
from sidepro.adapters.sql.search.board_query import count_query, page_query
from sidepro.adapters.sql.search.filters import filters_of
from sidepro.adapters.sql.search.project_cards import (
    CARD_TABLES,
    CARDS,
    author_summary,
    project_card,
)
from sidepro.domain.ids import CommentId, ProjectId, UserId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.projects.ports import Counters, StoredMarkdown
from sidepro.domain.projects.views import (
    BoardQuery,
    CommentOrder,
    CommentView,
    ProjectAddress,
    ProjectCard,
    ProjectView,
)
from sidepro.domain.visibility import Visibility

_PROJECT = CARDS.add_columns(
    projects.c.content,
    projects.c.content_html,
    projects.c.repository_url,
    projects.c.revision,
).where(projects.c.id == bindparam("id"))

_TEXTS = (
    select(projects.c.id, projects.c.content, projects.c.content_html)
    .order_by(projects.c.id)
    .limit(limit_param("limit"))
)
_TEXTS_AFTER = _TEXTS.where(projects.c.id > bindparam("after", type_=projects.c.id.type))

_ADDRESSES = (
    select(projects.c.id, projects.c.updated_at)
    .where(visible_to(VIEWER, projects.c.id))
    .order_by(projects.c.id)
    .limit(limit_param("limit"))
)
_ADDRESSES_AFTER = _ADDRESSES.where(projects.c.id > bindparam("after", type_=projects.c.id.type))
_NUMBERED = (
    select(projects.c.id, func.row_number().over(order_by=projects.c.id).label("number"))
    .where(visible_to(VIEWER, projects.c.id))
    .subquery()
)
_PART_ENDS = (
    select(_NUMBERED.c.id)
    .where(_NUMBERED.c.number % bindparam("size", type_=Integer) == 0)
    .order_by(_NUMBERED.c.id)
)

_BOOKMARKED_BY = KeysetQuery(
    CARDS.select_from(CARD_TABLES.join(bookmarks, bookmarks.c.project_id == projects.c.id)).where(
        bookmarks.c.user_id == bindparam("owner")
    ),
    (bookmarks.c.created_at, bookmarks.c.project_id),
    descending=True,
)
_BOOKMARK_COUNT = select(func.count()).where(
    bookmarks.c.user_id == bindparam("owner"), visible_to(VIEWER, bookmarks.c.project_id)
)

_COMMENTS = (
    select(comments, users.c.username, IMAGE_OF_USER)
    .select_from(comments.join(users, users.c.id == comments.c.author_id))
    .where(
        visible_to(VIEWER, comments.c.project_id),
        comment_visible_to(VIEWER),
        in_contact(comments.c.author_id),
    )
)
_COMMENTS_OF_PROJECT = _COMMENTS.where(comments.c.project_id == bindparam("project"))
_COMMENT_PAGES = {
    order: KeysetQuery(
        _COMMENTS_OF_PROJECT,
        (comments.c.created_at, comments.c.id),
        descending=order is CommentOrder.NEWEST,
    )
    for order in CommentOrder
}
_COMMENT = _COMMENTS_OF_PROJECT.where(comments.c.id == bindparam("id"))
_WITHHELD_NAMES = (
    select(images.c.key, withheld_images.c.name)
    .join(withheld_images, withheld_images.c.image_id == images.c.id)
    .join(project_images, project_images.c.image_id == images.c.id)
    .where(project_images.c.project_id == bindparam("id"))
)
_COUNTERS = select(project_counters).where(
    project_counters.c.project_id == bindparam("id"),
    visible_to(VIEWER, project_counters.c.project_id),
)


class SqlBoardReader:
    """See `sidepro.domain.projects.ports.BoardReader`."""

    def __init__(
        self,
        database: Source,
        catalogue: CatalogueCache,
        images: ImageUrls,
        planner: AccessPathPlanner | None = None,
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._images = images
        self._planner = planner or AccessPathPlanner(database)

    async def board(
        self, query: BoardQuery, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        catalogue = await self._catalogue.current(self._database)
        filters = filters_of(query, catalogue.skill_ids)
        plan = await self._planner.plan(filters, page.limit + 1)
        parameters = {"viewer": viewer, **_parameters(plan)}
        kinds = tuple(one.sql for one in plan.filters)
        path = plan.path
        if plan.fallback is not None:
            bound = self._planner.scan_bound(query.sort, page.cursor, plan.steps)
            if bound is not None:
                scan = page_query(kinds, path, query.sort)
                rows = await scan.bounded_page(self._database, page, parameters, bound)
                if rows is not None:
                    return self._cards(rows, catalogue, viewer)
                path = plan.fallback
        rows = await page_query(kinds, path, query.sort).page(self._database, page, parameters)
        return self._cards(rows, catalogue, viewer)

    async def board_size(self, query: BoardQuery, viewer: UserId | None) -> int:
        catalogue = await self._catalogue.current(self._database)
        plan = await self._planner.plan(filters_of(query, catalogue.skill_ids))
        statement = count_query(tuple(one.sql for one in plan.filters), plan.path)
        (row,) = await self._database.fetch(statement, {"viewer": viewer, **_parameters(plan)})
        return int(row[0])

    async def bookmarked_by(
        self, user_id: UserId, page: PageRequest, viewer: UserId | None
    ) -> Page[ProjectCard]:
        catalogue = await self._catalogue.current(self._database)
        parameters = {"viewer": viewer, "owner": user_id}
        rows = await _BOOKMARKED_BY.page(self._database, page, parameters)
        return self._cards(rows, catalogue, viewer)

    async def bookmarks_of(self, user_id: UserId, viewer: UserId | None) -> int:
        parameters = {"viewer": viewer, "owner": user_id}
        (row,) = await self._database.fetch(_BOOKMARK_COUNT, parameters)
        return int(row[0])

    async def project(self, project_id: ProjectId, viewer: UserId | None) -> ProjectView | None:
        parameters = {"id": project_id, "viewer": viewer}
        row = await self._database.fetch_one(_PROJECT, parameters)
        if row is None:
            return None
        catalogue = await self._catalogue.current(self._database)
        names = {}
        if row.hidden:
            found = await self._database.fetch(_WITHHELD_NAMES, {"id": project_id})
            names = {one.key: one.name for one in found}
        return ProjectView(
            card=project_card(row, catalogue, self._images, viewer),
            content=row.content,
            content_html=self._images.in_html(row.content_html, names),
            repository_url=row.repository_url,
            revision=row.revision,
        )

    async def texts(self, after: ProjectId | None, limit: int) -> tuple[StoredMarkdown, ...]:
        statement = _TEXTS if after is None else _TEXTS_AFTER
        rows = await self._database.fetch(statement, {"after": after, "limit": limit})
        return tuple(StoredMarkdown(row.id, row.content, row.content_html) for row in rows)

    async def addresses(
        self, after: ProjectId | None, limit: int, viewer: UserId | None
    ) -> tuple[ProjectAddress, ...]:
        statement = _ADDRESSES if after is None else _ADDRESSES_AFTER
        parameters = {"after": after, "limit": limit, "viewer": viewer}
        rows = await self._database.fetch(statement, parameters)
        return tuple(ProjectAddress(row.id, row.updated_at) for row in rows)

    async def part_ends(self, size: int, viewer: UserId | None) -> tuple[ProjectId, ...]:
        rows = await self._database.fetch(_PART_ENDS, {"size": size, "viewer": viewer})
        return tuple(row.id for row in rows)

    async def comments(
        self,
        project_id: ProjectId,
        page: PageRequest,
        viewer: UserId | None,
        order: CommentOrder = CommentOrder.OLDEST,
    ) -> Page[CommentView]:
        pages = _COMMENT_PAGES[order]
        parameters = {"project": project_id, "viewer": viewer}
        rows = await pages.page(self._database, page, parameters)
        return Page(tuple(self._comment(row) for row in rows.items), rows.next, rows.previous)

    async def comment(
        self, project_id: ProjectId, comment_id: CommentId, viewer: UserId | None
    ) -> CommentView | None:
        parameters = {"project": project_id, "id": comment_id, "viewer": viewer}
        row = await self._database.fetch_one(_COMMENT, parameters)
        return None if row is None else self._comment(row)

    async def counters(self, project_id: ProjectId, viewer: UserId | None) -> Counters | None:
        row = await self._database.fetch_one(_COUNTERS, {"id": project_id, "viewer": viewer})
        return None if row is None else load_counters(row)

    def _cards(
        self, rows: Page[Row], catalogue: CatalogueIds, viewer: UserId | None
    ) -> Page[ProjectCard]:
        cards = tuple(project_card(row, catalogue, self._images, viewer) for row in rows.items)
        return Page(cards, rows.next, rows.previous)

    def _comment(self, row: Row) -> CommentView:
        return CommentView(
            id=row.id,
            author=author_summary(row, self._images),
            body=row.body,
            created_at=row.created_at,
            updated_at=row.updated_at,
            hidden=row.visibility is not Visibility.VISIBLE,
        )


def _parameters(plan: Plan) -> dict[str, Any]:
    return {name: value for one in plan.filters for name, value in one.parameters.items()}

"""Projects to recommend, in SQL."""

from collections.abc import Collection, Mapping
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Integer, bindparam, func, select

from sidepro.adapters.sql.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.engine.compiled_query import limit_param
from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.schema.expressions import VIEWER, in_contact, visible_to
from sidepro.adapters.sql.schema.tables import projects, users
from sidepro.adapters.sql.search.board_query import SORT_KEYS
from sidepro.adapters.sql.search.project_cards import CARD_TABLES, CARDS, project_card
from sidepro.domain.ids import UserId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.projects.views import ProjectCard, Sort

_NUMBERED = (
    select(
        projects.c.id,
        (
            func.row_number().over(partition_by=projects.c.author_id, order_by=projects.c.id) - 1
        ).label("index"),
        func.count().over(partition_by=projects.c.author_id).label("total"),
    )
    .join(users, users.c.id == projects.c.author_id)
    .where(
        projects.c.author_id.in_(bindparam("authors", expanding=True)),
        users.c.is_active,
        visible_to(VIEWER, projects.c.id),
        in_contact(projects.c.author_id),
    )
    .subquery()
)
"""Each author's projects, numbered from 0."""

_DISTANCE = (
    _NUMBERED.c.index + _NUMBERED.c.total - bindparam("first", type_=Integer) % _NUMBERED.c.total
) % _NUMBERED.c.total
"""A project's distance from its author's project at index `first`, on a ring."""

_BY_AUTHOR = (
    CARDS.select_from(CARD_TABLES.join(_NUMBERED, _NUMBERED.c.id == projects.c.id))
    .where(bindparam("most", type_=Integer) > _DISTANCE)
    .order_by(projects.c.author_id, _DISTANCE)
)
_POPULAR = (
    CARDS.where(
        projects.c.author_id != VIEWER, users.c.is_active, in_contact(projects.c.author_id)
    )
    .order_by(*(column.desc() for column in SORT_KEYS[Sort.POPULAR]))
    .limit(limit_param("most"))
)


class SqlRecommendationReader:
    """See `sidepro.domain.recommendations.ports.RecommendationReader`."""

    def __init__(self, database: Source, catalogue: CatalogueCache, images: ImageUrls) -> None:
        self._database = database
        self._catalogue = catalogue
        self._images = images

    async def projects_by_author(
        self, authors: Collection[UserId], viewer: UserId, *, most: int, first: int
    ) -> Mapping[UserId, tuple[ProjectCard, ...]]:
        catalogue = await self._catalogue.current(self._database)
        parameters = {"authors": list(authors), "viewer": viewer, "most": most, "first": first}
        rows = await self._database.fetch(_BY_AUTHOR, parameters)
        return {
            author: tuple(project_card(row, catalogue, self._images, viewer) for row in group)
            for author, group in groupby(rows, key=attrgetter("author_id"))
        }

    async def popular(self, viewer: UserId, limit: int) -> tuple[ProjectCard, ...]:
        catalogue = await self._catalogue.current(self._database)
        rows = await self._database.fetch(_POPULAR, {"viewer": viewer, "most": limit})
        return tuple(project_card(row, catalogue, self._images, viewer) for row in rows)

"""The board's statements: a page and the number of projects, for each combination of filters,
access path and order.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, Subquery, func, select

from sidepro.adapters.sql.engine.keyset import KeysetQuery
from sidepro.adapters.sql.schema.expressions import VIEWER, visible_to
from sidepro.adapters.sql.schema.tables import project_counters, projects
from sidepro.adapters.sql.search.access_paths import SCAN, AccessPath
from sidepro.adapters.sql.search.filters import FilterSql
from sidepro.adapters.sql.search.project_cards import CARD_TABLES, CARDS
from sidepro.domain.projects.views import Sort

Filters = tuple[FilterSql, ...]

SORT_KEYS: dict[Sort, tuple[ColumnElement[Any], ColumnElement[Any]]] = {
    Sort.NEWEST: (projects.c.created_at, projects.c.id),
    Sort.VIEWS: (project_counters.c.views, project_counters.c.project_id),
    Sort.POPULAR: (project_counters.c.bookmarks, project_counters.c.project_id),
    Sort.TRENDING: (project_counters.c.trending, project_counters.c.project_id),
}


@lru_cache(maxsize=512)
def page_query(filters: Filters, path: AccessPath, sort: Sort) -> KeysetQuery:
    """The cards that pass the filters, in order."""

    def cards_of(hits: Subquery) -> Select[Any]:
        return CARDS.select_from(CARD_TABLES.join(hits, hits.c.project_id == projects.c.id))

    def matching_cards_of(hits: Subquery) -> Select[Any]:
        return _filtered(cards_of(hits), filters, path, projects.c.id)

    if path is not SCAN:
        index = _index_of(path)
        found = _materialized(index.add_columns(_sort_key(index, path, sort).label("sort_key")))
        return KeysetQuery(
            select(found.c.project_id),
            (found.c.sort_key, found.c.project_id),
            descending=True,
            details=matching_cards_of,
            details_filter=True,
        )
    key = SORT_KEYS[sort]
    rows = select(key[-1].label("project_id")).where(visible_to(VIEWER, key[-1]))
    if not filters:
        return KeysetQuery(CARDS, key, descending=True, minimal=rows)
    matching = _filtered(rows, filters, path, key[-1])
    return KeysetQuery(matching, key, descending=True, details=cards_of)


@lru_cache(maxsize=512)
def count_query(filters: Filters, path: AccessPath) -> Select[Any]:
    """The number of projects that pass the filters."""
    if path is SCAN:
        project_id: ColumnElement[Any] = projects.c.id
    else:
        project_id = _materialized(_index_of(path)).c.project_id
    rows = select(project_id).where(visible_to(VIEWER, project_id))
    if path is not SCAN:
        # All hits of both indexes are needed: joining them is fastest.
        joined = [one for one in filters if one is not path and one.counts_by_index]
        for one in joined:
            rows = rows.where(project_id.in_(_index_of(one)))
        filters = tuple(one for one in filters if one not in joined)
    rows = _filtered(rows, filters, path, project_id)
    return rows.with_only_columns(func.count(), maintain_column_froms=True)


def _index_of(sql: FilterSql) -> Select[Any]:
    assert sql.index is not None, "a path is a filter that has an index"  # noqa: S101
    return sql.index


def _materialized(index: Select[Any]) -> CTE:
    """The rows of the index, read first. The planner cannot reorder them."""
    return index.cte("found").prefix_with("MATERIALIZED")


def _sort_key(index: Select[Any], path: FilterSql, sort: Sort) -> ColumnElement[Any]:
    """The sort key of a hit. If the index's table lacks it, a subquery looks it up: for a join
    PostgreSQL would read the counters of all projects.
    """
    if sort in path.index_keys:
        return path.index_keys[sort]
    column, project_id = SORT_KEYS[sort]
    found_id = index.selected_columns["project_id"]
    return select(column).where(project_id == found_id).correlate(found_id.table).scalar_subquery()


def _filtered(
    rows: Select[Any], filters: Filters, path: AccessPath, project_id: ColumnElement[Any]
) -> Select[Any]:
    """The rows whose project passes the filters that the access path has not checked."""
    unchecked = [one for one in filters if one is not path or not one.is_exact]
    if project_id is not projects.c.id and any(one.needs_projects for one in unchecked):
        rows = rows.join(projects, projects.c.id == project_id)
    return rows.where(*(one.condition(project_id) for one in unchecked))

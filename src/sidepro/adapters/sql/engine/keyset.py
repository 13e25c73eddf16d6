"""Keyset pagination: a page begins at a sort key, so that all depths cost the same."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Subquery,
    bindparam,
    literal_column,
    select,
    true,
    tuple_,
)

from sidepro.adapters.sql.engine.compiled_query import Row, limit_param
from sidepro.adapters.sql.engine.database import Source
from sidepro.domain.pagination import Page, PageRequest, SortKey, build_page

_ONE: ColumnElement[int] = literal_column("1", Integer)


class KeysetQuery:
    """A list with pages in both directions.

    `rows` selects the list's rows, unordered. `key` is its sort key, most significant column
    first. The last column is unique. `minimal` selects the same rows from the fewest tables, to
    check whether there are any.

    With `details`, `rows` selects hits, which are ordered by their key alone, and `details` turns
    a page of hits into the list's rows. With `details_filter` it also drops some hits: then hits
    are looked up until a page is full.
    """

    def __init__(
        self,
        rows: Select[Any],
        key: Sequence[ColumnElement[Any]],
        *,
        descending: bool,
        minimal: Select[Any] | None = None,
        details: Callable[[Subquery], Select[Any]] | None = None,
        details_filter: bool = False,
    ) -> None:
        self._key = tuple(key)
        self._descending = descending
        self._details = details
        self._details_filter = details_filter
        self._rows, self._minimal = (
            each.add_columns(
                *(column.label(f"key_{index}") for index, column in enumerate(self._key))
            )
            for each in (rows, rows if minimal is None else minimal)
        )
        self._after, self._bound = (
            tuple_(
                *(
                    bindparam(f"{name}_{index}", type_=column.type)
                    for index, column in enumerate(self._key)
                )
            )
            for name in ("after", "bound")
        )
        self._pages: dict[tuple[bool, bool, bool], Select[Any]] = {}

    async def page(
        self, database: Source, request: PageRequest, parameters: Mapping[str, Any]
    ) -> Page[Row]:
        """The rows of a page, from one statement."""
        rows = await self._rows_of(database, request, parameters, None)
        return self._page(request, rows)

    async def bounded_page(
        self,
        database: Source,
        request: PageRequest,
        parameters: Mapping[str, Any],
        scan_bound: SortKey,
    ) -> Page[Row] | None:
        """As `page`, if a full page lies before the bound; otherwise `None`."""
        rows = await self._rows_of(database, request, parameters, scan_bound)
        return self._page(request, rows) if len(rows) > request.limit else None

    async def _rows_of(
        self,
        database: Source,
        request: PageRequest,
        parameters: Mapping[str, Any],
        scan_bound: SortKey | None,
    ) -> list[Row]:
        after = request.cursor.after
        values = {**parameters, "page_rows": request.limit + 1}
        for name, key in (("after", after), ("bound", scan_bound)):
            values |= {f"{name}_{index}": member for index, member in enumerate(key or ())}
        shape = (request.cursor.reverse, after is not None, scan_bound is not None)
        if shape not in self._pages:
            self._pages[shape] = self._statement(*shape)
        return await database.fetch(self._pages[shape], values)

    def _key_of(self, row: Row) -> SortKey:
        return tuple(getattr(row, f"key_{index}") for index in range(len(self._key)))

    def _page(self, request: PageRequest, rows: list[Row]) -> Page[Row]:
        if request.cursor.after is None:
            return build_page(rows, request, beyond=False, key=self._key_of)
        # There is always at least one row, which carries `beyond`.
        found = [row for row in rows if row.key_0 is not None]
        return build_page(found, request, beyond=rows[0].beyond, key=self._key_of)

    def _statement(self, reverse: bool, has_start: bool, bounded: bool) -> Select[Any]:
        key, descending = tuple_(*self._key), self._descending != reverse
        rows = self._rows
        if bounded:
            rows = rows.where(key >= self._bound if descending else key <= self._bound)
        if not has_start:
            return self._in_order(rows, reverse, limit_param("page_rows"))
        ahead, behind = (
            (key < self._after, key >= self._after)
            if descending
            else (key > self._after, key <= self._after)
        )
        page = self._in_order(rows.where(ahead), reverse, limit_param("page_rows"))
        # An outer join: `beyond` is needed for an empty page too, without a second statement.
        beyond = select(self._exists(self._minimal.where(behind), not reverse).label("beyond"))
        right, left = page.subquery("page"), beyond.subquery("other_side")
        both = select(*right.c, left.c.beyond).select_from(left.outerjoin(right, true()))
        return self._ordered(both, self._key_in(right), reverse)

    def _in_order(
        self, rows: Select[Any], reverse: bool, limit: ColumnElement[int]
    ) -> Select[Any]:
        rows = self._ordered(rows, self._key, reverse)
        if self._details is None:
            return rows.limit(limit)
        if not self._details_filter:
            rows = rows.limit(limit)
        hits = rows.subquery("hits")
        key = self._key_in(hits)
        found = self._details(hits).add_columns(*key)
        return self._ordered(found, key, reverse).limit(limit)

    def _key_in(self, found: Subquery) -> list[ColumnElement[Any]]:
        return [found.c[f"key_{index}"] for index in range(len(self._key))]

    def _ordered(
        self, rows: Select[Any], key: Sequence[ColumnElement[Any]], reverse: bool
    ) -> Select[Any]:
        descending = self._descending != reverse
        return rows.order_by(*(one.desc() if descending else one.asc() for one in key))

    def _exists(self, rows: Select[Any], reverse: bool) -> ColumnElement[bool]:
        # EXISTS ignores the order: PostgreSQL would read the table from its beginning to the first
        # match, possibly half of it.
        if not self._details_filter:
            nearest = self._ordered(rows, self._key, reverse).limit(_ONE)
        else:
            nearest = self._in_order(rows, reverse, _ONE)
        nearest = nearest.with_only_columns(_ONE, maintain_column_froms=True)
        return nearest.correlate(None).scalar_subquery().is_not(None)

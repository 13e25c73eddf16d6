"""Keyset pagination in SQL: pages by the place of their first or last row, at any depth alike."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
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
from sidepro.domain.pagination import (
    Page,
    PageRequest,
    SortKey,
    build_page,
)

_ONE: ColumnElement[int] = literal_column("1", Integer)


class KeysetQuery:
    """A list that can be walked in both directions.

    `rows` selects the list's rows without any order; `key` orders it, most significant column
    first, the last one unique. `bare` selects the same rows out of as few tables as tell whether
    there are any.

    With `looked_up`, `rows` selects what is found first, put in order by its key alone, and
    `looked_up` makes rows of it: of as many as a page has where `all_fit`, otherwise of one after
    the other until a page is full, since it leaves some out.
    """

    def __init__(
        self,
        rows: Select[Any],
        key: Sequence[ColumnElement[Any]],
        *,
        descending: bool,
        bare: Select[Any] | None = None,
        looked_up: Callable[[Subquery], Select[Any]] | None = None,
        all_fit: bool = True,
    ) -> None:
        self._key = tuple(key)
        self._descending = descending
        self._looked_up = looked_up
        self._all_fit = all_fit
        self._rows, self._bare = (
            each.add_columns(
                *(column.label(f"key_{index}") for index, column in enumerate(self._key))
            )
            for each in (rows, rows if bare is None else bare)
        )
        self._key_of = attrgetter(*(f"key_{index}" for index in range(len(self._key))))
        self._place, self._far = (
            tuple_(
                *(
                    bindparam(f"{name}_{index}", type_=column.type)
                    for index, column in enumerate(self._key)
                )
            )
            for name in ("place", "far")
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
        """As `page`, if what lies no further than `far` tells it; otherwise `None`."""
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
        for name, place in (("place", after), ("far", scan_bound)):
            values |= {f"{name}_{index}": member for index, member in enumerate(place or ())}
        shape = (request.cursor.reverse, after is not None, scan_bound is not None)
        if shape not in self._pages:
            self._pages[shape] = self._statement(*shape)
        return await database.fetch(self._pages[shape], values)

    def _page(self, request: PageRequest, rows: list[Row]) -> Page[Row]:
        if request.cursor.after is None:
            return build_page(rows, request, beyond=False, key=self._key_of)
        # There is a row in any case, which tells what lies behind.
        found = [row for row in rows if row.key_0 is not None]
        return build_page(found, request, beyond=rows[0].beyond, key=self._key_of)

    def _statement(self, backward: bool, from_place: bool, bounded: bool) -> Select[Any]:
        key, downward = tuple_(*self._key), self._descending != backward
        rows = self._rows
        if bounded:
            rows = rows.where(key >= self._far if downward else key <= self._far)
        if not from_place:
            return self._in_order(rows, backward, limit_param("page_rows"))
        onward, behind = (
            (key < self._place, key >= self._place)
            if downward
            else (key > self._place, key <= self._place)
        )
        page = self._in_order(rows.where(onward), backward, limit_param("page_rows"))
        # Told also where nothing lies ahead, without a statement of its own.
        told = select(self._exists(self._bare.where(behind), not backward).label("beyond"))
        of_page, of_told = page.subquery("page"), told.subquery("told")
        both = select(*of_page.c, of_told.c.beyond).select_from(of_told.outerjoin(of_page, true()))
        return self._ordered(both, self._key_in(of_page), backward)

    def _in_order(
        self, rows: Select[Any], backward: bool, most: ColumnElement[int]
    ) -> Select[Any]:
        rows = self._ordered(rows, self._key, backward)
        if self._looked_up is None:
            return rows.limit(most)
        if self._all_fit:
            rows = rows.limit(most)
        hits = rows.subquery("hits")
        key = self._key_in(hits)
        found = self._looked_up(hits).add_columns(*key)
        return self._ordered(found, key, backward).limit(most)

    def _key_in(self, found: Subquery) -> list[ColumnElement[Any]]:
        return [found.c[f"key_{index}"] for index in range(len(self._key))]

    def _ordered(
        self, rows: Select[Any], key: Sequence[ColumnElement[Any]], backward: bool
    ) -> Select[Any]:
        descending = self._descending != backward
        return rows.order_by(*(one.desc() if descending else one.asc() for one in key))

    def _exists(self, rows: Select[Any], backward: bool) -> ColumnElement[bool]:
        # Not EXISTS, which forgets the order: PostgreSQL would read the table from its beginning
        # up to the first row that will do, and that may be half of it.
        if self._all_fit:
            nearest = self._ordered(rows, self._key, backward).limit(_ONE)
        else:
            nearest = self._in_order(rows, backward, _ONE)
        nearest = nearest.with_only_columns(_ONE, maintain_column_froms=True)
        return nearest.correlate(None).scalar_subquery().is_not(None)

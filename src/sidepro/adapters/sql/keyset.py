"""Keyset pagination in SQL: pages by the place of their first or last row, at any depth alike."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    bindparam,
    literal,
    select,
    tuple_,
)

from sidepro.adapters.sql.database import Source
from sidepro.adapters.sql.fetching import Row
from sidepro.domain.shared import Page, PageRequest, page_of


class Listing:
    """A list that can be walked in both directions.

    `rows` selects the list's rows without any order; `key` orders it, most significant column
    first, the last one unique. `bare` selects the same rows out of as few tables as tell whether
    there are any.
    """

    def __init__(
        self,
        rows: Select[Any],
        key: Sequence[ColumnElement[Any]],
        *,
        descending: bool,
        bare: Select[Any] | None = None,
    ) -> None:
        self._key = tuple(key)
        self._descending = descending
        self._bare = rows if bare is None else bare
        self._rows = rows.add_columns(
            *(column.label(f"key_{index}") for index, column in enumerate(self._key))
        )
        self._key_of = attrgetter(*(f"key_{index}" for index in range(len(self._key))))
        self._place = tuple_(
            *(
                bindparam(f"place_{index}", type_=column.type)
                for index, column in enumerate(self._key)
            )
        )

    async def page(
        self, database: Source, request: PageRequest, parameters: Mapping[str, Any]
    ) -> Page[Row]:
        """The rows of a page. One statement, and a second one only when nothing was found."""
        after, backward = request.cursor.after, request.cursor.backward
        values = {**parameters, "page_rows": request.limit + 1}
        if after is None:
            statement = self._last if backward else self._first
            rows = await database.fetch(statement, values)
            beyond = False
        else:
            values |= {f"place_{index}": member for index, member in enumerate(after)}
            statement = self._before if backward else self._after
            rows = await database.fetch(statement, values)
            beyond = (rows or await database.fetch(self._anything, parameters))[0].beyond
        return page_of(rows, request, beyond=beyond, key=self._key_of)

    @cached_property
    def _first(self) -> Select[Any]:
        return self._ordered(self._rows, backward=False)

    @cached_property
    def _last(self) -> Select[Any]:
        return self._ordered(self._rows, backward=True)

    @cached_property
    def _after(self) -> Select[Any]:
        return self._from_place(backward=False)

    @cached_property
    def _before(self) -> Select[Any]:
        return self._from_place(backward=True)

    @cached_property
    def _anything(self) -> Select[Any]:
        return select(self._exists(self._bare, backward=False).label("beyond"))

    def _from_place(self, *, backward: bool) -> Select[Any]:
        key = tuple_(*self._key)
        if self._descending != backward:
            onward, behind = key < self._place, key >= self._place
        else:
            onward, behind = key > self._place, key <= self._place
        beyond = self._exists(self._bare.where(behind), backward=not backward).label("beyond")
        return self._ordered(self._rows.where(onward).add_columns(beyond), backward=backward)

    def _ordered(self, rows: Select[Any], *, backward: bool) -> Select[Any]:
        return rows.order_by(*self._order(backward)).limit(bindparam("page_rows", type_=Integer))

    def _order(self, backward: bool) -> list[ColumnElement[Any]]:
        descending = self._descending != backward
        return [column.desc() if descending else column.asc() for column in self._key]

    def _exists(self, rows: Select[Any], *, backward: bool) -> ColumnElement[bool]:
        # Not EXISTS, which forgets the order: PostgreSQL would read the table from its beginning
        # up to the first row that will do, and that may be half of it.
        nearest = rows.with_only_columns(literal(1), maintain_column_froms=True)
        nearest = nearest.order_by(*self._order(backward)).limit(literal(1)).correlate(None)
        return nearest.scalar_subquery().is_not(None)

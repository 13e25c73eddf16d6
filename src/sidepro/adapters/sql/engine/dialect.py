"""SQL that PostgreSQL and SQLite spell differently, and that SQLAlchemy does not hide."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine


def is_postgresql(connection: AsyncConnection) -> bool:
    """Whether the connection is to PostgreSQL; it is to SQLite otherwise."""
    return connection.dialect.name == "postgresql"


def upsert(connection: AsyncConnection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """An INSERT that takes `on_conflict_do_nothing` and `on_conflict_do_update`.

    Add `returning` to learn whether a row was inserted: SQLAlchemy reports no row count for it.
    """
    return postgresql.insert(table) if is_postgresql(connection) else sqlite.insert(table)


# ------------------------------------------------------------------------------- substrings


class _Position(FunctionElement[int]):
    """`_Position(value, part)`: the index of the part in the value, from 1; 0 if it is absent."""

    type: TypeEngine[int] = Integer()
    inherit_cache: bool | None = True


@compiles(_Position)
def _position(element: _Position, compiler: SQLCompiler, **options: Any) -> str:
    value, part = (compiler.process(one, **options) for one in element.clauses)
    return f"position({part} IN {value})"


@compiles(_Position, "sqlite")
def _instr(element: _Position, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


def contains(value: ColumnElement[Any], part: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a text contains a text, or bytes contain bytes.

    Avoids LIKE: for an unknown pattern PostgreSQL estimates that hardly any row matches, and plans
    to read a list to its end to fill a page.
    """
    return _Position(value, part) > 0


# ----------------------------------------------------------------------------------- batches


def unlocked(rows: Select[Any]) -> Select[Any]:
    """Those of the rows that no other transaction has locked, for the `IN` of a DELETE.

    They are read once. PostgreSQL may run a plain subquery again for each row that it joins, which
    locks other rows each time: more than its LIMIT are deleted.
    """
    # inside of the DELETE: Python counts no rows of one that begins with WITH on SQLite
    batch = rows.with_for_update(skip_locked=True).cte("batch", nesting=True)
    return select(*batch.c)


# ---------------------------------------------------------------------- many rows (PostgreSQL)

# SQLite runs a statement once for each row, and is fast. PostgreSQL needs a round trip for each
# row, and would parse another statement for each length of a list of values. One JSON document
# carries any number of rows in one statement. Arrays, one for each column, cost the driver ten
# times as much.


def json_rows(columns: Mapping[str, Column[Any]]) -> TableValuedAlias:
    """A table made from the parameter of `json_parameter`.

    `columns` maps the names of its columns to columns of the same types.
    """
    typed = (column(name, like.type) for name, like in columns.items())
    rows = cast(bindparam("rows", type_=Text()), JSON)
    table = func.json_to_recordset(rows).table_valued(*typed, name="given")
    return table.render_derived(with_types=True)


def json_parameter(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The parameter of `json_rows`."""
    return {"rows": msgspec.json.encode(rows).decode()}

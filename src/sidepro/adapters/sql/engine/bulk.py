"""Many rows in one statement.

SQLite runs a statement once for each row, and fast. PostgreSQL would be sent each row by itself,
and lists of values would make a text of its own for each length, which both sides have to parse.
It is given all rows as one JSON document, and a text that stays the same. Arrays, one for each
column, cost the driver ten times as much.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import JSON, Column, Text, bindparam, cast, column, func
from sqlalchemy.sql.selectable import TableValuedAlias

Rows = Sequence[Mapping[str, Any]]


def json_rows(columns: Mapping[str, Column[Any]]) -> TableValuedAlias:
    """A table of rows that are given as a parameter. Its columns have these names, and the types
    of these columns.
    """
    typed = (column(name, like.type) for name, like in columns.items())
    rows = cast(bindparam("rows", type_=Text()), JSON)
    given = func.json_to_recordset(rows).table_valued(*typed, name="given")
    return given.render_derived(with_types=True)


def json_parameter(rows: Rows) -> dict[str, str]:
    """The parameter of `json_rows`."""
    return {"rows": msgspec.json.encode(rows).decode()}

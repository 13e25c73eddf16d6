"""Rows for any table, made from the types, references and checks of its columns.

A new table is covered without a change here, unless a check constrains it in another way.
"""

from __future__ import annotations

import itertools
import re
import secrets
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Uuid,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from sidepro.adapters.sql.schema.columns import metadata
from sidepro.adapters.sql.schema.types import DateTimeUTC, VisibilityType
from sidepro.adapters.sql.search.ngrams import NgramArray, ngrams_of
from sidepro.domain.errors import SideProError
from sidepro.domain.visibility import Visibility

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.ext.asyncio import AsyncConnection

TEXTS = (
    "",
    "커피챗 ☕",
    "한\u1100\u1161\u11a8 조합",
    "line\nbreak\t",
    "👩🏽\u200d💻 %s {} \\x00 '",
    "é" * 90,
)
BEGIN = datetime(2026, 11, 29, 23, 59, 59, 999_999, tzinfo=UTC)

_numbers = itertools.count(1)


async def fill(connection: AsyncConnection, rows: int) -> set[str]:
    """Add rows to all tables. Returns the names of the tables that have some."""
    filled = set()
    for table in metadata.sorted_tables:
        parents = {
            column.name: (await connection.execute(select(_target(column)))).scalars().all()
            for column in table.c
            if column.foreign_keys
        }
        for number in range(rows):
            try:
                async with connection.begin_nested():
                    await connection.execute(insert(table), _row(table, number, parents))
            except (IntegrityError, SideProError):
                continue  # a second row of a table of one, or an unknown check
        if (await connection.execute(select(table).limit(1))).first():
            filled.add(table.name)
    return filled


def _target(column: Column[Any]) -> Column[Any]:
    (reference,) = column.foreign_keys
    return reference.column


def _row(table: Table, number: int, parents: dict[str, Any]) -> dict[str, Any]:
    row = {}
    taken = itertools.count(number)
    choices = dict(_choices(table))
    for column in table.c:
        if column.name in choices:
            values = choices[column.name]
            row[column.name] = values[number % len(values)]
        elif column.name in parents:
            found = parents[column.name]
            # Two references of a row are different.
            row[column.name] = found[next(taken) % len(found)] if found else None
        elif column.nullable and number % 3 == 0:
            row[column.name] = None
        else:
            row[column.name] = _value(column, number)
    return row


def _choices(table: Table) -> Iterator[tuple[str, list[Any]]]:
    """The values that checks allow."""
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            text = str(constraint.sqltext)
            for name, values in re.findall(r"(\w+) IN \(([^)]*)\)", text):
                yield name, re.findall(r"'([^']*)'", values)
            if text == "id = 1":
                yield "id", [1]


def _value(column: Column[Any], number: int) -> Any:  # noqa: PLR0911 - one for each type
    match column.type:
        case Uuid():
            return uuid4()
        case Boolean():
            return number % 2 == 0
        case VisibilityType():
            return tuple(Visibility)[number % len(Visibility)]
        case NgramArray():
            return ngrams_of(TEXTS[number % len(TEXTS)] + "커피")
        case DateTimeUTC():
            return BEGIN + timedelta(days=number, microseconds=number)
        case Date():
            return date(2026, 1, 1) + timedelta(days=number)
        case LargeBinary(length=length):
            return secrets.token_bytes(length or number)
        case JSON():
            return {"b": [number, None, "커피"], "a": {"z": 1.5, "y": True}}
        case BigInteger():
            return 2**40 + next(_numbers)
        case SmallInteger():
            return 10_000 + next(_numbers) % 10_000
        case Integer():
            return next(_numbers)
        case String(length=length):
            text = f"{next(_numbers)}{TEXTS[number % len(TEXTS)]}"
            return text[:length] if length else text
        case unknown:
            raise AssertionError(f"no value for {unknown!r} of {column}")

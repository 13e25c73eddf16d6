"""Records the statements that readers execute, and asks the databases for their plans."""

from __future__ import annotations

import json
import sqlite3
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from sidepro.adapters.sql.engine.compiled_query import (
    CompiledQuery,
    postgresql_dialect,
    sqlite_dialect,
)
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.postgresql import READ_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.sql.selectable import ReturnsRows

BIG_TABLES = {
    *("projects", "project_counters", "project_skills", "project_search", "comments"),
    *("bookmarks", "rooms", "messages"),
}

Executed = tuple["ReturnsRows", dict[str, Any]]
"""A statement and its parameters."""


class RecordingDatabase(Database):
    """Records the statements that it executes, but for those that take a sample of the texts: a
    sample is a large part of the small tables of the tests.
    """

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address
        self.executed: list[Executed] = []

    async def fetch(self, statement: ReturnsRows, parameters: Any = None) -> list[Any]:
        if "numbers" not in (parameters or {}):
            self.executed.append((statement, dict(parameters or {})))
        return await super().fetch(statement, parameters or {})

    async def fetch_long(self, statement: ReturnsRows, parameters: Any = None) -> list[Any]:
        self.executed.append((statement, dict(parameters or {})))
        return await super().fetch_long(statement, parameters or {})


def full_scans(database: RecordingDatabase, *, counting: bool = False) -> list[str]:
    """The steps of the recorded statements that read most of a big table.

    A statement that counts may read all that it counts, by an index.
    """
    found: list[str] = []
    for statement, parameters in database.executed:
        if database.is_sqlite:
            found += _sqlite_scans(database.address, statement, parameters)
        else:
            plan = explain(database.address, statement, parameters, "ANALYZE, FORMAT JSON")
            found += postgresql_scans(database.address, plan, counting=counting)
    return found


def _sqlite_scans(address: str, statement: ReturnsRows, parameters: Any) -> Iterator[str]:
    text, values = CompiledQuery(statement, sqlite_dialect()).bind(parameters)
    with sqlite3.connect(address.removeprefix("sqlite:///")) as connection:
        for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {text}", values):
            words = step.split()
            # A list may be read in the order of an index; n-grams have none.
            in_order = "INDEX" in words and words[1] != "project_search"
            if words[0] == "SCAN" and words[1] in BIG_TABLES and not in_order:
                yield f"{step}: {text}"


def postgresql_scans(address: str, plan: dict[str, Any], *, counting: bool) -> Iterator[str]:
    """The steps of an analysed plan that read most of a big table."""
    for node in nodes(plan["Plan"]):
        table = node.get("Relation Name")
        if table not in BIG_TABLES:
            continue
        removed = sum(value for name, value in node.items() if name.startswith("Rows Removed"))
        read = (node["Actual Rows"] + removed) * node["Actual Loops"]
        most = not counting and read > _size(address, table) / 2
        if node["Node Type"] == "Seq Scan" or most:
            yield f"{node['Node Type']} of {read:.0f} {table}: {json.dumps(plan)}"


@cache
def _size(address: str, table: str) -> int:
    with psycopg.connect(address) as connection:
        counted = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        row = connection.execute(counted).fetchone()
        return int(row[0]) if row else 0


def explain(address: str, statement: ReturnsRows, parameters: Any, options: str) -> dict[str, Any]:
    """PostgreSQL's plan of a statement, made as for a prepared one."""
    text, values = CompiledQuery(statement, postgresql_dialect()).bind(parameters)
    with psycopg.connect(address, options=READ_OPTIONS) as connection:
        psycopg.RawCursor(connection).execute(f"PREPARE explained AS {text}".encode())
        literals = ", ".join(sql.Literal(value).as_string(connection) for value in values)
        execution = f"EXECUTE explained({literals})" if values else "EXECUTE explained"
        row = connection.execute(f"EXPLAIN ({options}) {execution}".encode()).fetchone()
        assert row is not None
        plan: dict[str, Any] = (row[0] if isinstance(row[0], list) else json.loads(row[0]))[0]
        return plan


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The node of a plan and all below it."""
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)

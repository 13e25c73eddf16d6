"""Compiles SQLAlchemy's statements to the text and values that the drivers take.

Only this module relies on internals of SQLAlchemy's compiler: the placeholders of a compiled
statement, and the value conversions of its types. `tests/adapters/test_compiled_query.py` compares
the results with the statements that SQLAlchemy executes.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Dialect, Integer, bindparam
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.sql.selectable import ReturnsRows

Row = Any
"""A named tuple whose fields are the statement's columns."""

RawRows = Sequence[Sequence[Any]]
"""Rows as a driver returns them."""

FLOAT8_OID = 701
"""PostgreSQL's type of all non-integer numbers here."""

MAX_STATEMENTS = 1_000
"""Compiled statements that a reader caches."""

MAX_VARIANTS = 16
"""Texts cached for one statement: many page lengths must not fill the memory."""


def limit_param(name: str) -> BindParameter[int]:
    """A parameter for LIMIT, rendered into the statement's text.

    PostgreSQL plans a statement once for all values of its parameters. For an unknown limit it
    expects to return a tenth of the list.
    """
    return bindparam(name, type_=Integer, literal_execute=True)


def postgresql_dialect() -> Dialect:
    """PostgreSQL with the server's own placeholders (`$1`), which psycopg need not parse."""
    untyped: Any = PGDialect_psycopg
    dialect: Dialect = untyped(paramstyle="numeric_dollar")
    return dialect


def sqlite_dialect() -> Dialect:
    """SQLite as the standard library's driver takes it."""
    return SQLiteDialect_pysqlite()


def query_compiler(dialect: Dialect) -> Callable[[ReturnsRows], "CompiledQuery"]:
    """A function that compiles each statement once and caches the result."""

    @lru_cache(maxsize=MAX_STATEMENTS)
    def compile_query(statement: ReturnsRows) -> CompiledQuery:
        return CompiledQuery(statement, dialect)

    return compile_query


class CompiledQuery:
    """A statement compiled once, for all values of its parameters."""

    def __init__(self, statement: ReturnsRows, dialect: Dialect) -> None:
        """`dialect` has positional parameters."""
        self._dialect = dialect
        self._compiled: Any = statement.compile(dialect=dialect)
        columns = list(statement.exported_columns)
        untyped: Any = namedtuple  # its fields are known only here
        row = untyped("Row", [one.key or "" for one in columns], rename=True)
        self._make_row: Callable[[Iterable[Any]], Row] = row._make
        converters = (
            one.type.dialect_impl(dialect).result_processor(dialect, FLOAT8_OID) for one in columns
        )
        self._converters = [
            (index, convert) for index, convert in enumerate(converters) if convert
        ]
        expanding = self._compiled.post_compile_params
        self._lists = [parameter.key for parameter in expanding if parameter.expanding]
        literal = self._compiled.literal_execute_params
        self._literals = [parameter.key for parameter in literal if parameter.required]
        # Each list length and each literal needs its own text.
        self._variants: dict[tuple[int, ...], BoundQuery] = {}

    def bind(self, parameters: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The statement's text, and its values in the order of the placeholders."""
        if self._lists:
            lists = {name: _padded(parameters[name]) for name in self._lists}
            parameters = {**parameters, **lists}
        variant = (
            *(len(parameters[name]) for name in self._lists),
            *(parameters[name] for name in self._literals),
        )
        query = self._variants.get(variant)
        if query is None:
            if len(self._variants) == MAX_VARIANTS:
                del self._variants[next(iter(self._variants))]
            query = self._variants[variant] = BoundQuery(self._compiled, self._dialect, parameters)
        return query.text, query.values(parameters)

    def rows(self, raw: RawRows) -> list[Row]:
        """The driver's rows with attributes, their values converted to the columns' types."""
        if not self._converters:
            return list(map(self._make_row, raw))
        rows = []
        for raw_row in raw:
            values = list(raw_row)
            for index, convert in self._converters:
                values[index] = convert(values[index])
            rows.append(self._make_row(values))
        return rows


def _padded(members: Sequence[Any]) -> list[Any]:
    """The members of an IN list, padded with the last one to a power of two, so that a few
    prepared statements serve lists of all lengths.
    """
    missing = (1 << (len(members) - 1).bit_length()) - len(members) if members else 0
    return [*members, *([members[-1]] * missing if missing else ())]


class BoundQuery:
    """A variant of a statement, for certain list lengths and literals."""

    def __init__(self, compiled: Any, dialect: Dialect, parameters: Mapping[str, Any]) -> None:
        state = compiled.construct_expanded_state(parameters)
        self.text: str = state.statement
        list_members = {
            placeholder: (name, index)
            for name, expanded in state.parameter_expansion.items()
            for index, placeholder in enumerate(expanded)
        }
        # For each placeholder: its parameter, the index within a list, the conversion.
        self._placeholders = [
            (name, index, _bind_processor(compiled.binds[name], dialect))
            for placeholder in state.positiontup
            for name, index in [list_members.get(placeholder, (placeholder, None))]
        ]
        # Values that are part of the statement.
        self._constants = {
            name: state.parameters[name]
            for name, index, _ in self._placeholders
            if index is None and not compiled.binds[name].required
        }

    def values(self, parameters: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the placeholders.

        Raises:
            KeyError: a parameter is missing.
        """
        merged = {**self._constants, **parameters}
        values = []
        for name, index, process in self._placeholders:
            value = merged[name]
            if index is not None:
                value = value[index]
            values.append(process(value) if process else value)
        return values


def _bind_processor(bound: BindParameter[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    return bound.type.dialect_impl(dialect).bind_processor(dialect)

"""N-grams: the index of the text search.

The n-grams of a text are its runs of one, two and three characters. A term of up to three
characters is an n-gram itself; a longer one is found by its trigrams, and checked against the
text. The locale of the database does not matter (pg_trgm ignores Hangul under the C locale).

PostgreSQL stores them in an array with a GIN index, SQLite as words of an FTS5 index, spelt in
hexadecimal digits because its tokenizer drops everything but letters.
"""

from collections.abc import Sequence
from typing import Any, Self

from sqlalchemy import ARRAY, Dialect, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine

MAX_NGRAM = 3

QUERY_NGRAMS = 12
"""Maximum number of n-grams looked up for a long term: further ones exclude few projects."""


class NgramArray(TypeDecorator[tuple[str, ...]]):
    """N-grams in a column."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        is_postgresql = dialect.name == "postgresql"
        return dialect.type_descriptor(ARRAY(Text()) if is_postgresql else Text())

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value and list(value)
        return " ".join(f"x{ngram.encode().hex()}" for ngram in value)

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...] | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            return tuple(value)
        return tuple(bytes.fromhex(word[1:]).decode() for word in value.split())


def ngrams_of(text: str) -> tuple[str, ...]:
    """The distinct n-grams of a search text; none spans two lines."""
    lines = text.split("\n")
    return tuple(
        {
            line[start : start + length]: None
            for line in lines
            for length in range(1, MAX_NGRAM + 1)
            for start in range(len(line) - length + 1)
        }
    )


def query_ngrams(term: str) -> tuple[str, ...]:
    """At most `QUERY_NGRAMS` n-grams that every text with the term has."""
    length = min(len(term), MAX_NGRAM)
    ngrams = list({term[start : start + length]: None for start in range(len(term) - length + 1)})
    step = -(-len(ngrams) // QUERY_NGRAMS)
    return tuple(ngrams[::step])


class HasNgrams(FunctionElement[bool]):
    """`HasNgrams(ngrams)`: whether a row of `project_search` has all of them."""

    type: TypeEngine[bool] = Boolean()
    inherit_cache: bool | None = True

    def self_group(self, against: Any = None) -> Self:  # noqa: ARG002 - as SQLAlchemy calls it
        """Unchanged. SQLAlchemy would compare it with 1, for lack of a boolean type, and SQLite
        would then test each row instead of using the index.
        """
        return self


@compiles(HasNgrams)
def _in_array(element: HasNgrams, compiler: SQLCompiler, **options: Any) -> str:
    grams = compiler.process(element.clauses, **options)
    return f"project_search.grams @> {grams}"


@compiles(HasNgrams, "sqlite")
def _in_words(element: HasNgrams, compiler: SQLCompiler, **options: Any) -> str:
    words = compiler.process(element.clauses, **options)
    found = f"SELECT rowid FROM project_grams WHERE project_grams MATCH {words}"  # noqa: S608 - a placeholder
    return f"project_search.number IN ({found})"

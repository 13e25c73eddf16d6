"""N-grams: the index of the text search.

Everything that a text can be searched for is made of grams: its runs of one, two and three
characters. A term of up to three characters is found by its one gram, a longer one by its grams
of three and a look at the text. They are compared as plain text, so that it does not matter which
locale the database has (the trigrams of pg_trgm leave Hangul out under the C locale).

PostgreSQL keeps them in an array with an inverted index (GIN), SQLite as words of a full-text
index (FTS5), each spelt in hexadecimal digits because its tokenizer would drop what is no letter.
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
"""Of a long term, the most grams that are looked up: each further one excludes little."""


class NgramArray(TypeDecorator[tuple[str, ...]]):
    """Grams as the database keeps them."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        is_postgresql = dialect.name == "postgresql"
        return dialect.type_descriptor(ARRAY(Text()) if is_postgresql else Text())

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value and list(value)
        return " ".join(f"x{gram.encode().hex()}" for gram in value)


def ngrams_of(text: str) -> tuple[str, ...]:
    """All grams of a search text, each once; none reaches over the end of a line."""
    lines = text.split("\n")
    return tuple(
        {
            line[start : start + length]: None
            for line in lines
            for length in range(1, MAX_NGRAM + 1)
            for start in range(len(line) - length + 1)
        }
    )


def array_literal(grams: Sequence[str]) -> str:
    """Grams as PostgreSQL reads an array: many times as fast as the driver spells one."""
    text = '","'.join(grams)
    if "\\" in text or text.count('"') > 2 * len(grams):
        text = '","'.join(gram.replace("\\", "\\\\").replace('"', '\\"') for gram in grams)
    return f'{{"{text}"}}' if grams else "{}"


def query_ngrams(term: str) -> tuple[str, ...]:
    """The grams that whatever contains the term has, few enough to look them all up."""
    length = min(len(term), MAX_NGRAM)
    grams = list({term[start : start + length]: None for start in range(len(term) - length + 1)})
    step = -(-len(grams) // QUERY_NGRAMS)
    return tuple(grams[::step])


class HasNgrams(FunctionElement[bool]):
    """`HasNgrams(grams)`: whether a row of `project_search` has all of them."""

    type: TypeEngine[bool] = Boolean()
    inherit_cache: bool | None = True

    def self_group(self, against: Any = None) -> Self:  # noqa: ARG002 - as SQLAlchemy calls it
        """As it is: compared with 1, as SQLAlchemy would for want of a boolean type, SQLite tests
        each row instead of looking the found ones up.
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

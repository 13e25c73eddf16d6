"""Multiplies the rows of a seeded PostgreSQL database, for measurements of a large one.

A copy has other ids, emails and usernames, and slightly earlier times. Each copied project takes
its text and skills from another project, so similar projects are not neighbours in any index.
PostgreSQL makes the copies itself, with indexes and foreign keys dropped meanwhile.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import Column, Table, Uuid

from sidepro.adapters.sql.schema import chat_tables, notification_tables, tables
from sidepro.adapters.sql.schema.types import DateTimeUTC
from sidepro.adapters.sql.search.ngrams import MAX_NGRAM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_COPIES = 999
"""A copy's number has three digits in its usernames."""

STEP = timedelta(minutes=7)
"""Time by which a copy is earlier than the previous one."""

MAX_USERNAME = 30

GOLDEN = 0.618
"""Distance per copy between a copied project and the source of its text, as a fraction of all
projects. Multiples of the golden ratio spread evenly.
"""

COPIED = (
    tables.users,
    tables.profiles,
    tables.profile_skills,
    tables.projects,
    tables.project_search,
    tables.project_counters,
    tables.project_days,
    tables.project_skills,
    tables.comments,
    tables.bookmarks,
    chat_tables.rooms,
    chat_tables.messages,
    notification_tables.mailed_rooms,
)

Source = tuple[str, dict[str, str]]
"""The FROM clause, and the expressions of columns that are not simply copied."""


def multiply(url: str, factor: int) -> None:
    """Copy all rows until there are `factor` (1 to 999) times as many, in one transaction."""
    if not 1 <= factor <= MAX_COPIES:
        raise ValueError(f"the factor must be from 1 to {MAX_COPIES}")
    with psycopg.connect(url) as connection, without_indexes(connection):
        for statement in _preparations():
            connection.execute(statement.encode())
        counted = connection.execute("SELECT count(*) FROM ranks").fetchone()
        projects = int(counted[0]) if counted else 0
        for number in range(1, factor):
            sources = _sources(number, projects)
            for table in COPIED:
                connection.execute(_insert(table, number, sources).encode())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


@contextmanager
def without_indexes(connection: psycopg.Connection) -> Iterator[None]:
    """Drop the indexes and foreign keys of the copied tables, and restore them afterwards. This is
    much faster than updating them row by row.
    """
    names = [table.name for table in COPIED]
    foreign_keys = connection.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)",
        [names],
    ).fetchall()
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s)"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [names],
    ).fetchall()
    for table, name, _ in foreign_keys:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}".encode())
    yield
    connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
    for _, definition in indexes:
        connection.execute(definition.encode())
    for table, name, definition in foreign_keys:
        connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}".encode())


def _preparations() -> Iterator[str]:
    """Statements that save the original rows, with the rank and the n-grams of each project."""
    for table in COPIED:
        name = f"first_{table.name}"
        yield f"CREATE TEMP TABLE {name} ON COMMIT DROP AS SELECT * FROM {table.name}"
        yield f"ANALYZE {name}"
    yield (
        "CREATE TEMP TABLE ranks ON COMMIT DROP AS SELECT id, lines,"
        f" row_number() OVER (ORDER BY created_at, id) - 1 AS rank, {_ngrams('lines')} AS grams"
        " FROM (SELECT id, created_at, (string_to_array(search_text, E'\\n'))[1:2] AS lines"
        " FROM first_projects) AS them"
    )
    yield "CREATE UNIQUE INDEX ON ranks (rank)"
    yield "CREATE UNIQUE INDEX ON ranks (id)"
    yield "CREATE UNIQUE INDEX ON first_projects (id)"
    yield "CREATE INDEX ON first_project_skills (project_id)"
    yield "ANALYZE ranks"


def _insert(table: Table, number: int, sources: Mapping[str, Source]) -> str:
    """The statement that makes one copy of a table's rows."""
    source, others = sources.get(table.name, (f"first_{table.name} AS it", {}))
    values = {
        column.name: _value(column, number)
        for column in table.c
        if column is not tables.project_search.c.number
    }
    values |= others
    return (
        f"INSERT INTO {table.name} ({', '.join(values)})"
        f" SELECT {', '.join(values.values())} FROM {source}"
    )


def _value(column: Column[object], number: int) -> str:
    name = f"it.{column.name}"
    if isinstance(column.type, Uuid):
        return _other_id(name, number)
    if isinstance(column.type, DateTimeUTC):
        return f"{name} - interval '{STEP.total_seconds() * number} seconds'"
    return name


def _other_id(name: str, number: int) -> str:
    """The id of a copy: `number` changes bits 40 to 55, below the time, above the random part."""
    octets = f"uuid_send({name})"
    for place, bits in ((9, number >> 8), (10, number & 255)):
        octets = f"set_byte({octets}, {place}, get_byte(uuid_send({name}), {place}) # {bits})"
    return f"encode({octets}, 'hex')::uuid"


def _ngrams(lines: str) -> str:
    """The SQL form of `sidepro.adapters.sql.search.ngrams.ngrams_of`, for an array of lines."""
    return (
        "(SELECT array_agg(DISTINCT substr(line, start, length))"
        f" FROM unnest({lines}) AS line, generate_series(1, {MAX_NGRAM}) AS length,"
        " generate_series(1, char_length(line) - length + 1) AS start)"
    )


def _sources(number: int, projects: int) -> dict[str, Source]:
    """The sources of tables whose rows are not simply copied, by table."""
    suffix = f"{number:03}"
    offset = round(number * GOLDEN * projects) % max(1, projects)

    def renamed(name: str) -> str:
        return f"left({name}, {MAX_USERNAME - len(suffix)}) || '{suffix}'"

    text_of = f"JOIN ranks AS its ON its.rank = mod(mine.rank + {offset}, {projects})"
    authors = (
        "(SELECT DISTINCT author_id AS id, (string_to_array(search_text, E'\\n'))[3]"
        f" || '{suffix}' AS key FROM first_projects)"
    )
    author_ngrams = f"(SELECT id, key, {_ngrams('ARRAY[key]')} AS grams FROM {authors} AS keys)"
    texts = ("title", "summary", "content", "content_html", "repository_url")

    users = (
        "first_users AS it",
        {
            "email": f"'{number}.' || it.email",
            "email_key": f"'{number}.' || it.email_key",
            "username": renamed("it.username"),
            "username_key": renamed("it.username_key"),
        },
    )
    projects_from = (
        f"first_projects AS it JOIN {authors} AS author ON author.id = it.author_id"
        f" JOIN ranks AS mine ON mine.id = it.id {text_of}"
        " JOIN first_projects AS other ON other.id = its.id"
    )
    search_text = "array_to_string(its.lines || author.key, E'\\n')"
    search_from = (
        f"first_projects AS it JOIN {author_ngrams} AS author ON author.id = it.author_id"
        f" JOIN ranks AS mine ON mine.id = it.id {text_of}"
    )
    search = {
        "project_id": _other_id("mine.id", number),
        "created_at": _value(tables.projects.c.created_at, number),
        "grams": "its.grams || author.grams",
    }
    skills_from = (
        f"ranks AS mine {text_of} JOIN first_project_skills AS skill ON skill.project_id = its.id"
    )
    skills = {"project_id": _other_id("mine.id", number), "skill_id": "skill.skill_id"}
    return {
        "users": users,
        "projects": (
            projects_from,
            {name: f"other.{name}" for name in texts} | {"search_text": search_text},
        ),
        "project_search": (search_from, search),
        "project_skills": (skills_from, skills),
    }

"""Copies of the demo data that PostgreSQL makes itself: many times as fast as they can be sent.

What a copy is, `sidepro.demo.copies` tells. Names of tables, columns and all numbers are
this program's own.
"""

# ruff: noqa: S608 - no user's value gets into a statement

from collections.abc import Callable, Iterator, Mapping, Sequence

from advanced_alchemy.types import DateTimeUTC
from sqlalchemy import Column, Table, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.schema import tables
from sidepro.adapters.sql.search.ngrams import MAX_NGRAM
from sidepro.demo.copies import (
    EARLIER,
    NAME_LONGEST,
    suffix_of,
    turn_of,
)


def _grams_of(lines: str) -> str:
    """As `sidepro.adapters.sql.search.ngrams.ngrams_of`, of an array of lines."""
    return (
        "(SELECT array_agg(DISTINCT substr(line, start, length))"
        f" FROM unnest({lines}) AS line, generate_series(1, {MAX_NGRAM}) AS length,"
        " generate_series(1, char_length(line) - length + 1) AS start)"
    )


_ASIDE = (
    # Each project's place in time, and the grams of its title and summary.
    (
        "CREATE TEMP TABLE places ON COMMIT DROP AS SELECT id, lines,"
        f" row_number() OVER (ORDER BY created_at, id) - 1 AS place, {_grams_of('lines')} AS grams"
        " FROM (SELECT id, created_at, (string_to_array(search_text, E'\\n'))[1:2] AS lines"
        " FROM first_projects) AS them"
    ),
    "CREATE UNIQUE INDEX ON places (place)",
    "CREATE UNIQUE INDEX ON places (id)",
    "CREATE UNIQUE INDEX ON first_projects (id)",
    "CREATE INDEX ON first_project_skills (project_id)",
    "ANALYZE places",
)


async def copy_in_database(
    connection: AsyncConnection,
    filled: Sequence[Table],
    copies: int,
    written: Callable[[int], None],
) -> None:
    """Make so many copies in all of the rows of these tables, which are the first one.

    `connection` is in a transaction, and PostgreSQL's. `written` hears how many rows come to it.
    """
    for statement in _preparations(filled):
        await connection.exec_driver_sql(statement)
    counted = await connection.exec_driver_sql("SELECT count(*) FROM places")
    projects = int(counted.scalar_one())
    for number in range(1, copies):
        special = _special(number, turn_of(number, projects), projects)
        for table in filled:
            made = await connection.exec_driver_sql(_copy(table, number, special))
            written(made.rowcount)


def _preparations(filled: Sequence[Table]) -> Iterator[str]:
    """What puts the first copy aside."""
    for table in filled:
        name = f"first_{table.name}"
        yield f"CREATE TEMP TABLE {name} ON COMMIT DROP AS SELECT * FROM {table.name}"
        yield f"ANALYZE {name}"
    yield from _ASIDE


def _copy(table: Table, number: int, special: Mapping[str, tuple[str, dict[str, str]]]) -> str:
    """The statement that makes one copy of a table's rows."""
    source, others = special.get(table.name, (f"first_{table.name} AS it", {}))
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
        return _other(name, number)
    if isinstance(column.type, DateTimeUTC):
        return f"{name} - interval '{EARLIER.total_seconds() * number} seconds'"
    return name


def _other(name: str, number: int) -> str:
    """The id of a copy: bits 40 to 55 of the first one's are changed."""
    octets = f"uuid_send({name})"
    for place, bits in ((9, number >> 8), (10, number & 255)):
        octets = f"set_byte({octets}, {place}, get_byte(uuid_send({name}), {place}) # {bits})"
    return f"encode({octets}, 'hex')::uuid"


def _special(number: int, turn: int, projects: int) -> dict[str, tuple[str, dict[str, str]]]:
    """By the name of a table: where its rows come from, and what is not simply copied."""
    suffix = suffix_of(number)
    name_kept = NAME_LONGEST - len(suffix)

    def renamed(name: str) -> str:
        return f"left({name}, {name_kept}) || '{suffix}'"

    # What a project is about it has from another one.
    passed_on = f"JOIN places AS its ON its.place = mod(mine.place + {turn}, {projects})"
    key = f"(SELECT id, {renamed('username_key')} AS key FROM first_users)"
    names = f"(SELECT id, key, {_grams_of('ARRAY[key]')} AS grams FROM {key} AS keys)"
    about = ("title", "summary", "content", "content_html", "repository_url")
    return {
        "users": (
            "first_users AS it",
            {
                "email": f"'{number}.' || it.email",
                "email_key": f"'{number}.' || it.email_key",
                "username": renamed("it.username"),
                "username_key": renamed("it.username_key"),
            },
        ),
        "projects": (
            (
                f"first_projects AS it JOIN {key} AS author ON author.id = it.author_id"
                f" JOIN places AS mine ON mine.id = it.id {passed_on}"
                " JOIN first_projects AS other ON other.id = its.id"
            ),
            {name: f"other.{name}" for name in about}
            | {"search_text": "array_to_string(its.lines || author.key, E'\\n')"},
        ),
        "project_search": (
            (
                f"first_projects AS it JOIN {names} AS author ON author.id = it.author_id"
                f" JOIN places AS mine ON mine.id = it.id {passed_on}"
            ),
            {
                "project_id": _other("mine.id", number),
                "created_at": _value(tables.projects.c.created_at, number),
                "grams": "its.grams || author.grams",
            },
        ),
        "project_skills": (
            (
                f"places AS mine {passed_on}"
                " JOIN first_project_skills AS skill ON skill.project_id = its.id"
            ),
            {"project_id": _other("mine.id", number), "skill_id": "skill.skill_id"},
        ),
    }

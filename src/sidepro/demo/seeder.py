"""Writing the demo data: everything in one transaction, in batches of rows."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import chain, islice
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Dialect, Table, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import AddConstraint, DropConstraint
from sqlalchemy.types import TypeEngine

from sidepro.adapters.sql.engine.database import Database, domain_error
from sidepro.adapters.sql.readers.catalogue_ids import CatalogueCache, CatalogueIds
from sidepro.adapters.sql.repositories.projects import search_text
from sidepro.adapters.sql.schema import tables
from sidepro.adapters.sql.search.ngrams import (
    NgramArray,
    array_literal,
    ngrams_of,
)
from sidepro.demo.bulk_copy import copy_in_database
from sidepro.demo.copies import copied
from sidepro.demo.population import Demo

BATCH = 1_000

_ANY_USER = select(exists().select_from(tables.users))

BULK = 100_000
"""So many rows are worth making the indexes anew."""

Batch = list[dict[str, Any]]
Rows = Iterable[dict[str, Any]]
Written = Callable[[int], None]
"""Hears how many more rows there are."""


async def is_empty(database: Database) -> bool:
    """Whether nobody has an account yet."""
    async with database.reading() as connection:
        return not await connection.scalar(_ANY_USER)


async def load(
    database: Database,
    catalogue: CatalogueCache,
    demo: Demo,
    progress: Callable[[int, int], None],
    copies: int = 1,
) -> None:
    """Store the demo, and so many copies of it in all, as a whole or not at all.

    `progress` hears after each batch how many rows are written, and how many there are in all.

    Raises:
        EmailTaken, UsernameTaken: somebody of the demo has an account already.
    """
    async with database.writing() as connection:
        numbered = await catalogue.current(connection)
        write = _insert if database.is_sqlite else _copy
        if not connection.in_transaction():
            _ = await connection.begin()  # a COPY goes past what would begin it
        total, done = copies * _number_of_rows(demo), 0

        def written(rows: int) -> None:
            nonlocal done
            done += rows
            progress(done, total)

        async with _without_indexes(connection, in_bulk=total >= BULK):
            for number in range(copies if database.is_sqlite else 1):
                for table, rows in _everything(copied(demo, number), numbered):
                    await write(connection, table, rows, written)
            if copies > 1 and not database.is_sqlite:
                await copy_in_database(connection, WRITTEN, copies, written)
        await connection.commit()
    async with database.reading() as connection:
        # The planner knows nothing yet about what has come at once. Counting by an index alone
        # needs pages that are known to be seen by everybody.
        await connection.exec_driver_sql("ANALYZE" if database.is_sqlite else "VACUUM (ANALYZE)")


def _number_of_rows(demo: Demo) -> int:
    skills = sum(len(one.skills) for one in demo.profiles)
    skills += sum(len(one.skills) for one in demo.projects)
    people = len(demo.users) + len(demo.profiles) + len(demo.comments) + len(demo.bookmarks)
    # A project is a row of three tables.
    return people + skills + 3 * len(demo.projects) + len(demo.rooms) + len(demo.messages)


WRITTEN = (
    tables.users,
    tables.profiles,
    tables.profile_skills,
    tables.projects,
    tables.project_search,
    tables.project_counters,
    tables.project_skills,
    tables.comments,
    tables.bookmarks,
    tables.rooms,
    tables.messages,
)
"""In an order in which each finds what it refers to."""


def _everything(demo: Demo, numbered: CatalogueIds) -> Iterator[tuple[Table, Rows]]:
    """The rows of each table, in an order in which each finds what it refers to."""
    rows = (
        _users(demo),
        _profiles(demo, numbered),
        _profile_skills(demo, numbered),
        _projects(demo),
        _search(demo),
        _counters(demo),
        _project_skills(demo, numbered),
        _comments(demo),
        _bookmarks(demo),
        _rooms(demo),
        _messages(demo),
    )
    yield from zip(WRITTEN, rows, strict=True)


async def _insert(connection: AsyncConnection, table: Table, rows: Rows, written: Written) -> None:
    for batch in _batches(rows):
        await connection.execute(insert(table), batch)
        written(len(batch))


async def _copy(connection: AsyncConnection, table: Table, rows: Rows, written: Written) -> None:
    """PostgreSQL takes rows in bulk several times as fast as by INSERT."""
    first, rows = _with_first(rows)
    if first is None:
        return
    names = list(first)
    dialect = connection.dialect
    processors = [(name, _in_copy(table.c[name].type, dialect)) for name in names]
    driver: Any = (await connection.get_raw_connection()).driver_connection
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    try:
        async with driver.cursor() as cursor, cursor.copy(command) as copy:
            for batch in _batches(rows):
                for row in batch:
                    await copy.write_row(
                        [
                            process(row[name]) if process else row[name]
                            for name, process in processors
                        ]
                    )
                written(len(batch))
    except psycopg.IntegrityError as error:
        meaning = domain_error(error)
        raise meaning or error from error


def _in_copy(column_type: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    if isinstance(column_type, NgramArray):
        return array_literal
    return column_type.dialect_impl(dialect).bind_processor(dialect)


def _with_first(rows: Rows) -> tuple[dict[str, Any] | None, Rows]:
    remaining = iter(rows)
    first = next(remaining, None)
    return first, remaining if first is None else chain([first], remaining)


@asynccontextmanager
async def _without_indexes(connection: AsyncConnection, *, in_bulk: bool) -> AsyncIterator[None]:
    """Indexes are made at once many times as fast as they grow, and rows that refer to others are
    checked all at once much faster than each for itself. The same transaction makes everything
    again: nothing is ever missing, also when it breaks off.
    """
    if not in_bulk or connection.dialect.name != "postgresql":
        yield
        return
    references = [one for table in WRITTEN for one in table.foreign_key_constraints]
    indexes = sorted(
        (one for table in WRITTEN for one in table.indexes), key=lambda one: str(one.name)
    )
    for reference in references:
        await connection.execute(DropConstraint(reference))
    for index in indexes:
        await connection.run_sync(index.drop)
    yield
    await connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
    for index in indexes:
        await connection.run_sync(index.create)
    for reference in references:
        await connection.execute(AddConstraint(reference, isolate_from_table=False))


def _batches(rows: Rows) -> Iterator[Batch]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _users(demo: Demo) -> Rows:
    for user in demo.users:
        yield {
            "id": user.id,
            "email": user.email,
            "email_key": user.email_key,
            "username": user.username,
            "username_key": user.username_key,
            "password_hash": user.password_hash,
            "is_admin": user.is_admin,
            "is_active": user.is_active,
            "created_at": user.created_at,
        }


def _profiles(demo: Demo, numbered: CatalogueIds) -> Rows:
    for profile in demo.profiles:
        yield {
            "user_id": profile.user_id,
            "bio": profile.bio,
            "github_url": profile.github_url,
            "region_id": profile.region and numbered.region_ids[profile.region],
            "meet_time_id": profile.meet_time and numbered.meet_time_ids[profile.meet_time],
            "updated_at": profile.updated_at,
        }


def _profile_skills(demo: Demo, numbered: CatalogueIds) -> Rows:
    for profile in demo.profiles:
        for skill in profile.skills:
            yield {"user_id": profile.user_id, "skill_id": numbered.skill_ids[skill]}


def _projects(demo: Demo) -> Rows:
    authors = {user.id: user.username_key for user in demo.users}
    for project in demo.projects:
        yield {
            "id": project.id,
            "author_id": project.author_id,
            "title": project.title,
            "summary": project.summary,
            "search_text": search_text(project.title, project.summary, authors[project.author_id]),
            "content": project.content,
            "content_html": project.content_html,
            "repository_url": project.repository_url,
            "revision": project.revision,
            "created_at": project.created_at,
            "updated_at": project.updated_at,
        }


def _search(demo: Demo) -> Rows:
    for row in _projects(demo):
        yield {
            "project_id": row["id"],
            "created_at": row["created_at"],
            "grams": ngrams_of(row["search_text"]),
        }


def _counters(demo: Demo) -> Rows:
    bookmarks = Counter(bookmark.project_id for bookmark in demo.bookmarks)
    comments = Counter(comment.project_id for comment in demo.comments)
    for project in demo.projects:
        yield {
            "project_id": project.id,
            "views": demo.views[project.id],
            "bookmarks": bookmarks[project.id],
            "comments": comments[project.id],
        }


def _project_skills(demo: Demo, numbered: CatalogueIds) -> Rows:
    for project in demo.projects:
        for skill in project.skills:
            yield {"project_id": project.id, "skill_id": numbered.skill_ids[skill]}


def _comments(demo: Demo) -> Rows:
    for comment in demo.comments:
        yield {
            "id": comment.id,
            "project_id": comment.project_id,
            "author_id": comment.author_id,
            "body": comment.body,
            "created_at": comment.created_at,
            "updated_at": comment.updated_at,
        }


def _bookmarks(demo: Demo) -> Rows:
    for bookmark in demo.bookmarks:
        yield {
            "user_id": bookmark.user_id,
            "project_id": bookmark.project_id,
            "created_at": bookmark.created_at,
        }


def _rooms(demo: Demo) -> Rows:
    for room in demo.rooms:
        low, high = room.participants
        yield {
            "id": room.id,
            "low_id": low.user_id,
            "high_id": high.user_id,
            "low_read_seq": low.read_seq,
            "high_read_seq": high.read_seq,
            "left_by": room.left_by,
            "last_seq": room.last_seq,
            "created_at": room.created_at,
            "updated_at": room.updated_at,
        }


def _messages(demo: Demo) -> Rows:
    for message in demo.messages:
        yield {
            "room_id": message.room_id,
            "seq": message.seq,
            "sender_id": message.sender_id,
            "body": message.body,
            "client_id": message.client_id,
            "sent_at": message.sent_at,
        }

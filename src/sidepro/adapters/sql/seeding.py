"""Writing the demo data: everything in one transaction, in batches of rows."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Table, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.demo.copies import copied
from sidepro.adapters.demo.population import Demo
from sidepro.adapters.sql import tables
from sidepro.adapters.sql.board import search_text
from sidepro.adapters.sql.catalogue import CatalogueCache, NumberedCatalogue
from sidepro.adapters.sql.database import Database, meaning_of
from sidepro.adapters.sql.grams import grams_of

BATCH = 1_000

_ANY_USER = select(exists().select_from(tables.users))

SEARCH_INDEX = "ix_project_search_grams"

Batch = list[dict[str, Any]]
Rows = Iterable[dict[str, Any]]


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
        async with _without_search_index(connection, in_bulk=copies > 1):
            for number in range(copies):
                for table, rows in _everything(copied(demo, number), numbered):
                    for batch in _batches(rows):
                        await write(connection, table, batch)
                        done += len(batch)
                        progress(done, total)
        await connection.commit()
    async with database.reading() as connection:
        # The planner knows nothing yet about what has come at once.
        await connection.exec_driver_sql("ANALYZE")


def _number_of_rows(demo: Demo) -> int:
    skills = sum(len(one.skills) for one in demo.profiles)
    skills += sum(len(one.skills) for one in demo.projects)
    people = len(demo.users) + len(demo.profiles) + len(demo.comments) + len(demo.bookmarks)
    # A project is a row of three tables.
    return people + skills + 3 * len(demo.projects) + len(demo.rooms) + len(demo.messages)


def _everything(demo: Demo, numbered: NumberedCatalogue) -> Iterator[tuple[Table, Rows]]:
    """The rows of each table, in an order in which each finds what it refers to."""
    yield tables.users, _users(demo)
    yield tables.profiles, _profiles(demo, numbered)
    yield tables.profile_skills, _profile_skills(demo, numbered)
    yield tables.projects, _projects(demo)
    yield tables.project_search, _search(demo)
    yield tables.project_counters, _counters(demo)
    yield tables.project_skills, _project_skills(demo, numbered)
    yield tables.comments, _comments(demo)
    yield tables.bookmarks, _bookmarks(demo)
    yield tables.rooms, _rooms(demo)
    yield tables.messages, _messages(demo)


async def _insert(connection: AsyncConnection, table: Table, rows: Batch) -> None:
    await connection.execute(insert(table), rows)


async def _copy(connection: AsyncConnection, table: Table, rows: Batch) -> None:
    """PostgreSQL takes rows in bulk several times as fast as by INSERT."""
    names = list(rows[0])
    dialect = connection.dialect
    types = (table.c[name].type.dialect_impl(dialect) for name in names)
    processors = [each.bind_processor(dialect) for each in types]
    driver: Any = (await connection.get_raw_connection()).driver_connection
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    try:
        async with driver.cursor() as cursor, cursor.copy(command) as copy:
            for row in rows:
                await copy.write_row(
                    [
                        process(row[name]) if process else row[name]
                        for name, process in zip(names, processors, strict=True)
                    ]
                )
    except psycopg.IntegrityError as error:
        meaning = meaning_of(error)
        raise meaning or error from error


@asynccontextmanager
async def _without_search_index(
    connection: AsyncConnection, *, in_bulk: bool
) -> AsyncIterator[None]:
    """An index of grams is made at once many times as fast as it grows. The same transaction makes
    it again: it is never missing.
    """
    index = next(one for one in tables.project_search.indexes if one.name == SEARCH_INDEX)
    if not in_bulk or connection.dialect.name != "postgresql":
        yield
        return
    await connection.run_sync(index.drop)
    yield
    await connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
    await connection.run_sync(index.create)


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


def _profiles(demo: Demo, numbered: NumberedCatalogue) -> Rows:
    for profile in demo.profiles:
        yield {
            "user_id": profile.user_id,
            "bio": profile.bio,
            "github_url": profile.github_url,
            "region_id": profile.region and numbered.region_ids[profile.region],
            "meet_time_id": profile.meet_time and numbered.meet_time_ids[profile.meet_time],
            "updated_at": profile.updated_at,
        }


def _profile_skills(demo: Demo, numbered: NumberedCatalogue) -> Rows:
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
        yield {"project_id": row["id"], "grams": grams_of(row["search_text"])}


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


def _project_skills(demo: Demo, numbered: NumberedCatalogue) -> Rows:
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
        low, high = room.seats
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

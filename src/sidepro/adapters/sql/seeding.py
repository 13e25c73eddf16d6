"""Writing the demo data: everything in one transaction, in batches of rows."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import exists, insert, select

from sidepro.adapters.demo.population import Demo
from sidepro.adapters.sql import tables
from sidepro.adapters.sql.board import search_text
from sidepro.adapters.sql.catalogue import CatalogueCache, NumberedCatalogue
from sidepro.adapters.sql.database import Database
from sidepro.adapters.sql.grams import grams_of

BATCH = 1_000

_ANY_USER = select(exists().select_from(tables.users))

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
) -> None:
    """Store the demo as a whole or not at all.

    `progress` hears after each batch how many rows are written, and how many there are in all.

    Raises:
        EmailTaken, UsernameTaken: somebody of the demo has an account already.
    """
    async with database.writing() as connection:
        numbered = await catalogue.current(connection)
        everything = (
            (tables.users, len(demo.users), _users(demo)),
            (tables.profiles, len(demo.profiles), _profiles(demo, numbered)),
            (
                tables.profile_skills,
                sum(len(profile.skills) for profile in demo.profiles),
                _profile_skills(demo, numbered),
            ),
            (tables.projects, len(demo.projects), _projects(demo)),
            (tables.project_search, len(demo.projects), _search(demo)),
            (tables.project_counters, len(demo.projects), _counters(demo)),
            (
                tables.project_skills,
                sum(len(project.skills) for project in demo.projects),
                _project_skills(demo, numbered),
            ),
            (tables.comments, len(demo.comments), _comments(demo)),
            (tables.bookmarks, len(demo.bookmarks), _bookmarks(demo)),
            (tables.rooms, len(demo.rooms), _rooms(demo)),
            (tables.messages, len(demo.messages), _messages(demo)),
        )
        total = sum(count for _, count, _ in everything)
        done = 0
        for table, _, rows in everything:
            for batch in _batches(rows):
                await connection.execute(insert(table), batch)
                done += len(batch)
                progress(done, total)
        await connection.commit()


def _batches(rows: Rows) -> Iterator[list[dict[str, Any]]]:
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

"""Writes demo data: everything in one transaction, in batches of rows."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Table, exists, insert, select

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.readers.catalogue_ids import CatalogueCache, CatalogueIds
from sidepro.adapters.sql.repositories.projects import search_text
from sidepro.adapters.sql.schema import tables
from sidepro.adapters.sql.search.ngrams import ngrams_of
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.user import User
from sidepro.domain.ids import ProjectId, UserId
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.project import Project
from sidepro.domain.rooms.room import Message, Room

BATCH = 1_000

_ANY_USER = select(exists().select_from(tables.users))

Rows = Iterable[dict[str, Any]]


class SqlDemoWriter:
    """See `sidepro.demo.seeder.DemoWriter`."""

    def __init__(self, database: Database, catalogue: CatalogueCache) -> None:
        self._database = database
        self._catalogue = catalogue

    async def is_empty(self) -> bool:
        async with self._database.reading() as connection:
            return not await connection.scalar(_ANY_USER)

    async def write(
        self,
        *,
        users: Sequence[User],
        profiles: Sequence[Profile],
        projects: Sequence[Project],
        views: Mapping[ProjectId, int],
        comments: Sequence[Comment],
        bookmarks: Sequence[tuple[UserId, ProjectId, datetime]],
        rooms: Sequence[Room],
        messages: Sequence[Message],
        progress: Callable[[int, int], None],
    ) -> None:
        skills = sum(len(profile.skills) for profile in profiles)
        skills += sum(len(project.skills) for project in projects)
        project_rows = 3 * len(projects)  # the project, its n-grams and its counters
        others = (users, profiles, comments, bookmarks, rooms, messages)
        total, done = project_rows + skills + sum(map(len, others)), 0
        async with self._database.writing() as connection:
            ids = await self._catalogue.current(connection)
            rows: tuple[tuple[Table, Rows], ...] = (  # a table follows those it refers to
                (tables.users, _rows(tables.users, users)),
                (tables.profiles, _profiles(profiles, ids)),
                (tables.profile_skills, _skills("user_id", profiles, ids)),
                (tables.projects, _projects(projects, users)),
                (tables.project_search, _search(projects, users)),
                (tables.project_counters, _counters(projects, views, comments, bookmarks)),
                (tables.project_skills, _skills("project_id", projects, ids)),
                (tables.comments, _rows(tables.comments, comments)),
                (tables.bookmarks, _bookmarks(bookmarks)),
                (tables.rooms, _rooms(rooms)),
                (tables.messages, _rows(tables.messages, messages)),
            )
            for table, table_rows in rows:
                for batch in _batches(table_rows):
                    await connection.execute(insert(table), batch)
                    done += len(batch)
                    progress(done, total)
            await connection.commit()
        async with self._database.reading() as connection:
            # New statistics for the planner; VACUUM also makes index-only scans possible.
            analyze = "ANALYZE" if self._database.is_sqlite else "VACUUM (ANALYZE)"
            await connection.exec_driver_sql(analyze)


def _batches(rows: Rows) -> Iterator[list[dict[str, Any]]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _rows(table: Table, entities: Iterable[object]) -> Rows:
    """Rows of a table whose columns have the names of the entity's members."""
    names = [column.name for column in table.c]
    return ({name: getattr(entity, name) for name in names} for entity in entities)


def _profiles(profiles: Sequence[Profile], ids: CatalogueIds) -> Rows:
    for profile in profiles:
        yield {
            "user_id": profile.user_id,
            "bio": profile.bio,
            "github_url": profile.github_url,
            "region_id": profile.region and ids.region_ids[profile.region],
            "meet_time_id": profile.meet_time and ids.meet_time_ids[profile.meet_time],
            "updated_at": profile.updated_at,
        }


def _skills(
    owner: str, entities: Sequence[Profile] | Sequence[Project], ids: CatalogueIds
) -> Rows:
    for entity in entities:
        owner_id = entity.user_id if isinstance(entity, Profile) else entity.id
        for skill in entity.skills:
            yield {owner: owner_id, "skill_id": ids.skill_ids[skill]}


def _projects(projects: Sequence[Project], users: Sequence[User]) -> Rows:
    authors = {user.id: user.username_key for user in users}
    for project in projects:
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


def _search(projects: Sequence[Project], users: Sequence[User]) -> Rows:
    for row in _projects(projects, users):
        yield {
            "project_id": row["id"],
            "created_at": row["created_at"],
            "grams": ngrams_of(row["search_text"]),
        }


def _counters(
    projects: Sequence[Project],
    views: Mapping[ProjectId, int],
    comments: Sequence[Comment],
    bookmarks: Sequence[tuple[UserId, ProjectId, datetime]],
) -> Rows:
    bookmark_counts = Counter(project_id for _, project_id, _ in bookmarks)
    comment_counts = Counter(comment.project_id for comment in comments)
    for project in projects:
        yield {
            "project_id": project.id,
            "views": views[project.id],
            "bookmarks": bookmark_counts[project.id],
            "comments": comment_counts[project.id],
        }


def _bookmarks(bookmarks: Sequence[tuple[UserId, ProjectId, datetime]]) -> Rows:
    for user_id, project_id, created_at in bookmarks:
        yield {"user_id": user_id, "project_id": project_id, "created_at": created_at}


def _rooms(rooms: Sequence[Room]) -> Rows:
    for room in rooms:
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

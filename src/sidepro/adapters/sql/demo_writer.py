"""Writes demo data: everything in one transaction, in batches of rows."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import chain, islice
from typing import Any

from sqlalchemy import Table, bindparam, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.catalogue_ids import CatalogueCache, CatalogueIds
from sidepro.adapters.sql.engine.database import Database, TransactionSource
from sidepro.adapters.sql.repositories.accounts.profiles import profile_skill_rows, profile_values
from sidepro.adapters.sql.repositories.board.projects import (
    project_skill_rows,
    project_values,
    search_row,
)
from sidepro.adapters.sql.repositories.rooms import room_row
from sidepro.adapters.sql.repositories.rows import row_of
from sidepro.adapters.sql.schema import chat_tables, tables
from sidepro.adapters.sql.schema.notification_tables import mailed_rooms
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.user import User
from sidepro.domain.ids import ImageId, ProjectId, UserId
from sidepro.domain.images.image import Image, ImageState
from sidepro.domain.projects.comment import Comment
from sidepro.domain.projects.project import Project
from sidepro.domain.projects.trending import DailyCounts
from sidepro.domain.rooms.room import Message, Room

BATCH = 1_000

_SET_FACE = (
    update(tables.profiles)
    .where(tables.profiles.c.user_id == bindparam("owner"))
    .values(image_id=bindparam("image"))
)
_SET_COVER = (
    update(tables.projects)
    .where(tables.projects.c.id == bindparam("owner"))
    .values(thumbnail_id=bindparam("image"))
)
_ANY_USER = select(exists().select_from(tables.users))

Rows = Iterable[dict[str, Any]]

_flat = chain.from_iterable


class SqlDemoWriter:
    """See `sidepro.demo.seeder.DemoWriter`."""

    def __init__(self, database: Database, catalogue: CatalogueCache) -> None:
        self._database = database
        self._catalogue = catalogue

    async def is_empty(self) -> bool:
        async with self._database.reading(job=True) as connection:
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
        images: Sequence[Image],
        shown: Sequence[tuple[ProjectId, ImageId]],
        days: Mapping[tuple[ProjectId, date], DailyCounts],
        progress: Callable[[int, int], None],
    ) -> None:
        skills = sum(len(profile.skills) for profile in profiles)
        skills += sum(len(project.skills) for project in projects)
        project_rows = 3 * len(projects)  # the project, its n-grams and its counters
        others = (users, profiles, comments, bookmarks, rooms, messages, images, shown, days)
        mailed = list(_mailed_rooms(rooms))
        total, done = project_rows + skills + len(mailed) + sum(map(len, others)), 0
        async with self._database.writing(job=True) as connection:
            ids = await self._catalogue.current(TransactionSource(connection))
            authors = {user.id: user.username for user in users}
            rows: tuple[tuple[Table, Rows], ...] = (  # referenced tables first
                (tables.users, _users(users)),
                (tables.profiles, _profiles(profiles, ids)),
                (
                    tables.profile_skills,
                    _flat(profile_skill_rows(one, ids) for one in profiles),
                ),
                (tables.projects, _projects(projects, authors)),
                (tables.project_search, _search(projects, authors)),
                (tables.project_counters, _counters(projects, views, comments, bookmarks)),
                (tables.project_days, _days(days)),
                (
                    tables.project_skills,
                    _flat(project_skill_rows(one, ids) for one in projects),
                ),
                (tables.comments, _comments(comments)),
                (tables.bookmarks, _bookmarks(bookmarks)),
                (chat_tables.rooms, map(room_row, rooms)),
                (chat_tables.messages, _messages(messages)),
                (mailed_rooms, mailed),
                (tables.images, map(_image, images)),
                (tables.project_images, _shown(shown)),
            )
            for table, table_rows in rows:
                for batch in _batches(table_rows):
                    await connection.execute(insert(table), batch)
                    done += len(batch)
                    progress(done, total)
            await _refer_to_images(connection, profiles, projects)
            await connection.commit()
        async with self._database.reading(job=True) as connection:
            # Refresh the planner's statistics. VACUUM also enables index-only scans.
            analyze = "ANALYZE" if self._database.is_sqlite else "VACUUM (ANALYZE)"
            await connection.exec_driver_sql(analyze)


def _batches(rows: Rows) -> Iterator[list[dict[str, Any]]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _users(users: Iterable[User]) -> Rows:
    return (row_of(tables.users, user) for user in users)


def _comments(comments: Iterable[Comment]) -> Rows:
    return (row_of(tables.comments, comment) for comment in comments)


def _messages(messages: Iterable[Message]) -> Rows:
    return (row_of(chat_tables.messages, message) for message in messages)


def _profiles(profiles: Iterable[Profile], ids: CatalogueIds) -> Rows:
    for profile in profiles:
        row = {"user_id": profile.user_id, **profile_values(profile, ids)}
        del row["image_id"]  # set later, and not in the old schemas that tests fill
        yield row


def _projects(projects: Iterable[Project], authors: Mapping[UserId, str]) -> Rows:
    for project in projects:
        row = {"id": project.id, **project_values(project, authors[project.author_id])}
        del row["thumbnail_id"]  # as `image_id`
        yield row


def _search(projects: Iterable[Project], authors: Mapping[UserId, str]) -> Rows:
    for project in projects:
        yield search_row(project, project_values(project, authors[project.author_id]))


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


def _days(days: Mapping[tuple[ProjectId, date], DailyCounts]) -> Rows:
    for (project_id, day), counts in days.items():
        yield {
            "project_id": project_id,
            "day": day,
            "views": counts.views,
            "bookmarks": counts.bookmarks,
        }


def _bookmarks(bookmarks: Sequence[tuple[UserId, ProjectId, datetime]]) -> Rows:
    for user_id, project_id, created_at in bookmarks:
        yield {"user_id": user_id, "project_id": project_id, "created_at": created_at}


def _mailed_rooms(rooms: Iterable[Room]) -> Rows:
    """Digests count as sent: nobody is mailed about messages that nobody wrote."""
    for room in rooms:
        for side in room.participants:
            if side.user_id is not None and side.read_seq < room.last_seq:
                yield {"user_id": side.user_id, "room_id": room.id, "seq": room.last_seq}


def _image(image: Image) -> dict[str, Any]:
    return {
        "id": image.id,
        "user_id": image.owner_id,
        "key": image.key,
        "state": ImageState.STORED,
        "width": image.width,
        "height": image.height,
        "size": image.size,
        "created_at": image.created_at,
        "unused_since": None,
    }


def _shown(shown: Iterable[tuple[ProjectId, ImageId]]) -> Rows:
    for project_id, image_id in shown:
        yield {"project_id": project_id, "image_id": image_id}


async def _refer_to_images(
    connection: AsyncConnection, profiles: Iterable[Profile], projects: Iterable[Project]
) -> None:
    faces = [{"owner": one.user_id, "image": one.image_id} for one in profiles if one.image_id]
    covers = [{"owner": one.id, "image": one.thumbnail_id} for one in projects if one.thumbnail_id]
    for statement, references in ((_SET_FACE, faces), (_SET_COVER, covers)):
        if references:
            await connection.execute(statement, references)

"""Bookmarks in SQL."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.schema.tables import bookmarks
from sidepro.domain.ids import ProjectId, UserId


class SqlBookmarks:
    """See `sidepro.domain.projects.ports.BookmarkRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, user_id: UserId, project_id: ProjectId, now: datetime) -> bool:
        row = {"user_id": user_id, "project_id": project_id, "created_at": now}
        added = upsert(self._connection, bookmarks).values(row).on_conflict_do_nothing()
        result = await self._connection.execute(added.returning(bookmarks.c.user_id))
        return result.first() is not None

    async def remove(self, user_id: UserId, project_id: ProjectId) -> datetime | None:
        removed = (
            delete(bookmarks)
            .where(bookmarks.c.user_id == user_id, bookmarks.c.project_id == project_id)
            .returning(bookmarks.c.created_at)
        )
        given_at: datetime | None = await self._connection.scalar(removed)
        return given_at

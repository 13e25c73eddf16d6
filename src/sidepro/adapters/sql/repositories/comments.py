"""Comments in SQL."""

from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.schema.tables import (
    comments,
)
from sidepro.domain.ids import (
    CommentId,
)
from sidepro.domain.projects.comment import Comment

_COMMENT = select(comments).where(comments.c.id == bindparam("id")).with_for_update(key_share=True)


class SqlComments:
    """See `sidepro.domain.projects.ports.CommentRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, comment: Comment) -> None:
        await self._connection.execute(
            insert(comments),
            {
                "id": comment.id,
                "project_id": comment.project_id,
                "author_id": comment.author_id,
                "body": comment.body,
                "created_at": comment.created_at,
                "updated_at": comment.updated_at,
            },
        )

    async def get(self, comment_id: CommentId) -> Comment | None:
        row = (await self._connection.execute(_COMMENT, {"id": comment_id})).first()
        return None if row is None else _comment(row)

    async def save(self, comment: Comment) -> None:
        await self._connection.execute(
            update(comments)
            .where(comments.c.id == comment.id)
            .values(body=comment.body, updated_at=comment.updated_at)
        )

    async def delete(self, comment_id: CommentId) -> bool:
        removed = await self._connection.execute(
            delete(comments).where(comments.c.id == comment_id)
        )
        return removed.rowcount == 1


def _comment(row: Row[Any]) -> Comment:
    return Comment(
        id=row.id,
        project_id=row.project_id,
        author_id=row.author_id,
        body=row.body,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

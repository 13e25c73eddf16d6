"""Comments in SQL."""

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.repositories.rows import entity_loader, row_of
from sidepro.adapters.sql.schema.expressions import no_contact
from sidepro.adapters.sql.schema.tables import comments, projects
from sidepro.domain.ids import CommentId, ProjectId, UserId
from sidepro.domain.projects.comment import Comment
from sidepro.domain.visibility import Visibility

_COMMENT = select(comments).where(comments.c.id == bindparam("id")).with_for_update(key_share=True)
_PROJECT = select(comments.c.project_id).where(comments.c.id == bindparam("id"))
_IS_BLOCKED = select(projects.c.id).where(
    projects.c.id == bindparam("project"),
    no_contact(projects.c.author_id, bindparam("user", type_=comments.c.author_id.type)),
)

_load_comment = entity_loader(Comment)


class SqlComments:
    """See `sidepro.domain.projects.ports.CommentRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, comment: Comment) -> None:
        await self._connection.execute(insert(comments), row_of(comments, comment))

    async def is_blocked(self, project_id: ProjectId, user_id: UserId) -> bool:
        parameters = {"project": project_id, "user": user_id}
        return (await self._connection.execute(_IS_BLOCKED, parameters)).first() is not None

    async def get(self, comment_id: CommentId) -> Comment | None:
        row = (await self._connection.execute(_COMMENT, {"id": comment_id})).first()
        return None if row is None else _load_comment(row)

    async def save(self, comment: Comment) -> None:
        await self._connection.execute(
            update(comments)
            .where(comments.c.id == comment.id)
            .values(body=comment.body, updated_at=comment.updated_at)
        )

    async def project_of(self, comment_id: CommentId) -> ProjectId | None:
        return await self._connection.scalar(_PROJECT, {"id": comment_id})

    async def set_visibility(self, comment_id: CommentId, visibility: Visibility) -> None:
        await self._connection.execute(
            update(comments).where(comments.c.id == comment_id).values(visibility=visibility)
        )

    async def delete(self, comment_id: CommentId) -> bool:
        deleted = await self._connection.execute(
            delete(comments).where(comments.c.id == comment_id)
        )
        return deleted.rowcount == 1

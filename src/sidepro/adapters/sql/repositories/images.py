"""Images and references to them, in SQL."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.schema.tables import images, profiles, project_images, projects
from sidepro.domain.errors import ImageInUse, NotFound
from sidepro.domain.ids import ImageId, ProjectId, UserId
from sidepro.domain.images.image import Image, ImageState
from sidepro.domain.images.urls import ImageKey

_BYTES = select(func.coalesce(func.sum(images.c.size), 0)).where(
    images.c.user_id == bindparam("user"), images.c.state == ImageState.STORED
)
# Deleting an image locks its row in full. A shared lock of the key, as for a foreign key, is
# enough to prevent that.
_LOCK = select(images.c.id).with_for_update(read=True, key_share=True)
_LOCK_ONE = _LOCK.where(
    images.c.id == bindparam("id"),
    images.c.user_id == bindparam("user"),
    images.c.state == ImageState.STORED,
)
_LOCK_TO_DELETE = (
    select(images.c.id)
    .where(
        images.c.id == bindparam("id"),
        images.c.user_id == bindparam("user"),
        images.c.state == ImageState.STORED,
    )
    .with_for_update()
)
_LOCK_BY_KEYS = _LOCK.where(
    images.c.key.in_(bindparam("keys", expanding=True)),
    images.c.user_id == bindparam("user"),
    images.c.state == ImageState.STORED,
).order_by(images.c.id)
IS_USED = or_(
    exists().where(profiles.c.image_id == images.c.id).correlate(images),
    exists().where(projects.c.thumbnail_id == images.c.id).correlate(images),
    exists().where(project_images.c.image_id == images.c.id).correlate(images),
)


def _set_unused_since(moment: Any, *conditions: ColumnElement[bool]) -> Any:
    stored = images.c.state == ImageState.STORED
    return update(images).where(stored, *conditions).values(unused_since=moment)


_MARK_UNUSED = _set_unused_since(bindparam("now"), images.c.unused_since.is_(None), not_(IS_USED))
_MARK_USED = _set_unused_since(None, images.c.unused_since.is_not(None), IS_USED)
_LOCK_DELETABLE = (
    select(images.c.id)
    .where(
        or_(
            images.c.state == ImageState.DELETING,
            and_(images.c.state == ImageState.NEW, images.c.created_at <= bindparam("unfinished")),
            and_(
                images.c.state == ImageState.STORED,
                or_(images.c.user_id.is_(None), images.c.unused_since <= bindparam("unused")),
                not_(IS_USED),
            ),
        )
    )
    .order_by(images.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
# Checks the rows again after locking them: a reference may have been added before.
_CLAIM = (
    update(images)
    .where(
        images.c.id.in_(bindparam("ids", expanding=True)),
        or_(images.c.state != ImageState.STORED, not_(IS_USED)),
    )
    .values(state=ImageState.DELETING)
    .returning(images)
)


class SqlImages:
    """See `sidepro.domain.images.ports.ImageRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def bytes_of(self, user_id: UserId) -> int:
        return int(await self._connection.scalar(_BYTES, {"user": user_id}) or 0)

    async def add(self, image: Image) -> None:
        await self._connection.execute(
            insert(images),
            {
                "id": image.id,
                "user_id": image.owner_id,
                "key": image.key,
                "state": ImageState.NEW,
                "width": image.width,
                "height": image.height,
                "size": image.size,
                "created_at": image.created_at,
                "unused_since": image.created_at,
            },
        )

    async def abandon(self, image_id: ImageId) -> None:
        await self._connection.execute(
            update(images)
            .where(images.c.id == image_id, images.c.state == ImageState.NEW)
            .values(state=ImageState.DELETING)
        )

    async def mark_stored(self, image_id: ImageId) -> bool:
        stored = await self._connection.execute(
            update(images)
            .where(images.c.id == image_id, images.c.state == ImageState.NEW)
            .values(state=ImageState.STORED)
        )
        return stored.rowcount == 1

    async def lock_for_reference(self, image_id: ImageId, owner_id: UserId) -> bool:
        parameters = {"id": image_id, "user": owner_id}
        return (await self._connection.execute(_LOCK_ONE, parameters)).first() is not None

    async def set_references(
        self, project_id: ProjectId, owner_id: UserId, keys: Collection[ImageKey]
    ) -> None:
        image_ids: list[ImageId] = []
        if keys:
            parameters = {"keys": list(keys), "user": owner_id}
            image_ids = list(await self._connection.scalars(_LOCK_BY_KEYS, parameters))
        await self._connection.execute(
            delete(project_images).where(project_images.c.project_id == project_id)
        )
        if image_ids:
            rows = [{"project_id": project_id, "image_id": image_id} for image_id in image_ids]
            await self._connection.execute(insert(project_images), rows)

    async def mark_unused(self, now: datetime) -> None:
        await self._connection.execute(_MARK_UNUSED, {"now": now})
        await self._connection.execute(_MARK_USED)

    async def claim_for_deletion(
        self, *, unused_before: datetime, unfinished_before: datetime, limit: int
    ) -> tuple[Image, ...]:
        parameters = {"unused": unused_before, "unfinished": unfinished_before, "limit": limit}
        ids = list(await self._connection.scalars(_LOCK_DELETABLE, parameters))
        if not ids:
            return ()
        rows = await self._connection.execute(_CLAIM, {"ids": ids})
        return tuple(_image(row) for row in rows)

    async def claim_own(self, image_id: ImageId, owner_id: UserId) -> Image:
        parameters = {"id": image_id, "user": owner_id}
        if (await self._connection.execute(_LOCK_TO_DELETE, parameters)).first() is None:
            raise NotFound
        row = (await self._connection.execute(_CLAIM, {"ids": [image_id]})).first()
        if row is None:
            raise ImageInUse
        return _image(row)

    async def delete(self, image_ids: Collection[ImageId]) -> None:
        await self._connection.execute(
            delete(images).where(images.c.id.in_(image_ids), images.c.state == ImageState.DELETING)
        )


def _image(row: Row[Any]) -> Image:
    return Image(
        id=row.id,
        owner_id=row.user_id,
        key=row.key,
        width=row.width,
        height=row.height,
        size=row.size,
        created_at=row.created_at,
    )

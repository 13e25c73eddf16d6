"""Images that only hidden projects show, in SQL."""

from collections.abc import Sequence

from sqlalchemy import (
    Select,
    and_,
    bindparam,
    delete,
    exists,
    not_,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.schema.expressions import is_public
from sidepro.adapters.sql.schema.moderation_tables import hidden_projects, withheld_images
from sidepro.adapters.sql.schema.tables import images, profiles, project_images, projects
from sidepro.domain.ids import ImageId
from sidepro.domain.images.image import ImageState, WithheldImage, WithholdingState
from sidepro.domain.images.urls import ImageKey

_MOVING, _WITHHELD, _RETURNING = (
    state.value
    for state in (
        WithholdingState.MOVING,
        WithholdingState.WITHHELD,
        WithholdingState.RETURNING,
    )
)
_SHOWN_BY_HIDDEN: Select[tuple[ImageId]] = select(
    union(
        select(project_images.c.image_id).join(
            hidden_projects, hidden_projects.c.project_id == project_images.c.project_id
        ),
        select(projects.c.thumbnail_id)
        .join(hidden_projects, hidden_projects.c.project_id == projects.c.id)
        .where(projects.c.thumbnail_id.is_not(None)),
    ).subquery("shown_by_hidden")
)
_IS_SHOWN = or_(
    exists().where(profiles.c.image_id == images.c.id).correlate(images),
    exists()
    .where(projects.c.thumbnail_id == images.c.id, is_public(projects.c.id))
    .correlate(images),
    exists()
    .where(project_images.c.image_id == images.c.id, is_public(project_images.c.project_id))
    .correlate(images),
)
_IS_WANTED = and_(images.c.id.in_(_SHOWN_BY_HIDDEN), not_(_IS_SHOWN))
_TO_WITHHOLD = (
    select(images.c.id)
    .where(
        _IS_WANTED,
        images.c.state == ImageState.STORED.value,
        images.c.id.not_in(select(withheld_images.c.image_id)),
    )
    .order_by(images.c.id)
    .limit(bindparam("limit"))
)
_hidden_only = select(images.c.id).where(_IS_WANTED)
_RETURN = (
    update(withheld_images)
    .where(withheld_images.c.state != _RETURNING, withheld_images.c.image_id.not_in(_hidden_only))
    .values(state=_RETURNING)
)
_WITHHOLD_AGAIN = (
    update(withheld_images)
    .where(withheld_images.c.state == _RETURNING, withheld_images.c.image_id.in_(_hidden_only))
    .values(state=_MOVING)
)
_UNFINISHED = (
    select(withheld_images.c.image_id)
    .where(withheld_images.c.state != _WITHHELD)
    .order_by(withheld_images.c.image_id)
)
_LOCK_ROW = (
    select(withheld_images)
    .where(withheld_images.c.image_id == bindparam("id"))
    .with_for_update(skip_locked=True)
)
# As for a reference to the image: it cannot be claimed for deletion meanwhile.
_LOCK_IMAGE = (
    select(images.c.key)
    .where(images.c.id == bindparam("id"), images.c.state == ImageState.STORED.value)
    .with_for_update(read=True, key_share=True, skip_locked=True)
)


class SqlWithheldImages:
    """See `sidepro.domain.images.withholding.WithheldImages`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def to_withhold(self, limit: int) -> tuple[ImageId, ...]:
        return tuple(await self._connection.scalars(_TO_WITHHOLD, {"limit": limit}))

    async def add(self, image_id: ImageId, name: ImageKey) -> None:
        row = {"image_id": image_id, "name": name, "state": _MOVING}
        added = upsert(self._connection, withheld_images).values(row)
        await self._connection.execute(added.on_conflict_do_nothing())

    async def mark_returning(self) -> None:
        await self._connection.execute(_RETURN)
        await self._connection.execute(_WITHHOLD_AGAIN)

    async def unfinished(self) -> tuple[ImageId, ...]:
        return tuple(await self._connection.scalars(_UNFINISHED))

    async def lock(self, image_id: ImageId) -> WithheldImage | None:
        row = (await self._connection.execute(_LOCK_ROW, {"id": image_id})).first()
        key = await self._connection.scalar(_LOCK_IMAGE, {"id": image_id})
        if row is None or key is None:
            return None
        return WithheldImage(image_id, key, row.name, WithholdingState(row.state))

    async def finish(self, image: WithheldImage) -> None:
        is_row = withheld_images.c.image_id == image.image_id
        if image.state is WithholdingState.RETURNING:
            await self._connection.execute(delete(withheld_images).where(is_row))
        else:
            withheld = update(withheld_images).where(is_row).values(state=_WITHHELD)
            await self._connection.execute(withheld)

    async def names(self, image_ids: Sequence[ImageId]) -> tuple[ImageKey, ...]:
        found = select(withheld_images.c.name).where(withheld_images.c.image_id.in_(image_ids))
        return tuple(await self._connection.scalars(found))

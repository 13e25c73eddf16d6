"""A person's images, in SQL."""

from collections.abc import Collection, Mapping

from sqlalchemy import BigInteger, bindparam, cast, func, select

from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.engine.keyset import KeysetQuery
from sidepro.adapters.sql.repositories.images import IS_USED
from sidepro.adapters.sql.schema.expressions import IMAGE_NAME
from sidepro.adapters.sql.schema.tables import images
from sidepro.domain.ids import UserId
from sidepro.domain.images.image import MEDIA_TYPE, ImageState
from sidepro.domain.images.urls import ImageKey, ImageUrl, ImageUrls
from sidepro.domain.images.views import ImageUsage, OwnImageView
from sidepro.domain.pagination import Page, PageRequest

_STORED = (images.c.user_id == bindparam("user"), images.c.state == ImageState.STORED.value)
_PAGES = KeysetQuery(
    select(images, IMAGE_NAME.label("name"), IS_USED.label("in_use")).where(*_STORED),
    (images.c.created_at, images.c.id),
    descending=True,
)
_USAGE = select(
    func.count().label("number"),
    cast(func.coalesce(func.sum(images.c.size), 0), BigInteger).label("size"),
).where(*_STORED)
_SIZES = select(images.c.key, images.c.width, images.c.height).where(
    images.c.key.in_(bindparam("keys", expanding=True)), images.c.state == ImageState.STORED.value
)


class SqlImageReader:
    """See `sidepro.domain.images.ports.ImageReader`."""

    def __init__(self, source: Source, urls: ImageUrls) -> None:
        self._source = source
        self._urls = urls

    async def images(self, owner_id: UserId, page: PageRequest) -> Page[OwnImageView]:
        rows = await _PAGES.page(self._source, page, {"user": owner_id})
        views = tuple(
            OwnImageView(
                id=row.id,
                url=ImageUrl(self._urls.base + row.name),
                width=row.width,
                height=row.height,
                media_type=MEDIA_TYPE,
                size=row.size,
                created_at=row.created_at,
                in_use=row.in_use,
            )
            for row in rows.items
        )
        return Page(views, rows.next, rows.previous)

    async def usage(self, owner_id: UserId) -> ImageUsage:
        (row,) = await self._source.fetch(_USAGE, {"user": owner_id})
        return ImageUsage(row.number, row.size)

    async def sizes(self, keys: Collection[ImageKey]) -> Mapping[ImageKey, tuple[int, int]]:
        rows = await self._source.fetch(_SIZES, {"keys": list(keys)}) if keys else ()
        return {ImageKey(row.key): (row.width, row.height) for row in rows}

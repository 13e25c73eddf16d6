"""Whom people block, in SQL."""

from sqlalchemy import bindparam, exists, func, select

from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.engine.keyset import KeysetQuery
from sidepro.adapters.sql.schema.chat_tables import blocks
from sidepro.adapters.sql.schema.expressions import IMAGE_OF_USER
from sidepro.adapters.sql.schema.tables import users
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import UserId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import Page, PageRequest

_BLOCKER = bindparam("blocker", type_=blocks.c.blocker_id.type)
_BY_BLOCKER = blocks.c.blocker_id == _BLOCKER
_PAGES = KeysetQuery(
    select(users.c.id, users.c.username, IMAGE_OF_USER)
    .select_from(blocks.join(users, users.c.id == blocks.c.blocked_id))
    .where(_BY_BLOCKER),
    (blocks.c.created_at, blocks.c.blocked_id),
    descending=True,
    minimal=select(blocks.c.blocked_id).where(_BY_BLOCKER),
)
_COUNT = select(func.count()).select_from(blocks).where(_BY_BLOCKER)
_BLOCKS = select(exists().where(_BY_BLOCKER, blocks.c.blocked_id == bindparam("blocked")))


class SqlBlockReader:
    """See `sidepro.domain.blocks.ports.BlockReader`."""

    def __init__(self, source: Source, images: ImageUrls) -> None:
        self._source = source
        self._images = images

    async def blocked(self, user_id: UserId, page: PageRequest) -> Page[UserSummary]:
        rows = await _PAGES.page(self._source, page, {"blocker": user_id})
        people = tuple(
            UserSummary(row.id, row.username, self._images.url(row.image_key))
            for row in rows.items
        )
        return Page(people, rows.next, rows.previous)

    async def blocked_count(self, user_id: UserId) -> int:
        (row,) = await self._source.fetch(_COUNT, {"blocker": user_id})
        return int(row[0])

    async def blocks(self, blocker: UserId, blocked: UserId) -> bool:
        (row,) = await self._source.fetch(_BLOCKS, {"blocker": blocker, "blocked": blocked})
        return bool(row[0])

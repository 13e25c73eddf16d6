"""Blocks in SQL."""

from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.schema.chat_tables import blocks
from sidepro.adapters.sql.schema.expressions import no_contact
from sidepro.domain.ids import UserId

_ONE = bindparam("one", type_=blocks.c.blocker_id.type)
_OTHER = bindparam("other", type_=blocks.c.blocker_id.type)
_IS_BETWEEN = select(no_contact(_ONE, _OTHER))
_REMOVE = delete(blocks).where(blocks.c.blocker_id == _ONE, blocks.c.blocked_id == _OTHER)


class SqlBlocks:
    """See `sidepro.domain.blocks.ports.BlockRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, blocker: UserId, blocked: UserId, now: datetime) -> bool:
        added = (
            upsert(self._connection, blocks)
            .values(blocker_id=blocker, blocked_id=blocked, created_at=now)
            .on_conflict_do_nothing(index_elements=[blocks.c.blocker_id, blocks.c.blocked_id])
            .returning(blocks.c.blocker_id)
        )
        return (await self._connection.execute(added)).first() is not None

    async def remove(self, blocker: UserId, blocked: UserId) -> bool:
        parameters = {"one": blocker, "other": blocked}
        return (await self._connection.execute(_REMOVE, parameters)).rowcount == 1

    async def is_between(self, one: UserId, other: UserId) -> bool:
        parameters = {"one": one, "other": other}
        return bool(await self._connection.scalar(_IS_BETWEEN, parameters))

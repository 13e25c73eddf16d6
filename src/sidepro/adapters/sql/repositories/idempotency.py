"""Named attempts with their answers, in SQL."""

from datetime import datetime

import psycopg
from sqlalchemy import and_, bindparam, delete, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.containing import CONTAINING, SOUGHT
from sidepro.adapters.sql.engine.upsert import upsert
from sidepro.adapters.sql.schema.tables import attempts
from sidepro.domain.errors import IdempotencyKeyInUse, IdempotencyKeyReused, Unavailable
from sidepro.domain.idempotency import (
    RESPONSE_TTL,
    WAIT_SECONDS,
    IdempotencyKey,
)
from sidepro.domain.ids import UserId

EXPIRY_BATCH = 20
"""Names of old that are removed when one is claimed: more than come in."""

_LOCK_TIMEOUT = text(f"SET LOCAL lock_timeout = {int(WAIT_SECONDS * 1000)}")
_NAMED = and_(
    attempts.c.user_id == bindparam("user"),
    attempts.c.operation == bindparam("of_operation"),
    attempts.c.key == bindparam("of_key"),
)
_KEPT = select(attempts.c.content, attempts.c.answer).where(_NAMED)
_KEEP = update(attempts).where(_NAMED).values(answer=bindparam("kept"))
_ID = (attempts.c.user_id, attempts.c.operation, attempts.c.key)
_OLD_GO = delete(attempts).where(
    tuple_(*_ID).in_(
        select(*_ID)
        .where(attempts.c.created_at <= bindparam("old"))
        .order_by(attempts.c.created_at)
        .limit(EXPIRY_BATCH)
        .with_for_update(skip_locked=True)
    )
)


_NAMING = {
    dialect: delete(attempts).where(
        tuple_(*_ID).in_(
            # Whoever holds one of them removes it, or puts another answer in its place.
            select(*_ID).where(containing(attempts.c.answer)).with_for_update(skip_locked=True)
        )
    )
    for dialect, containing in CONTAINING.items()
}


class SqlIdempotency:
    """See `sidepro.domain.idempotency.IdempotencyRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def acquire(self, name: IdempotencyKey, content: bytes, now: datetime) -> bytes | None:
        if self._connection.dialect.name == "postgresql":
            await self._connection.execute(_LOCK_TIMEOUT)
        new = upsert(self._connection, attempts).values(
            user_id=name.user_id,
            operation=name.operation,
            key=name.key,
            content=content,
            answer=b"",
            created_at=now,
        )
        # A row of another transaction is waited for here, on PostgreSQL; on SQLite, where one
        # writes at a time, it was before.
        claimed = new.on_conflict_do_update(
            index_elements=_ID,
            set_={"content": content, "answer": b"", "created_at": now},
            where=attempts.c.created_at <= now - RESPONSE_TTL,
        ).returning(attempts.c.key)
        try:
            is_ours = (await self._connection.execute(claimed)).first() is not None
        except Unavailable as error:
            if _gave_up_waiting(error):
                raise IdempotencyKeyInUse from error
            raise
        if is_ours:
            await self._connection.execute(_OLD_GO, {"old": now - RESPONSE_TTL})
            return None
        kept = (await self._connection.execute(_KEPT, _parameters(name))).one()
        if kept.content != content:
            raise IdempotencyKeyReused
        return bytes(kept.answer)

    async def save_response(self, name: IdempotencyKey, answer: bytes) -> None:
        await self._connection.execute(_KEEP, {**_parameters(name), "kept": answer})

    async def forget(self, user_id: UserId) -> None:
        naming = _NAMING[self._connection.dialect.name]
        await self._connection.execute(naming, {SOUGHT.key: str(user_id).encode()})


def _parameters(name: IdempotencyKey) -> dict[str, object]:
    return {"user": name.user_id, "of_operation": name.operation, "of_key": name.key}


def _gave_up_waiting(error: Unavailable) -> bool:
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)

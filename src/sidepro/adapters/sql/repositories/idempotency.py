"""Idempotent requests with their responses, in SQL."""

from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import (
    Delete,
    LargeBinary,
    Select,
    and_,
    bindparam,
    delete,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.dialect import contains, unlocked, upsert
from sidepro.adapters.sql.schema.tables import attempts
from sidepro.domain.errors import IdempotencyKeyInUse, IdempotencyKeyReused, Unavailable
from sidepro.domain.idempotency import RESPONSE_TTL, IdempotencyKey
from sidepro.domain.ids import UserId

_PRIMARY_KEY = (attempts.c.user_id, attempts.c.operation, attempts.c.key)
_IS_REQUEST = and_(
    attempts.c.user_id == bindparam("user"),
    attempts.c.operation == bindparam("of_operation"),
    attempts.c.key == bindparam("of_key"),
)
_STORED = select(attempts.c.content, attempts.c.answer).where(_IS_REQUEST)
_SAVE_RESPONSE = update(attempts).where(_IS_REQUEST).values(answer=bindparam("response"))


def _delete_unlocked(rows: Select[Any]) -> Delete:
    return delete(attempts).where(tuple_(*_PRIMARY_KEY).in_(unlocked(rows)))


_DELETE_EXPIRED = _delete_unlocked(
    select(*_PRIMARY_KEY)
    .where(attempts.c.created_at <= bindparam("expired"))
    .order_by(attempts.c.created_at)
    .limit(bindparam("most"))
)
# Locked rows can be skipped: they are about to be deleted or to get another response.
_DELETE_NAMING = _delete_unlocked(
    select(*_PRIMARY_KEY).where(contains(attempts.c.answer, bindparam("id", type_=LargeBinary())))
)


_WAITED_IN_VAIN = (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled)
"""The latter after other waits of the request: its statement had less time than a lock."""


class SqlIdempotency:
    """See `sidepro.domain.idempotency.IdempotencyRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def acquire(self, name: IdempotencyKey, content: bytes, now: datetime) -> bytes | None:
        new = upsert(self._connection, attempts).values(
            user_id=name.user_id,
            operation=name.operation,
            key=name.key,
            content=content,
            answer=b"",
            created_at=now,
        )
        # PostgreSQL waits here for another transaction with the same key, for `REQUEST.lock`. On
        # SQLite the whole transaction has waited already.
        acquired = new.on_conflict_do_update(
            index_elements=_PRIMARY_KEY,
            set_={"content": content, "answer": b"", "created_at": now},
            where=attempts.c.created_at <= now - RESPONSE_TTL,
        ).returning(attempts.c.key)
        try:
            is_new = (await self._connection.execute(acquired)).first() is not None
        except Unavailable as error:
            if isinstance(error.__cause__, _WAITED_IN_VAIN):
                raise IdempotencyKeyInUse from error
            raise
        if is_new:
            return None
        stored = (await self._connection.execute(_STORED, _parameters(name))).one()
        if stored.content != content:
            raise IdempotencyKeyReused
        return bytes(stored.answer)

    async def save_response(self, name: IdempotencyKey, answer: bytes) -> None:
        parameters = {**_parameters(name), "response": answer}
        await self._connection.execute(_SAVE_RESPONSE, parameters)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        parameters = {"expired": now - RESPONSE_TTL, "most": limit}
        return (await self._connection.execute(_DELETE_EXPIRED, parameters)).rowcount

    async def forget(self, user_id: UserId) -> None:
        await self._connection.execute(_DELETE_NAMING, {"id": str(user_id).encode()})


def _parameters(name: IdempotencyKey) -> dict[str, object]:
    return {"user": name.user_id, "of_operation": name.operation, "of_key": name.key}

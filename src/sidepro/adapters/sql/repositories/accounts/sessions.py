"""Sessions and refresh tokens in SQL."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Insert, Table, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.dialect import is_postgresql, unlocked
from sidepro.adapters.sql.repositories.rows import entity_loader
from sidepro.adapters.sql.schema.tables import refresh_tokens, sessions, users
from sidepro.domain.accounts.ports import TokenLookup
from sidepro.domain.accounts.session import MAX_SESSIONS, RefreshToken, Session
from sidepro.domain.ids import SessionId, UserId

_TOKENS = sessions.join(refresh_tokens, refresh_tokens.c.session_id == sessions.c.id)
_OWNER = (
    select(sessions.c.user_id)
    .select_from(_TOKENS)
    .where(refresh_tokens.c.hash == bindparam("hash"))
)
_successors = refresh_tokens.alias("successors")
_TOKEN = (
    select(
        sessions,
        refresh_tokens,
        select(func.count())
        .where(_successors.c.parent == refresh_tokens.c.hash)
        .correlate(refresh_tokens)
        .scalar_subquery()
        .label("successors"),
        exists()
        .where(_successors.c.parent == refresh_tokens.c.hash, _successors.c.used_at.is_not(None))
        .correlate(refresh_tokens)
        .label("successor_used"),
    )
    .select_from(_TOKENS)
    .where(refresh_tokens.c.hash == bindparam("hash"))
)
_USER = bindparam("session_user_id", type_=sessions.c.user_id.type)
_NOW = bindparam("session_created_at", type_=sessions.c.created_at.type)
_END_OLDEST = (
    delete(sessions)
    .where(
        sessions.c.id.in_(
            select(sessions.c.id)
            .where(sessions.c.user_id == _USER, sessions.c.expires_at > _NOW)
            .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
            .offset(MAX_SESSIONS - 1)
        )
    )
    .returning(sessions.c.id)
)


def _insert(table: Table, prefix: str) -> Insert:
    """An INSERT with the parameters of `_parameters`."""
    return insert(table).values(
        {
            column.name: bindparam(f"{prefix}_{column.name}", type_=column.type)
            for column in table.c
        }
    )


_ADD_SESSION = _insert(sessions, "session")
_ADD_TOKEN = _insert(refresh_tokens, "token")
# One statement that writes to several tables, which SQLite lacks.
_ended = _END_OLDEST.cte("ended")
_ADD_TOKENLESS = select(_ended.c.id).add_cte(_ADD_SESSION.cte("session"))
_ADD = _ADD_TOKENLESS.add_cte(_ADD_TOKEN.cte("token"))
_SESSION_USED = (
    update(sessions)
    .where(sessions.c.id == bindparam("session"))
    .values(last_used_at=bindparam("last_used_at"), expires_at=bindparam("expires_at"))
)
_TOKEN_USED = (
    update(refresh_tokens)
    .where(refresh_tokens.c.hash == bindparam("of_hash"), refresh_tokens.c.used_at.is_(None))
    .values(used_at=bindparam("used_at"))
)


load_session = entity_loader(Session)
_load_token = entity_loader(RefreshToken)


class SqlSessions:
    """See `sidepro.domain.accounts.ports.SessionRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, session: Session, token: RefreshToken | None) -> tuple[SessionId, ...]:
        parameters = _parameters("session", session)
        if token is not None:
            parameters |= _parameters("token", token)
        if is_postgresql(self._connection):
            statement = _ADD_TOKENLESS if token is None else _ADD
            return tuple(await self._connection.scalars(statement, parameters))
        ended = tuple(await self._connection.scalars(_END_OLDEST, parameters))
        for insertion in (_ADD_SESSION,) if token is None else (_ADD_SESSION, _ADD_TOKEN):
            await self._connection.execute(insertion, parameters)
        return ended

    async def owner(self, token_hash: bytes) -> UserId | None:
        return await self._connection.scalar(_OWNER, {"hash": token_hash})

    async def find_token(self, token_hash: bytes) -> TokenLookup | None:
        row = (await self._connection.execute(_TOKEN, {"hash": token_hash})).first()
        if row is None:
            return None
        return TokenLookup(
            load_session(row), _load_token(row), row.successors, bool(row.successor_used)
        )

    async def rotate(
        self, session: Session, used: RefreshToken, successor: RefreshToken, now: datetime
    ) -> None:
        await self.record_use(session)
        await self._connection.execute(_TOKEN_USED, {"of_hash": used.hash, "used_at": now})
        await self._connection.execute(_ADD_TOKEN, _parameters("token", successor))

    async def record_use(self, session: Session) -> None:
        parameters = {
            "session": session.id,
            "last_used_at": session.last_used_at,
            "expires_at": session.expires_at,
        }
        await self._connection.execute(_SESSION_USED, parameters)

    async def end(self, session_id: SessionId, user_id: UserId) -> bool:
        ended = await self._connection.execute(
            delete(sessions).where(sessions.c.id == session_id, sessions.c.user_id == user_id)
        )
        return ended.rowcount == 1

    async def end_all(
        self, user_id: UserId, *, but: SessionId | None = None
    ) -> tuple[SessionId, ...]:
        ended = await self._connection.execute(
            delete(sessions)
            .where(sessions.c.user_id == user_id, sessions.c.id.is_distinct_from(but))
            .returning(sessions.c.id)
        )
        return tuple(ended.scalars())

    async def expire_all(self, user_id: UserId, now: datetime) -> tuple[SessionId, ...]:
        expired = await self._connection.execute(
            update(sessions)
            .where(sessions.c.user_id == user_id, sessions.c.expires_at > now)
            .values(expires_at=now)
            .returning(sessions.c.id)
        )
        return tuple(expired.scalars())

    async def delete_expired(self, now: datetime, limit: int) -> int:
        suspended = select(users.c.id).where(users.c.suspended_until > now)
        expired = (
            select(sessions.c.id)
            .where(sessions.c.expires_at <= now, sessions.c.user_id.not_in(suspended))
            .limit(limit)
        )
        deleted = await self._connection.execute(
            delete(sessions).where(sessions.c.id.in_(unlocked(expired)))
        )
        return deleted.rowcount

    async def delete_used_tokens(self, used_before: datetime, limit: int) -> int:
        used = (
            select(refresh_tokens.c.hash)
            .where(refresh_tokens.c.used_at < used_before)
            .limit(limit)
        )
        deleted = await self._connection.execute(
            delete(refresh_tokens).where(refresh_tokens.c.hash.in_(unlocked(used)))
        )
        return deleted.rowcount


def _parameters(prefix: str, entity: Session | RefreshToken) -> dict[str, Any]:
    """The fields as parameters of `_insert`."""
    return {f"{prefix}_{field.name}": getattr(entity, field.name) for field in fields(entity)}

"""Sessions and refresh tokens in SQL."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.schema.tables import refresh_tokens, sessions
from sidepro.domain.accounts.ports import TokenLookup
from sidepro.domain.accounts.session import RefreshToken, Session
from sidepro.domain.ids import SessionId, UserId

_OF_TOKEN = sessions.join(refresh_tokens, refresh_tokens.c.session_id == sessions.c.id)
_OWNER = (
    select(sessions.c.user_id)
    .select_from(_OF_TOKEN)
    .where(refresh_tokens.c.hash == bindparam("hash"))
)
_successors = refresh_tokens.alias("successors")
_PRESENTED = (
    select(
        sessions,
        refresh_tokens,
        exists()
        .where(_successors.c.parent == refresh_tokens.c.hash, _successors.c.used_at.is_not(None))
        .correlate(refresh_tokens)
        .label("successor_used"),
    )
    .select_from(_OF_TOKEN)
    .where(refresh_tokens.c.hash == bindparam("hash"))
)
_EXPIRED_GO = delete(sessions).where(
    sessions.c.user_id == bindparam("begun_user_id", type_=sessions.c.user_id.type),
    sessions.c.expires_at <= bindparam("begun_created_at", type_=sessions.c.created_at.type),
)
_ADD_SESSION = insert(sessions).values(
    {one.name: bindparam(f"begun_{one.name}", type_=one.type) for one in sessions.c}
)
_ADD_TOKEN = insert(refresh_tokens).values(
    {one.name: bindparam(f"token_{one.name}", type_=one.type) for one in refresh_tokens.c}
)
# What SQLite cannot do: one statement that writes to several tables.
_BEGIN = _ADD_TOKEN.add_cte(_EXPIRED_GO.cte("gone"), _ADD_SESSION.cte("begun"))
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


class SqlSessions:
    """See `sidepro.domain.accounts.ports.SessionRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, session: Session, token: RefreshToken) -> None:
        at_once = self._connection.dialect.name == "postgresql"
        parameters = {**_parameters("begun", session), **_parameters("token", token)}
        for statement in (_BEGIN,) if at_once else (_EXPIRED_GO, _ADD_SESSION, _ADD_TOKEN):
            await self._connection.execute(statement, parameters)

    async def owner(self, token_hash: bytes) -> UserId | None:
        return await self._connection.scalar(_OWNER, {"hash": token_hash})

    async def find_token(self, token_hash: bytes) -> TokenLookup | None:
        row = (await self._connection.execute(_PRESENTED, {"hash": token_hash})).first()
        if row is None:
            return None
        token = RefreshToken(row.hash, row.session_id, row.parent, row.issued_at, row.used_at)
        return TokenLookup(session_of(row), token, bool(row.successor_used))

    async def rotate(
        self, session: Session, used: RefreshToken, successor: RefreshToken, now: datetime
    ) -> None:
        await self._connection.execute(
            _SESSION_USED,
            {
                "session": session.id,
                "last_used_at": session.last_used_at,
                "expires_at": session.expires_at,
            },
        )
        await self._connection.execute(_TOKEN_USED, {"of_hash": used.hash, "used_at": now})
        await self._connection.execute(_ADD_TOKEN, _parameters("token", successor))

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


def _parameters(name: str, thing: Session | RefreshToken) -> dict[str, Any]:
    """The members under the names that the statements know them by."""
    return {f"{name}_{part.name}": getattr(thing, part.name) for part in fields(thing)}


def session_of(row: Row) -> Session:
    return Session(
        id=row.id,
        user_id=row.user_id,
        user_agent=row.user_agent,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        ends_at=row.ends_at,
    )

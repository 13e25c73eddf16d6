"""The tokens in mails, in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.dialect import unlocked, upsert
from sidepro.adapters.sql.repositories.rows import row_of
from sidepro.adapters.sql.schema.mail_tables import account_tokens, unsubscribe_tokens
from sidepro.domain.accounts.account_token import AccountToken, TokenPurpose
from sidepro.domain.ids import UserId

_FIND = select(account_tokens).where(account_tokens.c.digest == bindparam("digest"))
_OF_USER = (
    select(account_tokens)
    .where(
        account_tokens.c.user_id == bindparam("user"),
        account_tokens.c.purpose == bindparam("purpose"),
    )
    .order_by(account_tokens.c.created_at, account_tokens.c.digest)
)
_EXPIRED = (
    select(account_tokens.c.digest)
    .where(account_tokens.c.expires_at < bindparam("expired_before"))
    .order_by(account_tokens.c.expires_at)
    .limit(bindparam("most"))
)
_DELETE_EXPIRED = delete(account_tokens).where(account_tokens.c.digest.in_(unlocked(_EXPIRED)))
_FIND_UNSUBSCRIBE = select(unsubscribe_tokens.c.user_id, unsubscribe_tokens.c.kind).where(
    unsubscribe_tokens.c.digest == bindparam("digest")
)


def _load_token(row: Any) -> AccountToken:
    return AccountToken(
        digest=bytes(row.digest),
        user_id=row.user_id,
        purpose=TokenPurpose(row.purpose),
        address_key=row.address_key,
        password_digest=bytes(row.password_digest),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


class SqlAccountTokens:
    """See `sidepro.domain.accounts.ports.AccountTokenRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, token: AccountToken) -> None:
        await self._connection.execute(insert(account_tokens), row_of(account_tokens, token))

    async def find(self, digest: bytes) -> AccountToken | None:
        row = (await self._connection.execute(_FIND, {"digest": digest})).first()
        return None if row is None else _load_token(row)

    async def of_user(self, user_id: UserId, purpose: TokenPurpose) -> Sequence[AccountToken]:
        parameters = {"user": user_id, "purpose": purpose.value}
        rows = await self._connection.execute(_OF_USER, parameters)
        return [_load_token(row) for row in rows]

    async def consume(self, digest: bytes) -> bool:
        consumed = await self._connection.execute(
            delete(account_tokens).where(account_tokens.c.digest == digest)
        )
        return consumed.rowcount > 0

    async def delete_expired(self, expired_before: datetime, limit: int) -> int:
        parameters = {"expired_before": expired_before, "most": limit}
        return (await self._connection.execute(_DELETE_EXPIRED, parameters)).rowcount


class SqlUnsubscribeTokens:
    """See `sidepro.domain.mail.ports.UnsubscribeTokenRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, digest: bytes, user_id: UserId, kind: str, now: datetime) -> None:
        new = upsert(self._connection, unsubscribe_tokens).values(
            digest=digest, user_id=user_id, kind=kind, created_at=now
        )
        await self._connection.execute(new.on_conflict_do_nothing())

    async def find(self, digest: bytes) -> tuple[UserId, str] | None:
        row = (await self._connection.execute(_FIND_UNSUBSCRIBE, {"digest": digest})).first()
        return None if row is None else (row.user_id, row.kind)

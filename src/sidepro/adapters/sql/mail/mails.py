"""The outbox in SQL."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.compiled_query import limit_param
from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.engine.dialect import unlocked
from sidepro.adapters.sql.repositories.rows import entity_loader, row_of
from sidepro.adapters.sql.schema.mail_tables import mails
from sidepro.domain.ids import MailId
from sidepro.domain.language import Language
from sidepro.domain.mail.mail import Mail, MailKind, MailState
from sidepro.domain.mail.ports import Backlog

_IS_WAITING = mails.c.state == MailState.WAITING.value
_TAKE_DUE = (
    select(mails)
    .where(_IS_WAITING, mails.c.due_at <= bindparam("now"))
    .order_by(mails.c.due_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_LOCK = select(mails).where(mails.c.id == bindparam("id")).with_for_update()
_OLD = (
    select(mails.c.id)
    .where(
        or_(
            and_(
                mails.c.state == MailState.SENT.value,
                mails.c.sent_at < bindparam("sent_before"),
            ),
            and_(
                mails.c.state == MailState.FAILED.value,
                mails.c.created_at < bindparam("failed_before"),
            ),
        )
    )
    .limit(bindparam("most"))
)
_DELETE_OLD = delete(mails).where(mails.c.id.in_(unlocked(_OLD)))
_NEWEST = select(mails).order_by(mails.c.id.desc()).limit(limit_param("limit"))
_NEWEST_IN_STATE = _NEWEST.where(mails.c.state == bindparam("state"))
_BACKLOG = select(
    func.coalesce(func.sum(case((_IS_WAITING, 1), else_=0)), 0).label("waiting"),
    func.coalesce(func.sum(case((_IS_WAITING, 0), else_=1)), 0).label("failed"),
    func.min(case((mails.c.attempts == 0, mails.c.due_at), else_=mails.c.created_at))
    .filter(_IS_WAITING, or_(mails.c.attempts > 0, mails.c.due_at <= bindparam("now")))
    .label("oldest_due_at"),
).where(mails.c.state != MailState.SENT.value)

_load_members = entity_loader(Mail)


def load_mail(row: Any) -> Mail:
    mail = _load_members(row)
    return replace(
        mail,
        kind=MailKind(mail.kind),
        language=Language(mail.language),
        state=MailState(mail.state),
        content=json.loads(row.content),
        token_digest=None if mail.token_digest is None else bytes(mail.token_digest),
    )


class SqlMails:
    """See `sidepro.domain.mail.ports.MailRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, mail: Mail) -> None:
        await self._connection.execute(insert(mails), _row(mail))

    async def take_due(self, now: datetime) -> Mail | None:
        row = (await self._connection.execute(_TAKE_DUE, {"now": now})).first()
        return None if row is None else load_mail(row)

    async def get(self, mail_id: MailId) -> Mail | None:
        row = (await self._connection.execute(_LOCK, {"id": mail_id})).first()
        return None if row is None else load_mail(row)

    async def save(self, mail: Mail) -> None:
        row = _row(mail)
        del row["id"]
        await self._connection.execute(update(mails).where(mails.c.id == mail.id).values(row))

    async def delete(self, mail_id: MailId) -> None:
        await self._connection.execute(delete(mails).where(mails.c.id == mail_id))

    async def delete_old(self, sent_before: datetime, failed_before: datetime, limit: int) -> int:
        parameters = {"sent_before": sent_before, "failed_before": failed_before, "most": limit}
        return (await self._connection.execute(_DELETE_OLD, parameters)).rowcount


class SqlMailReader:
    """See `sidepro.domain.mail.ports.MailReader`."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def mails(self, state: MailState | None, limit: int) -> Sequence[Mail]:
        statement = _NEWEST if state is None else _NEWEST_IN_STATE
        parameters = {"state": state and state.value, "limit": limit}
        return [load_mail(row) for row in await self._source.fetch(statement, parameters)]

    async def backlog(self, now: datetime) -> Backlog:
        (row,) = await self._source.fetch(_BACKLOG, {"now": now})
        return Backlog(int(row.waiting), int(row.failed), row.oldest_due_at)


def _row(mail: Mail) -> dict[str, Any]:
    return {**row_of(mails, mail), "content": json.dumps(dict(mail.content), ensure_ascii=False)}

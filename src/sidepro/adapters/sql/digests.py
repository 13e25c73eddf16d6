"""What digests have told, in SQL."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.compiled_query import limit_param
from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.readers.notification_reader import SqlNotificationReader
from sidepro.adapters.sql.schema.chat_tables import messages, rooms
from sidepro.adapters.sql.schema.mail_tables import mails
from sidepro.adapters.sql.schema.notification_tables import (
    digests,
    mailed_rooms,
    notification_settings,
    notifications,
)
from sidepro.adapters.sql.schema.tables import users
from sidepro.domain.digests.ports import DigestContent, UnreadChat
from sidepro.domain.ids import UserId
from sidepro.domain.mail.mail import MailKind, MailState
from sidepro.domain.notifications.notification import DEFAULT_SETTINGS, MESSAGES, Delivery
from sidepro.domain.notifications.ports import ChangedEntry

WINDOW = timedelta(days=1)
"""What stayed unread for longer is not mailed any more: the job was away, or mail was off."""

_MAIL = Delivery.MAIL.value


def _default(kind: ColumnElement[str]) -> ColumnElement[str]:
    # Not IN: a list of constants is no parameter of a compiled query.
    by_mail = or_(
        *(kind == name for name, chosen in DEFAULT_SETTINGS.items() if chosen is Delivery.MAIL)
    )
    return case((by_mail, literal(_MAIL)), else_=literal(Delivery.WEB.value))


def _wants(user_id: ColumnElement[Any], kind: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a person wants a kind by mail."""
    chosen = (
        select(notification_settings.c.delivery)
        .where(notification_settings.c.user_id == user_id, notification_settings.c.kind == kind)
        .scalar_subquery()
    )
    return func.coalesce(chosen, _default(kind)) == literal(_MAIL)


_SINCE = bindparam("since", type_=notifications.c.created_at.type)
_OLDEST = bindparam("oldest", type_=notifications.c.created_at.type)

_UNTOLD = and_(
    notifications.c.read_at.is_(None),
    notifications.c.mailed_at.is_(None),
    _wants(notifications.c.recipient_id, notifications.c.kind),
)


def _unread_rooms(
    user_id: ColumnElement[Any], read_seq: ColumnElement[int], *which: ColumnElement[bool]
) -> Any:
    """The rooms of one side with messages of the other one that no digest has told, and without
    a block. `which` are more conditions on rooms.
    """
    told = (
        select(mailed_rooms.c.seq)
        .where(
            mailed_rooms.c.room_id == rooms.c.id,
            mailed_rooms.c.user_id == user_id,
            mailed_rooms.c.seq > read_seq,
        )
        .exists()
    )
    unread = and_(
        messages.c.room_id == rooms.c.id,
        messages.c.seq > read_seq,
        messages.c.sender_id.is_distinct_from(user_id),
    )
    return (
        select(
            user_id.label("user_id"),
            rooms.c.id.label("room_id"),
            rooms.c.last_seq,
            func.count().label("messages"),
            func.min(messages.c.sent_at).label("first_at"),
        )
        .join(messages, unread)
        .where(
            rooms.c.last_seq > read_seq,
            rooms.c.left_by.is_distinct_from(user_id),
            ~rooms.c.is_blocked,
            ~told,
            _wants(user_id, literal(MESSAGES)),
            *which,
        )
        .group_by(user_id, rooms.c.id, rooms.c.last_seq)
    )


# Implied by first_at > oldest, and spares reading the messages of all rooms that were given up.
_IS_RECENT = rooms.c.updated_at > _OLDEST

_NEWS = union(
    select(notifications.c.recipient_id.label("user_id")).where(
        _UNTOLD, notifications.c.created_at <= _SINCE, notifications.c.created_at > _OLDEST
    ),
    *(
        select(side.c.user_id).where(side.c.first_at <= _SINCE, side.c.first_at > _OLDEST)
        for side in (
            _unread_rooms(rooms.c.low_id, rooms.c.low_read_seq, _IS_RECENT).subquery("low"),
            _unread_rooms(rooms.c.high_id, rooms.c.high_read_seq, _IS_RECENT).subquery("high"),
        )
    ),
).subquery("news")

_NOT_SINCE = bindparam("not_since", type_=digests.c.begun_at.type)

# One that was begun long ago may have waited for the mail server until now.
_LAST_MAIL = exists().where(
    mails.c.user_id == users.c.id,
    mails.c.kind == literal(MailKind.DIGEST.value),
    or_(mails.c.state == literal(MailState.WAITING.value), mails.c.sent_at > _NOT_SINCE),
)

_DUE = (
    select(users.c.id)
    .join(_NEWS, _NEWS.c.user_id == users.c.id)
    .outerjoin(digests, digests.c.user_id == users.c.id)
    .where(
        users.c.is_active,
        users.c.email_verified,
        or_(digests.c.begun_at.is_(None), digests.c.begun_at <= _NOT_SINCE),
        ~_LAST_MAIL,
    )
    .order_by(users.c.id)
    .limit(limit_param("limit"))
)

_USER = bindparam("user", type_=users.c.id.type)

_UNTOLD_OF_USER = (
    select(notifications.c.id)
    .where(notifications.c.recipient_id == _USER, _UNTOLD)
    .order_by(notifications.c.id)
    .with_for_update()
)

_CHATS = [
    select(side.c.room_id, side.c.last_seq, side.c.messages, users.c.username)
    .join(rooms, rooms.c.id == side.c.room_id)
    .outerjoin(users, users.c.id == other)
    .where(side.c.user_id == _USER)
    .order_by(side.c.room_id)
    for side, other in (
        (_unread_rooms(rooms.c.low_id, rooms.c.low_read_seq).subquery("side"), rooms.c.high_id),
        (_unread_rooms(rooms.c.high_id, rooms.c.high_read_seq).subquery("side"), rooms.c.low_id),
    )
]


class SqlDigestReader:
    """See `sidepro.domain.digests.ports.DigestReader`."""

    def __init__(self, database: Source) -> None:
        self._database = database

    async def due(self, unread_since: datetime, not_since: datetime, limit: int) -> list[UserId]:
        rows = await self._database.fetch(
            _DUE,
            {
                "since": unread_since,
                "oldest": unread_since - WINDOW,
                "not_since": not_since,
                "limit": limit,
            },
        )
        return [row.id for row in rows]


class SqlDigests:
    """See `sidepro.domain.digests.ports.DigestRepository`."""

    def __init__(self, connection: AsyncConnection, notifications: SqlNotificationReader) -> None:
        """`notifications` reads in the same transaction."""
        self._connection = connection
        self._notifications = notifications

    async def begin(self, user_id: UserId, now: datetime, not_since: datetime) -> bool:
        begun = (
            upsert(self._connection, digests)
            .values(user_id=user_id, begun_at=now)
            .on_conflict_do_update(
                index_elements=[digests.c.user_id],
                set_={"begun_at": now},
                where=digests.c.begun_at <= not_since,
            )
            .returning(digests.c.user_id)
        )
        return (await self._connection.execute(begun)).first() is not None

    async def collect(self, user_id: UserId, now: datetime) -> DigestContent:
        parameters = {"user": user_id}
        ids = list(await self._connection.scalars(_UNTOLD_OF_USER, parameters))
        if ids:
            told = update(notifications).where(notifications.c.id.in_(ids)).values(mailed_at=now)
            await self._connection.execute(told)
        views = await self._notifications.entries([ChangedEntry(user_id, one) for one in ids])
        entries = sorted(views.values(), key=lambda view: view.created_at, reverse=True)
        chats = []
        for side in _CHATS:
            for row in await self._connection.execute(side, parameters):
                chats.append(UnreadChat(row.username, row.messages))
                await self._connection.execute(
                    upsert(self._connection, mailed_rooms)
                    .values(user_id=user_id, room_id=row.room_id, seq=row.last_seq)
                    .on_conflict_do_update(
                        index_elements=[mailed_rooms.c.user_id, mailed_rooms.c.room_id],
                        set_={"seq": row.last_seq},
                    )
                )
        return DigestContent(entries, chats)

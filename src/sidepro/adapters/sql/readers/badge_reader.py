"""The badges of people, in SQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    Select,
    bindparam,
    false,
    func,
    literal_column,
    select,
    true,
    union_all,
)

from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.readers.unread import unread_count
from sidepro.adapters.sql.schema.chat_tables import chat_requests, rooms
from sidepro.adapters.sql.schema.notification_tables import notifications
from sidepro.domain.clock import Clock
from sidepro.domain.coffee_chats.chat_request import REQUEST_TTL, RequestState
from sidepro.domain.ids import UserId
from sidepro.domain.person_stream.views import Badges


def _rooms_with_news(user: Column[Any], read_seq: Column[int]) -> Select[Any]:
    """The rooms of one side that have messages after the read position. Most rooms have none, so
    their messages are not looked up.
    """
    is_low = true() if user is rooms.c.low_id else false()
    unread = unread_count(user, read_seq, is_low)
    return select(user.label("user_id"), unread.label("unread")).where(
        user.in_(bindparam("users", expanding=True)),
        rooms.c.left_by.is_distinct_from(user),
        rooms.c.last_seq > read_seq,
    )


_ROOMS = union_all(
    _rooms_with_news(rooms.c.low_id, rooms.c.low_read_seq),
    _rooms_with_news(rooms.c.high_id, rooms.c.high_read_seq),
).subquery("rooms_with_news")

_USERS: BindParameter[Any] = bindparam("users", expanding=True)

_MESSAGES, _NOTIFICATIONS, _REQUESTS = 0, 1, 2

_BADGES = union_all(
    select(
        _ROOMS.c.user_id,
        literal_column(str(_MESSAGES)).label("badge"),
        func.count().label("number"),
        func.sum(_ROOMS.c.unread).label("messages"),
    )
    .where(_ROOMS.c.unread > 0)
    .group_by(_ROOMS.c.user_id),
    # From the index of unread entries alone.
    select(
        notifications.c.recipient_id,
        literal_column(str(_NOTIFICATIONS)),
        func.count(),
        literal_column("0"),
    )
    .where(notifications.c.recipient_id.in_(_USERS), notifications.c.read_at.is_(None))
    .group_by(notifications.c.recipient_id),
    select(
        chat_requests.c.to_id,
        literal_column(str(_REQUESTS)),
        func.count(),
        literal_column("0"),
    )
    .where(
        chat_requests.c.to_id.in_(_USERS),
        chat_requests.c.state == literal_column(f"'{RequestState.PENDING.value}'"),
        chat_requests.c.created_at
        > bindparam("expired_before", type_=chat_requests.c.created_at.type),
    )
    .group_by(chat_requests.c.to_id),
)


class SqlBadgeReader:
    """See `sidepro.domain.person_stream.ports.BadgeReader`."""

    def __init__(self, database: Source, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def badges(self, user_ids: Collection[UserId]) -> Mapping[UserId, Badges]:
        rows = await self._database.fetch(
            _BADGES, {"users": list(user_ids), "expired_before": self._clock() - REQUEST_TTL}
        )
        found: dict[UserId, dict[str, int]] = defaultdict(dict)
        for row in rows:
            if row.badge == _MESSAGES:
                counts = {"unread_rooms": row.number, "unread_messages": int(row.messages)}
            elif row.badge == _NOTIFICATIONS:
                counts = {"unread_notifications": row.number}
            else:
                counts = {"pending_requests": row.number}
            found[row.user_id] |= counts
        return {user_id: Badges(**badges) for user_id, badges in found.items()}

"""Rooms and messages as their participants see them, in SQL."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    join,
    or_,
    select,
)

from sidepro.adapters.sql.engine.compiled_query import Row, limit_param
from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.engine.keyset import KeysetQuery
from sidepro.adapters.sql.readers.unread import unread_count
from sidepro.adapters.sql.repositories.rooms import load_message, load_room, optional_room
from sidepro.adapters.sql.schema.chat_tables import messages, rooms
from sidepro.adapters.sql.schema.expressions import IMAGE_OF_USER
from sidepro.adapters.sql.schema.tables import users
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.rooms.room import Message, Room, RoomStatus
from sidepro.domain.rooms.views import RoomView, Unread

_ROOM = select(rooms).where(rooms.c.id == bindparam("id"))

_ID_OF_PAIR = select(rooms.c.id).where(
    rooms.c.low_id == bindparam("low"), rooms.c.high_id == bindparam("high")
)

_ROOMS = select(rooms).where(rooms.c.id.in_(bindparam("ids", expanding=True)))

_MESSAGES = select(messages).where(messages.c.room_id == bindparam("room"))

_MESSAGES_AFTER = (
    _MESSAGES.where(messages.c.seq > bindparam("seq"))
    .order_by(messages.c.seq)
    .limit(limit_param("limit"))
)

_MESSAGES_BEFORE = (
    _MESSAGES.where(messages.c.seq < bindparam("seq"))
    .order_by(messages.c.seq.desc())
    .limit(limit_param("limit"))
)

_LATEST_MESSAGES = _MESSAGES.order_by(messages.c.seq.desc()).limit(limit_param("limit"))

_USER = bindparam("user", type_=rooms.c.low_id.type)


def _read_seq(user: ColumnElement[Any]) -> ColumnElement[int]:
    return case((rooms.c.low_id == user, rooms.c.low_read_seq), else_=rooms.c.high_read_seq)


def _in_list_of(user: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(
        or_(rooms.c.low_id == user, rooms.c.high_id == user),
        rooms.c.left_by.is_distinct_from(user),
    )


def _unread(user: ColumnElement[Any]) -> ColumnElement[int]:
    return unread_count(user, _read_seq(user), rooms.c.low_id == user, _VIEWERS)


def _room_views(
    user: ColumnElement[Any], source: FromClause = rooms, *columns: ColumnElement[Any]
) -> Select[Any]:
    """The rooms of `source` that a user has not left, as they see them."""
    other_id = case((rooms.c.low_id == user, rooms.c.high_id), else_=rooms.c.low_id)
    return (
        select(
            rooms,
            users.c.id.label("other_id"),
            users.c.username.label("other_name"),
            IMAGE_OF_USER,
            _unread(user).label("unread"),
            messages.c.seq,
            messages.c.sender_id,
            messages.c.body,
            messages.c.client_id,
            messages.c.sent_at,
            messages.c.visibility,
            *columns,
        )
        .outerjoin_from(source, users, users.c.id == other_id)
        .outerjoin(
            messages,
            and_(messages.c.room_id == rooms.c.id, messages.c.seq == rooms.c.last_seq),
        )
        .where(_in_list_of(user))
    )


_VIEWERS = users.alias("viewers")

_ROOM_VIEWS = _room_views(_USER)

_VIEWS_OF_USERS = _room_views(
    _VIEWERS.c.id,
    join(rooms, _VIEWERS, or_(rooms.c.low_id == _VIEWERS.c.id, rooms.c.high_id == _VIEWERS.c.id)),
    _VIEWERS.c.id.label("viewer_id"),
).where(
    rooms.c.id.in_(bindparam("rooms", expanding=True)),
    _VIEWERS.c.id.in_(bindparam("users", expanding=True)),
)

_ROOM_VIEW = _ROOM_VIEWS.where(rooms.c.id == bindparam("id"))

_ROOMS_OF = KeysetQuery(_ROOM_VIEWS, (rooms.c.updated_at, rooms.c.id), descending=True)

_ROOM_COUNT = select(func.count()).select_from(rooms).where(_in_list_of(_USER))

# Most rooms have nothing new, so their messages are not looked up.
_UNREAD_BY_ROOM = (
    select(_unread(_USER).label("unread"))
    .where(_in_list_of(_USER), rooms.c.last_seq > _read_seq(_USER))
    .subquery("unread_by_room")
)
_UNREAD_IN_ALL = select(
    func.count().label("rooms"),
    cast(func.coalesce(func.sum(_UNREAD_BY_ROOM.c.unread), 0), BigInteger).label("messages"),
).where(_UNREAD_BY_ROOM.c.unread > 0)


class SqlRoomReader:
    """See `sidepro.domain.rooms.ports.RoomReader`."""

    def __init__(self, database: Source, images: ImageUrls) -> None:
        self._database = database
        self._images = images

    async def rooms(self, user_id: UserId, page: PageRequest) -> Page[RoomView]:
        rows = await _ROOMS_OF.page(self._database, page, {"user": user_id})
        views = tuple(self._view(row, user_id) for row in rows.items)
        return Page(views, rows.next, rows.previous)

    async def room_count(self, user_id: UserId) -> int:
        (row,) = await self._database.fetch(_ROOM_COUNT, {"user": user_id})
        return int(row[0])

    async def unread(self, user_id: UserId) -> Unread:
        (row,) = await self._database.fetch(_UNREAD_IN_ALL, {"user": user_id})
        return Unread(row.rooms, row.messages)

    async def room(self, room_id: RoomId, user_id: UserId) -> RoomView | None:
        row = await self._database.fetch_one(_ROOM_VIEW, {"id": room_id, "user": user_id})
        return None if row is None else self._view(row, user_id)

    async def views(
        self, keys: Collection[tuple[UserId, RoomId]]
    ) -> Mapping[tuple[UserId, RoomId], RoomView]:
        people, room_ids = (list(set(part)) for part in zip(*keys, strict=True))
        rows = await self._database.fetch(_VIEWS_OF_USERS, {"users": people, "rooms": room_ids})
        asked = set(keys)
        return {
            (row.viewer_id, row.id): self._view(row, row.viewer_id)
            for row in rows
            if (row.viewer_id, row.id) in asked
        }

    async def id_of_pair(self, one: UserId, other: UserId) -> RoomId | None:
        low, high = sorted((one, other))
        row = await self._database.fetch_one(_ID_OF_PAIR, {"low": low, "high": high})
        return None if row is None else row.id

    async def state(self, room_id: RoomId) -> Room | None:
        return optional_room(await self._database.fetch_one(_ROOM, {"id": room_id}))

    async def states(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        rows = await self._database.fetch(_ROOMS, {"ids": list(room_ids)})
        return {row.id: load_room(row) for row in rows}

    async def messages(
        self, room_id: RoomId, *, after: int | None, before: int | None, limit: int
    ) -> tuple[Message, ...]:
        parameters = {"room": room_id, "limit": limit}
        if after is not None:
            statement = _MESSAGES_AFTER
            parameters["seq"] = after
        elif before is not None:
            statement = _MESSAGES_BEFORE
            parameters["seq"] = before
        else:
            statement = _LATEST_MESSAGES
        rows = await self._database.fetch(statement, parameters)
        found = tuple(load_message(row) for row in rows)
        return found if after is not None else found[::-1]

    def _view(self, row: Row, user_id: UserId) -> RoomView:
        read_seq, participant_read_seq = row.low_read_seq, row.high_read_seq
        frozen_seq = row.high_frozen_seq
        if row.low_id != user_id:
            read_seq, participant_read_seq = participant_read_seq, read_seq
            frozen_seq = row.low_frozen_seq
        if row.is_blocked and frozen_seq is not None:
            participant_read_seq = frozen_seq
        writable = row.left_by is None and row.other_id is not None and not row.is_blocked
        last_message = None
        if row.seq is not None:
            last_message = Message(
                row.id,
                row.seq,
                row.sender_id,
                row.body,
                row.client_id,
                row.sent_at,
                row.visibility,
            ).seen_by(user_id)
        return RoomView(
            id=row.id,
            participant=None
            if row.other_id is None
            else UserSummary(row.other_id, row.other_name, self._images.url(row.image_key)),
            status=RoomStatus.STOP if writable else RoomStatus.PENDING,
            left_by=None if row.is_blocked else row.left_by,
            last_message=last_message,
            last_seq=row.last_seq,
            read_seq=read_seq,
            participant_read_seq=participant_read_seq,
            unread_count=row.unread,
            created_at=row.created_at,
            updated_at=row.updated_at,
            writable=writable,
        )

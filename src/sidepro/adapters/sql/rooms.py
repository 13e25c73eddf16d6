"""Rooms and messages in SQL."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    Executable,
    Select,
    and_,
    any_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.database import Source
from sidepro.adapters.sql.fetching import Row, at_most
from sidepro.adapters.sql.images import IMAGE_OF_USER
from sidepro.adapters.sql.keyset import Listing
from sidepro.adapters.sql.many import Rows, as_parameter, given_rows
from sidepro.adapters.sql.tables import messages, rooms, users
from sidepro.adapters.sql.upsert import upsert
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.images.addresses import ImageAddresses
from sidepro.domain.rooms.ports import MessageName
from sidepro.domain.rooms.room import Message, Room, RoomStatus, Seat
from sidepro.domain.rooms.views import RoomView
from sidepro.domain.shared import Page, PageRequest, RoomId, UserId

_ROOM = select(rooms).where(rooms.c.id == bindparam("id"))
_ROOM_HELD = _ROOM.with_for_update(key_share=True)
_ROOMS = select(rooms).where(rooms.c.id.in_(bindparam("ids", expanding=True)))
_ROOM_OF_PAIR = (
    select(rooms)
    .where(rooms.c.low_id == bindparam("low"), rooms.c.high_id == bindparam("high"))
    .with_for_update(key_share=True)
)
_ROOMS_OF_IDS_HELD = _ROOMS.order_by(rooms.c.id)
_MESSAGES_NAMED = select(messages).where(
    tuple_(messages.c.room_id, messages.c.sender_id, messages.c.client_id).in_(
        bindparam("names", expanding=True)
    )
)
_ADD_MESSAGE = insert(messages)
_CHANGING = (
    *("low_id", "high_id", "low_read_seq", "high_read_seq"),
    *("left_by", "last_seq", "updated_at"),
)
_SAVE = (
    update(rooms)
    .where(rooms.c.id == bindparam("of"))
    .values({name: bindparam(name) for name in _CHANGING})
)

# The same for PostgreSQL: see `many`.
_ROOMS_OF_ARRAY_HELD = (
    select(rooms)
    .where(rooms.c.id == any_(bindparam("ids", type_=ARRAY(rooms.c.id.type))))
    .order_by(rooms.c.id)
    .with_for_update(key_share=True)
)
_NAME = ("room_id", "sender_id", "client_id")
_NAMES = given_rows({part: messages.c[part] for part in _NAME})
_GIVEN_MESSAGES = select(messages).join(
    _NAMES, and_(*(messages.c[part] == _NAMES.c[part] for part in _NAME))
)
_MESSAGE_ROWS = given_rows(dict(messages.c.items()))
_ADD_GIVEN = insert(messages).from_select(_MESSAGE_ROWS.c.keys(), select(_MESSAGE_ROWS))
_ROOM_ROWS = given_rows({"of": rooms.c.id, **{name: rooms.c[name] for name in _CHANGING}})
_SAVE_GIVEN = (
    update(rooms)
    .where(rooms.c.id == _ROOM_ROWS.c.of)
    .values({name: _ROOM_ROWS.c[name] for name in _CHANGING})
)

_MESSAGES = select(messages).where(messages.c.room_id == bindparam("room"))
_MESSAGES_AFTER = (
    _MESSAGES.where(messages.c.seq > bindparam("place"))
    .order_by(messages.c.seq)
    .limit(at_most("most"))
)
_MESSAGES_BEFORE = (
    _MESSAGES.where(messages.c.seq < bindparam("place"))
    .order_by(messages.c.seq.desc())
    .limit(at_most("most"))
)
_LATEST_MESSAGES = _MESSAGES.order_by(messages.c.seq.desc()).limit(at_most("most"))

_ME = bindparam("me", type_=rooms.c.low_id.type)
_I_AM_LOW = rooms.c.low_id == _ME
_ROOMS_HELD = (
    select(rooms)
    .where(or_(_I_AM_LOW, rooms.c.high_id == _ME))
    .order_by(rooms.c.id)
    .with_for_update(key_share=True)
)
_READ = case((_I_AM_LOW, rooms.c.low_read_seq), else_=rooms.c.high_read_seq)
_OTHER_ID = case((_I_AM_LOW, rooms.c.high_id), else_=rooms.c.low_id)
_MINE = and_(
    or_(_I_AM_LOW, rooms.c.high_id == _ME),
    rooms.c.left_by.is_distinct_from(_ME),
)
_UNREAD = (
    select(func.count())
    .select_from(messages)
    .where(
        messages.c.room_id == rooms.c.id,
        messages.c.seq > _READ,
        messages.c.sender_id.is_distinct_from(_ME),
    )
    .correlate(rooms)
    .scalar_subquery()
)
_VIEWS: Select[Any] = (
    select(
        rooms,
        users.c.id.label("other_id"),
        users.c.username.label("other_name"),
        IMAGE_OF_USER,
        _UNREAD.label("unread"),
        messages.c.seq,
        messages.c.sender_id,
        messages.c.body,
        messages.c.client_id,
        messages.c.sent_at,
    )
    .select_from(
        rooms.outerjoin(users, users.c.id == _OTHER_ID).outerjoin(
            messages,
            and_(messages.c.room_id == rooms.c.id, messages.c.seq == rooms.c.last_seq),
        )
    )
    .where(_MINE)
)
_ROOM_VIEW = _VIEWS.where(rooms.c.id == bindparam("id"))
_ROOMS_OF = Listing(_VIEWS, (rooms.c.updated_at, rooms.c.id), descending=True)
_ROOM_COUNT = select(func.count()).select_from(rooms).where(_MINE)


class SqlRooms:
    """See `sidepro.domain.rooms.ports.RoomRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._is_postgresql = connection.dialect.name == "postgresql"

    async def add_if_absent(self, room: Room) -> bool:
        new = upsert(self._connection, rooms).values(
            id=room.id, created_at=room.created_at, **_values(room)
        )
        added = new.on_conflict_do_nothing(
            index_elements=[rooms.c.low_id, rooms.c.high_id]
        ).returning(rooms.c.id)
        return (await self._connection.execute(added)).first() is not None

    async def get(self, room_id: RoomId) -> Room | None:
        return _room((await self._connection.execute(_ROOM_HELD, {"id": room_id})).first())

    async def get_all(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        held = _ROOMS_OF_ARRAY_HELD if self._is_postgresql else _ROOMS_OF_IDS_HELD
        rows = await self._connection.execute(held, {"ids": list(room_ids)})
        return {row.id: _existing(row) for row in rows}

    async def get_of_pair(self, one: UserId, other: UserId) -> Room | None:
        low, high = sorted((one, other))
        found = await self._connection.execute(_ROOM_OF_PAIR, {"low": low, "high": high})
        return _room(found.first())

    async def of_user(self, user_id: UserId) -> tuple[Room, ...]:
        rows = await self._connection.execute(_ROOMS_HELD, {"me": user_id})
        return tuple(_existing(row) for row in rows)

    async def save(self, *changed: Room) -> None:
        values = [{"of": room.id, **_values(room)} for room in changed]
        await self._write(_SAVE, _SAVE_GIVEN, values)

    async def delete(self, room_id: RoomId) -> None:
        await self._connection.execute(delete(rooms).where(rooms.c.id == room_id))

    async def add_messages(self, *new: Message) -> None:
        values = [
            {
                "room_id": message.room_id,
                "seq": message.seq,
                "sender_id": message.sender_id,
                "body": message.body,
                "client_id": message.client_id,
                "sent_at": message.sent_at,
            }
            for message in new
        ]
        await self._write(_ADD_MESSAGE, _ADD_GIVEN, values)

    async def named(self, names: Collection[MessageName]) -> dict[MessageName, Message]:
        if not names:
            return {}
        if self._is_postgresql:
            given = as_parameter([dict(zip(_NAME, name, strict=True)) for name in names])
            rows = await self._connection.execute(_GIVEN_MESSAGES, given)
        else:
            rows = await self._connection.execute(_MESSAGES_NAMED, {"names": list(names)})
        return {(row.room_id, row.sender_id, row.client_id): _message(row) for row in rows}

    async def _write(self, of_each: Executable, of_given: Executable, rows: Rows) -> None:
        if self._is_postgresql:
            await self._connection.execute(of_given, as_parameter(rows))
        else:
            await self._connection.execute(of_each, rows)


class SqlRoomReader:
    """See `sidepro.domain.rooms.ports.RoomReader`."""

    def __init__(self, database: Source, images: ImageAddresses) -> None:
        self._database = database
        self._images = images

    async def rooms(self, user_id: UserId, page: PageRequest) -> Page[RoomView]:
        rows = await _ROOMS_OF.page(self._database, page, {"me": user_id})
        views = tuple(self._view(row, user_id) for row in rows.items)
        return Page(views, rows.next, rows.previous)

    async def room_count(self, user_id: UserId) -> int:
        (row,) = await self._database.fetch(_ROOM_COUNT, {"me": user_id})
        return int(row[0])

    async def room(self, room_id: RoomId, user_id: UserId) -> RoomView | None:
        row = await self._database.fetch_one(_ROOM_VIEW, {"id": room_id, "me": user_id})
        return None if row is None else self._view(row, user_id)

    async def state(self, room_id: RoomId) -> Room | None:
        return _room(await self._database.fetch_one(_ROOM, {"id": room_id}))

    async def states(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        rows = await self._database.fetch(_ROOMS, {"ids": list(room_ids)})
        return {row.id: _existing(row) for row in rows}

    async def messages(
        self, room_id: RoomId, *, after: int | None, before: int | None, limit: int
    ) -> tuple[Message, ...]:
        parameters = {"room": room_id, "most": limit}
        if after is not None:
            statement = _MESSAGES_AFTER
            parameters["place"] = after
        elif before is not None:
            statement = _MESSAGES_BEFORE
            parameters["place"] = before
        else:
            statement = _LATEST_MESSAGES
        rows = await self._database.fetch(statement, parameters)
        found = tuple(_message(row) for row in rows)
        return found if after is not None else found[::-1]

    def _view(self, row: Row, me: UserId) -> RoomView:
        mine = 0 if row.low_id == me else 1
        read = (row.low_read_seq, row.high_read_seq)
        pending = row.left_by is not None or row.other_id is None
        last_message = None
        if row.seq is not None:
            last_message = Message(
                row.id, row.seq, row.sender_id, row.body, row.client_id, row.sent_at
            )
        return RoomView(
            id=row.id,
            participant=None
            if row.other_id is None
            else UserSummary(row.other_id, row.other_name, self._images.url(row.image_key)),
            status=RoomStatus.PENDING if pending else RoomStatus.STOP,
            left_by=row.left_by,
            last_message=last_message,
            last_seq=row.last_seq,
            read_seq=read[mine],
            participant_read_seq=read[1 - mine],
            unread_count=row.unread,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


def _values(room: Room) -> dict[str, Any]:
    low, high = room.seats
    return {
        "low_id": low.user_id,
        "high_id": high.user_id,
        "low_read_seq": low.read_seq,
        "high_read_seq": high.read_seq,
        "left_by": room.left_by,
        "last_seq": room.last_seq,
        "updated_at": room.updated_at,
    }


def _room(row: Row | None) -> Room | None:
    return None if row is None else _existing(row)


def _existing(row: Row) -> Room:
    return Room(
        id=row.id,
        seats=(Seat(row.low_id, row.low_read_seq), Seat(row.high_id, row.high_read_seq)),
        left_by=row.left_by,
        last_seq=row.last_seq,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _message(row: Row) -> Message:
    return Message(
        room_id=row.room_id,
        seq=row.seq,
        sender_id=row.sender_id,
        body=row.body,
        client_id=row.client_id,
        sent_at=row.sent_at,
    )

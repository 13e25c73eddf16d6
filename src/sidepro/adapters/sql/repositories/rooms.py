"""Rooms and messages in SQL."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    Executable,
    and_,
    any_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.dialect import (
    json_parameter,
    json_rows,
    upsert,
)
from sidepro.adapters.sql.schema.tables import (
    messages,
    rooms,
)
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.ports import MessageName
from sidepro.domain.rooms.room import Message, Participant, Room

_ROOM_HELD = select(rooms).where(rooms.c.id == bindparam("id")).with_for_update(key_share=True)
_ROOM_OF_PAIR = (
    select(rooms)
    .where(rooms.c.low_id == bindparam("low"), rooms.c.high_id == bindparam("high"))
    .with_for_update(key_share=True)
)
_ROOMS_OF_IDS_HELD = (
    select(rooms).where(rooms.c.id.in_(bindparam("ids", expanding=True))).order_by(rooms.c.id)
)
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
_NAMES = json_rows({part: messages.c[part] for part in _NAME})
_GIVEN_MESSAGES = select(messages).join(
    _NAMES, and_(*(messages.c[part] == _NAMES.c[part] for part in _NAME))
)
_MESSAGE_ROWS = json_rows(dict(messages.c.items()))
_ADD_GIVEN = insert(messages).from_select(_MESSAGE_ROWS.c.keys(), select(_MESSAGE_ROWS))
_ROOM_ROWS = json_rows({"of": rooms.c.id, **{name: rooms.c[name] for name in _CHANGING}})
_SAVE_GIVEN = (
    update(rooms)
    .where(rooms.c.id == _ROOM_ROWS.c.of)
    .values({name: _ROOM_ROWS.c[name] for name in _CHANGING})
)


_ME = bindparam("me", type_=rooms.c.low_id.type)
_ROOMS_HELD = (
    select(rooms)
    .where(or_(rooms.c.low_id == _ME, rooms.c.high_id == _ME))
    .order_by(rooms.c.id)
    .with_for_update(key_share=True)
)


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
        return optional_room((await self._connection.execute(_ROOM_HELD, {"id": room_id})).first())

    async def get_all(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        held = _ROOMS_OF_ARRAY_HELD if self._is_postgresql else _ROOMS_OF_IDS_HELD
        rows = await self._connection.execute(held, {"ids": list(room_ids)})
        return {row.id: stored_room(row) for row in rows}

    async def get_of_pair(self, one: UserId, other: UserId) -> Room | None:
        low, high = sorted((one, other))
        found = await self._connection.execute(_ROOM_OF_PAIR, {"low": low, "high": high})
        return optional_room(found.first())

    async def of_user(self, user_id: UserId) -> tuple[Room, ...]:
        rows = await self._connection.execute(_ROOMS_HELD, {"me": user_id})
        return tuple(stored_room(row) for row in rows)

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

    async def find_messages(self, names: Collection[MessageName]) -> dict[MessageName, Message]:
        if not names:
            return {}
        if self._is_postgresql:
            given = json_parameter([dict(zip(_NAME, name, strict=True)) for name in names])
            rows = await self._connection.execute(_GIVEN_MESSAGES, given)
        else:
            rows = await self._connection.execute(_MESSAGES_NAMED, {"names": list(names)})
        return {(row.room_id, row.sender_id, row.client_id): stored_message(row) for row in rows}

    async def _write(
        self, of_each: Executable, of_given: Executable, rows: list[dict[str, Any]]
    ) -> None:
        if self._is_postgresql:
            await self._connection.execute(of_given, json_parameter(rows))
        else:
            await self._connection.execute(of_each, rows)


def _values(room: Room) -> dict[str, Any]:
    low, high = room.participants
    return {
        "low_id": low.user_id,
        "high_id": high.user_id,
        "low_read_seq": low.read_seq,
        "high_read_seq": high.read_seq,
        "left_by": room.left_by,
        "last_seq": room.last_seq,
        "updated_at": room.updated_at,
    }


def optional_room(row: Row | None) -> Room | None:
    return None if row is None else stored_room(row)


def stored_room(row: Row) -> Room:
    return Room(
        id=row.id,
        participants=(
            Participant(row.low_id, row.low_read_seq),
            Participant(row.high_id, row.high_read_seq),
        ),
        left_by=row.left_by,
        last_seq=row.last_seq,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def stored_message(row: Row) -> Message:
    return Message(
        room_id=row.room_id,
        seq=row.seq,
        sender_id=row.sender_id,
        body=row.body,
        client_id=row.client_id,
        sent_at=row.sent_at,
    )

"""Rooms and messages in SQL."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import (
    Executable,
    and_,
    any_,
    bindparam,
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

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.dialect import is_postgresql, json_parameter, json_rows, upsert
from sidepro.adapters.sql.repositories.rows import entity_loader, row_of
from sidepro.adapters.sql.schema.chat_tables import messages, rooms
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.ports import MessageName, UnlockedRooms
from sidepro.domain.rooms.room import Message, Participant, Room
from sidepro.domain.visibility import Visibility

_ROOM = select(rooms).where(rooms.c.id == bindparam("id")).with_for_update(key_share=True)
_ROOM_OF_PAIR = (
    select(rooms)
    .where(rooms.c.low_id == bindparam("low"), rooms.c.high_id == bindparam("high"))
    .with_for_update(key_share=True)
)
_USER = bindparam("user", type_=rooms.c.low_id.type)
_ROOMS_OF_USER = (
    select(rooms)
    .where(or_(rooms.c.low_id == _USER, rooms.c.high_id == _USER))
    .order_by(rooms.c.id)
    .with_for_update(key_share=True)
)
_MESSAGE_NAME = ("room_id", "sender_id", "client_id")
_MUTABLE = (
    *("low_id", "high_id", "low_read_seq", "high_read_seq"),
    *("left_by", "last_seq", "updated_at", "is_blocked", "low_frozen_seq", "high_frozen_seq"),
)

_LOW_COUNT = (
    select(messages.c.low_count)
    .where(messages.c.room_id == rooms.c.id, messages.c.seq == rooms.c.last_seq)
    .scalar_subquery()
    .label("low_count")
)
"""See `sidepro.adapters.sql.readers.unread`."""

_COUNT_OF_LOW = select(func.count()).where(
    messages.c.room_id == bindparam("room"), messages.c.sender_id == bindparam("low")
)

# SQLite: a statement for each row.
_ROOMS = (
    select(rooms, _LOW_COUNT)
    .where(rooms.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(rooms.c.id)
)
_NAMED_MESSAGES = select(messages).where(
    tuple_(*(messages.c[name] for name in _MESSAGE_NAME)).in_(bindparam("names", expanding=True))
)
_ADD_MESSAGE = insert(messages)
_SAVE = (
    update(rooms)
    .where(rooms.c.id == bindparam("of"))
    .values({name: bindparam(name) for name in _MUTABLE})
)

# PostgreSQL: one statement for any number of rows.
_SHORT_LOCK_TIMEOUT = select(func.set_config("lock_timeout", "200", True)).scalar_subquery()
"""In milliseconds, for the rest of the transaction, without a round trip of its own."""

_ROOMS_BY_ARRAY = (
    select(rooms, _LOW_COUNT)
    .where(rooms.c.id == any_(bindparam("ids", type_=ARRAY(rooms.c.id.type))))
    .order_by(rooms.c.id)
    .with_for_update(key_share=True)
)
_UNLOCKED_ROOMS = (
    select(rooms, _LOW_COUNT, _SHORT_LOCK_TIMEOUT)
    .where(rooms.c.id == any_(bindparam("ids", type_=ARRAY(rooms.c.id.type))))
    .order_by(rooms.c.id)
    .with_for_update(key_share=True, skip_locked=True)
)
_EXISTING = select(rooms.c.id).where(
    rooms.c.id == any_(bindparam("ids", type_=ARRAY(rooms.c.id.type)))
)
_NAMES = json_rows({name: messages.c[name] for name in _MESSAGE_NAME})
_NAMED_MESSAGES_BY_JSON = select(messages).join(
    _NAMES, and_(*(messages.c[name] == _NAMES.c[name] for name in _MESSAGE_NAME))
)
_MESSAGE_ROWS = json_rows(dict(messages.c.items()))
_ADD_MESSAGES_BY_JSON = insert(messages).from_select(_MESSAGE_ROWS.c.keys(), select(_MESSAGE_ROWS))
_ROOM_ROWS = json_rows({"of": rooms.c.id, **{name: rooms.c[name] for name in _MUTABLE}})
_SAVE_BY_JSON = (
    update(rooms)
    .where(rooms.c.id == _ROOM_ROWS.c.of)
    .values({name: _ROOM_ROWS.c[name] for name in _MUTABLE})
)

load_message = entity_loader(Message)


class SqlRooms:
    """See `sidepro.domain.rooms.ports.RoomRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._is_postgresql = is_postgresql(connection)
        self._low_counts: dict[RoomId, int | None] = {}
        """Messages of the participant with the lower id, in rooms that were read by several."""
        self._low_ids: dict[RoomId, UserId | None] = {}

    async def add_if_absent(self, room: Room) -> bool:
        added = (
            upsert(self._connection, rooms)
            .values(room_row(room))
            .on_conflict_do_nothing(index_elements=[rooms.c.low_id, rooms.c.high_id])
            .returning(rooms.c.id)
        )
        return (await self._connection.execute(added)).first() is not None

    async def get(self, room_id: RoomId) -> Room | None:
        return optional_room((await self._connection.execute(_ROOM, {"id": room_id})).first())

    async def get_all(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Room]:
        statement = _ROOMS_BY_ARRAY if self._is_postgresql else _ROOMS
        rows = await self._connection.execute(statement, {"ids": list(room_ids)})
        return self._loaded(rows)

    async def get_unlocked(self, room_ids: Collection[RoomId]) -> UnlockedRooms:
        if not self._is_postgresql:  # the unit of work excludes all others
            return UnlockedRooms(await self.get_all(room_ids), frozenset())
        rows = await self._connection.execute(_UNLOCKED_ROOMS, {"ids": list(room_ids)})
        found = self._loaded(rows)
        if len(found) == len(room_ids):
            return UnlockedRooms(found, frozenset())
        missing = {"ids": [room_id for room_id in room_ids if room_id not in found]}
        locked = (await self._connection.scalars(_EXISTING, missing)).all()
        return UnlockedRooms(found, frozenset(locked))

    async def get_of_pair(self, one: UserId, other: UserId) -> Room | None:
        low, high = sorted((one, other))
        rows = await self._connection.execute(_ROOM_OF_PAIR, {"low": low, "high": high})
        return optional_room(rows.first())

    async def of_user(self, user_id: UserId) -> tuple[Room, ...]:
        rows = await self._connection.execute(_ROOMS_OF_USER, {"user": user_id})
        return tuple(load_room(row) for row in rows)

    async def save(self, *changed: Room) -> None:
        rows = [{"of": room.id, **_mutable_values(room)} for room in changed]
        await self._write(_SAVE, _SAVE_BY_JSON, rows)

    async def delete(self, room_id: RoomId) -> None:
        await self._connection.execute(delete(rooms).where(rooms.c.id == room_id))

    async def add_messages(self, *new: Message) -> None:
        rows = [{**row_of(messages, m), "low_count": await self._low_count(m)} for m in new]
        await self._write(_ADD_MESSAGE, _ADD_MESSAGES_BY_JSON, rows)

    async def set_visibility(self, room_id: RoomId, seq: int, visibility: Visibility) -> None:
        await self._change_message(room_id, seq, visibility=visibility)

    async def erase_message(self, room_id: RoomId, seq: int) -> None:
        await self._change_message(room_id, seq, body="")

    async def _change_message(self, room_id: RoomId, seq: int, **values: Any) -> None:
        await self._connection.execute(
            update(messages)
            .where(messages.c.room_id == room_id, messages.c.seq == seq)
            .values(values)
        )

    async def find_messages(self, names: Collection[MessageName]) -> dict[MessageName, Message]:
        if not names:
            return {}
        if self._is_postgresql:
            document = json_parameter(
                [dict(zip(_MESSAGE_NAME, one, strict=True)) for one in names]
            )
            rows = await self._connection.execute(_NAMED_MESSAGES_BY_JSON, document)
        else:
            rows = await self._connection.execute(_NAMED_MESSAGES, {"names": list(names)})
        return {(row.room_id, row.sender_id, row.client_id): load_message(row) for row in rows}

    def _loaded(self, rows: Iterable[Row]) -> dict[RoomId, Room]:
        found = {}
        for row in rows:
            found[row.id] = room = load_room(row)
            self._low_ids[room.id] = row.low_id
            self._low_counts[room.id] = row.low_count if room.last_seq else 0
        return found

    async def _low_count(self, message: Message) -> int | None:
        """The running count of a new message. The last one of its room may have none: a version
        before this one has stored it. Then its messages are counted once.
        """
        room_id = message.room_id
        if room_id not in self._low_ids:
            return None  # readers count
        low_id = self._low_ids[room_id]
        count = self._low_counts[room_id]
        if count is None:
            counting = {"room": room_id, "low": low_id}
            count = int((await self._connection.execute(_COUNT_OF_LOW, counting)).scalar_one())
        self._low_counts[room_id] = count = count + (message.sender_id == low_id)
        return count

    async def _write(
        self, for_each: Executable, by_json: Executable, rows: list[dict[str, Any]]
    ) -> None:
        if self._is_postgresql:
            await self._connection.execute(by_json, json_parameter(rows))
        else:
            await self._connection.execute(for_each, rows)


def room_row(room: Room) -> dict[str, Any]:
    return {"id": room.id, "created_at": room.created_at, **_mutable_values(room)}


def _mutable_values(room: Room) -> dict[str, Any]:
    low, high = room.participants
    return {
        "low_id": low.user_id,
        "high_id": high.user_id,
        "low_read_seq": low.read_seq,
        "high_read_seq": high.read_seq,
        "left_by": room.left_by,
        "last_seq": room.last_seq,
        "updated_at": room.updated_at,
        "is_blocked": room.is_blocked,
        "low_frozen_seq": low.frozen_seq,
        "high_frozen_seq": high.frozen_seq,
    }


def load_room(row: Row) -> Room:
    # The version before ends a block and leaves what was frozen.
    low_frozen, high_frozen = (
        (row.low_frozen_seq, row.high_frozen_seq) if row.is_blocked else (None, None)
    )
    return Room(
        id=row.id,
        participants=(
            Participant(row.low_id, row.low_read_seq, low_frozen),
            Participant(row.high_id, row.high_read_seq, high_frozen),
        ),
        left_by=row.left_by,
        last_seq=row.last_seq,
        created_at=row.created_at,
        updated_at=row.updated_at,
        is_blocked=bool(row.is_blocked),
    )


def optional_room(row: Row | None) -> Room | None:
    return None if row is None else load_room(row)

"""Migration 0024: rooms of blocked pairs show what was read before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select, update

from sidepro.adapters.sql.readers.room_reader import SqlRoomReader
from sidepro.adapters.sql.repositories.rooms import room_row
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.adapters.sql.schema import online
from sidepro.adapters.sql.schema.chat_tables import rooms
from sidepro.adapters.sql.schema.tables import users
from sidepro.domain.images.urls import ImageUrls
from tests import factories
from tests.databases import both_databases
from tests.migrations.test_migrations import early_rows

if TYPE_CHECKING:
    from sidepro.adapters.sql.engine.database import Database
    from sidepro.domain.rooms.room import Room

pytestmark = [pytest.mark.anyio, both_databases]


async def migrate_rooms(database: Database, number: int, *, is_blocked: bool) -> list[Room]:
    """Rooms from before the migration."""
    await migrations.migrate(database)
    await migrations.undo(database, "0023")
    people = [factories.user() for _ in range(2 * number)]
    found = [
        factories.room(one.id, other.id)
        for one, other in zip(people[::2], people[1::2], strict=True)
    ]
    state = {"low_read_seq": 3, "high_read_seq": 5, "last_seq": 7, "is_blocked": is_blocked}
    async with database.writing() as connection:
        await connection.execute(insert(users), list(early_rows(users, people)))
        for room in found:
            row = {name: value for name, value in room_row(room).items() if "frozen" not in name}
            await connection.execute(insert(rooms), row | state)
        await connection.commit()
    await migrations.migrate(database)
    return found


@pytest.mark.parametrize(("is_blocked", "frozen"), [(True, (3, 5)), (False, (None, None))])
async def test_the_positions_of_blocked_pairs_stand_still_from_now_on(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    is_blocked: bool,
    frozen: tuple[int | None, int | None],
) -> None:
    monkeypatch.setattr(online, "BATCH_SIZE", 2)
    await migrate_rooms(database, 3, is_blocked=is_blocked)
    async with database.reading() as connection:
        found = await connection.execute(select(rooms.c.low_frozen_seq, rooms.c.high_frozen_seq))
        assert list(map(tuple, found)) == [frozen] * 3


async def test_a_block_that_the_version_before_ends_hides_nothing_any_more(
    database: Database,
) -> None:
    """It serves beside this one, and does not know what was frozen."""
    (room,) = await migrate_rooms(database, 1, is_blocked=True)
    async with database.writing() as connection:
        await connection.execute(update(rooms).values(is_blocked=False, high_read_seq=7))
        await connection.commit()

    reader = SqlRoomReader(database, ImageUrls("/media/"))
    low, high = (participant.user_id for participant in room.participants)
    assert low
    assert high
    seen = [await reader.room(room.id, user_id) for user_id in (low, high)]
    assert [view and view.participant_read_seq for view in seen] == [7, 3]
    state = await reader.state(room.id)
    assert state
    assert [participant.seen_seq for participant in state.participants] == [3, 7]

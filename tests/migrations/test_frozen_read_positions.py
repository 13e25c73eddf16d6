"""Migration 0024: rooms of blocked pairs show what was read before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select

from sidepro.adapters.sql.repositories.rooms import room_row
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.adapters.sql.schema.chat_tables import rooms
from sidepro.adapters.sql.schema.tables import users
from tests import factories
from tests.databases import both_databases
from tests.migrations.test_migrations import early_rows

if TYPE_CHECKING:
    from sidepro.adapters.sql.engine.database import Database

pytestmark = [pytest.mark.anyio, both_databases]


@pytest.mark.parametrize(("is_blocked", "frozen"), [(True, (3, 5)), (False, (None, None))])
async def test_the_positions_of_blocked_pairs_stand_still_from_now_on(
    database: Database, is_blocked: bool, frozen: tuple[int | None, int | None]
) -> None:
    await migrations.migrate(database)
    await migrations.undo(database, "0023")
    people = [factories.user(), factories.user()]
    room = room_row(factories.room(people[0].id, people[1].id))
    old = {name: value for name, value in room.items() if not name.endswith("frozen_seq")}
    old |= {"low_read_seq": 3, "high_read_seq": 5, "last_seq": 7, "is_blocked": is_blocked}
    async with database.writing() as connection:
        await connection.execute(insert(users), list(early_rows(users, people)))
        await connection.execute(insert(rooms), old)
        await connection.commit()

    await migrations.migrate(database)

    async with database.reading() as connection:
        found = await connection.execute(select(rooms.c.low_frozen_seq, rooms.c.high_frozen_seq))
        assert tuple(found.one()) == frozen

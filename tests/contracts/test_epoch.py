"""`EpochReader`: the epoch of the data, the same in all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidepro.adapters.sql import epoch as epochs
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.epoch import SqlEpoch
from tests.clients import eventually
from tests.databases import both_databases
from tests.statement_log import statements

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, both_databases]


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    with databases.fresh() as address:
        opened = Database(address)
        yield opened
        await opened.close()


async def test_another_process_notices_a_change_within_seconds(database: Database) -> None:
    one, other = SqlEpoch(database), SqlEpoch(database)
    before = await other.current()
    assert before == await one.current()
    after = await one.renew()
    assert after != before

    async def noticed() -> bool:
        return await other.current() == after

    await eventually(noticed, 3)


async def test_handshakes_need_no_statement(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = SqlEpoch(database)
    monkeypatch.setattr(epochs, "TTL", 3_600)
    with statements(database) as executed:
        for _ in range(100):
            await reader.current()
    assert len(executed) == 1

"""After long waits of a request, its next statement has less time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import bindparam, func, select

from sidepro.adapters.sql.engine import postgresql
from sidepro.adapters.sql.engine.database import Database
from sidepro.domain import waiting
from sidepro.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.databases import Databases

    Work = Callable[[Database, float], Awaitable[None]]

pytestmark = [pytest.mark.anyio, pytest.mark.servers]

WAITS = 0.6
LONG = 20
_BACKEND = select(func.pg_backend_pid().label("pid"))
_SLEEP = select(func.pg_sleep(bindparam("seconds")).label("slept"))


@pytest.fixture
async def database(postgresql_databases: Databases) -> AsyncIterator[Database]:
    with postgresql_databases.empty() as address:
        database = Database(address, pool_size=1)
        yield database
        await database.close()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "REQUEST_WAITS", WAITS)
    monkeypatch.setattr(waiting, "UNCOUNTED", 0.1)
    monkeypatch.setattr(postgresql, "MIN_STATEMENT", 100)


async def read(database: Database, seconds: float) -> None:
    await database.fetch(_SLEEP, {"seconds": seconds})


async def write(database: Database, seconds: float) -> None:
    async with database.writing() as connection:
        await connection.execute(_SLEEP, {"seconds": seconds})


async def backends(database: Database) -> set[int]:
    """The server's processes for the connections of the pool."""
    read = await database.fetch(_BACKEND)
    async with database.writing() as connection:
        return {read[0].pid, (await connection.execute(_BACKEND)).scalar_one()}


@pytest.mark.parametrize("work", [read, write])
async def test_the_server_ends_what_takes_too_long_after_other_waits(
    database: Database, work: Work
) -> None:
    before = await backends(database)
    waiting.begin_waits()
    await work(database, WAITS / 2)
    began = time.monotonic()
    with pytest.raises(Unavailable) as raised:
        await work(database, LONG)
    assert time.monotonic() - began < LONG / 4
    assert "57014" in raised.value.reason
    waiting.end_waits()
    # The connection is kept: a closed one would count there until the end of its statement.
    assert await backends(database) == before
    await work(database, 2 * WAITS)


@pytest.mark.parametrize("work", [read, write])
async def test_a_wait_for_a_connection_counts(database: Database, work: Work) -> None:
    other = asyncio.ensure_future(work(database, 2 * WAITS))

    async def request() -> None:
        waiting.begin_waits()
        await work(database, LONG)

    await asyncio.sleep(0)  # the other one takes the only connection
    began = time.monotonic()
    with pytest.raises(Unavailable) as raised:
        await asyncio.create_task(request())
    assert "57014" in raised.value.reason
    assert time.monotonic() - began < LONG / 4
    await other


async def test_a_task_that_a_request_has_started_has_the_usual_time(database: Database) -> None:
    waiting.begin_waits()
    await asyncio.create_task(read(database, 2 * WAITS))
    await asyncio.create_task(write(database, 2 * WAITS))
    waiting.end_waits()

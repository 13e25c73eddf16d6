"""After long waits of a request, its next statement has less time."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import time
from contextlib import AsyncExitStack, closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import bindparam, func, select
from sqlalchemy.engine import make_url

from sidepro.adapters.sql.engine.database import Database
from sidepro.domain import waiting
from sidepro.domain.errors import Unavailable
from tests.servers import HOST

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
    monkeypatch.setattr(waiting, "LAST_WAIT", 0.1)


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
    other = asyncio.ensure_future(work(database, WAITS / 2))

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


async def test_a_new_connection_counts_with_all_addresses_that_it_tries(
    monkeypatch: pytest.MonkeyPatch, postgresql_databases: Databases
) -> None:
    monkeypatch.setattr(waiting, "REQUEST_WAITS", 5.0)
    async with AsyncExitStack() as stack:
        url = make_url(stack.enter_context(postgresql_databases.empty()))
        silent = [stack.enter_context(closing(socket.create_server((HOST, 0)))) for _ in range(3)]
        ports = [listener.getsockname()[1] for listener in silent]

        def database_behind(number: int) -> Database:
            hosts = [f"{HOST}:{port}" for port in (*ports[:number], url.port)]
            several = url.set(host=None, port=None).update_query_dict(
                {"host": hosts, "connect_timeout": "2"}
            )
            database = Database(several.render_as_string(hide_password=False), pool_size=1)
            stack.push_async_callback(database.close)
            return database

        for work in (read, write):
            waiting.begin_waits()
            waits = waiting.current_waits()
            assert waits
            await work(database_behind(1), 0)
            assert 2 < 5 - waits.left < 3
            began = time.monotonic()
            with pytest.raises(Unavailable):
                await work(database_behind(3), 0)
            assert time.monotonic() - began < 4
        waiting.end_waits()


@pytest.mark.parametrize("work", [read, write])
async def test_a_connection_that_comes_too_late_is_closed_at_once(work: Work) -> None:
    """And not by the garbage collector, which runs rarely."""
    with closing(socket.create_server((HOST, 0))) as silent:
        silent.settimeout(5)
        database = Database(f"postgresql://user@{HOST}:{silent.getsockname()[1]}/name")

        async def request() -> None:
            waiting.begin_waits()
            with pytest.raises(Unavailable):
                await work(database, 0)

        gc.disable()
        try:
            await asyncio.create_task(request())
            with closing(silent.accept()[0]) as connection:
                connection.settimeout(5)
                while connection.recv(1_000):
                    pass
        finally:
            gc.enable()
        await database.close()


@pytest.mark.parametrize("work", [read, write])
async def test_a_wait_for_a_connection_is_no_longer_than_what_is_left(
    database: Database, work: Work
) -> None:
    other = asyncio.ensure_future(work(database, 2))

    async def request() -> None:
        waiting.begin_waits()
        await work(database, 0)

    await asyncio.sleep(0)  # the other one takes the only connection
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await asyncio.create_task(request())
    assert WAITS - 0.1 < time.monotonic() - began < 2 * WAITS
    await other


@pytest.mark.parametrize("work", [read, write])
async def test_a_server_that_is_silent_after_other_waits_has_what_is_left(
    database: Database, work: Work
) -> None:
    silent = await backends(database)
    waiting.begin_waits()
    await work(database, 0.9 * WAITS)
    for pid in silent:
        os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await work(database, 0)
        assert time.monotonic() - began < 2
    finally:
        for pid in silent:
            os.kill(pid, signal.SIGCONT)
    waiting.end_waits()


async def test_a_task_that_a_request_has_started_has_the_usual_time(database: Database) -> None:
    waiting.begin_waits()
    await asyncio.create_task(read(database, 2 * WAITS))
    await asyncio.create_task(write(database, 2 * WAITS))
    waiting.end_waits()


async def test_a_server_that_is_silent_to_a_request_without_patience_is_asked_by_those_after_it(
    database: Database,
) -> None:
    [(silent,)] = await database.fetch(_BACKEND)

    async def impatient() -> None:
        waiting.begin_waits()
        waits = waiting.current_waits()
        assert waits
        waits.count(2 * WAITS)
        with pytest.raises(Unavailable):
            await read(database, 0)

    os.kill(silent, signal.SIGSTOP)
    try:
        first = asyncio.create_task(impatient())
        await asyncio.sleep(0)  # it takes the only connection
        await read(database, 0)
        await first
    finally:
        os.kill(silent, signal.SIGCONT)

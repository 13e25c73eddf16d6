"""Each state of PostgreSQL is unavailable, and connections that cannot recover are dropped."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import Text, bindparam, func, select, text

from sidepro.adapters.sql.engine import database as engine
from sidepro.adapters.sql.engine.database import Database
from sidepro.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.databases import Databases

pytestmark = [pytest.mark.anyio, pytest.mark.servers]

STALE = {
    "25006": "read-only",
    "57P01": "shutting down",
    "57P03": "starting up",
    "26000": "a prepared statement of another session",
    "0A000": "a plan of a table before a migration",
    "42501": "a privilege was taken away",
}
PASSING = {
    "22021": "wrong encoding",
    "22P05": "wrong encoding",
    "3F000": "no such schema",
    "40001": "serialization failure",
    "40P01": "deadlock",
    "42703": "no such column",
    "42P01": "no such table",
    "53100": "disk full",
    "53200": "out of memory",
    "53300": "too many connections",
    "55P03": "lock timeout",
    "57014": "statement timeout",
    "58030": "I/O error",
    "72000": "snapshot too old",
    "XX000": "a failure inside of the server",
    "XX001": "damaged data",
}
_FAIL = select(func.fail_with(bindparam("state", type_=Text)).label("value"))
_CANCEL_WAITING = text(
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
_BACKEND = select(func.pg_backend_pid().label("pid"))


@pytest.fixture
async def database(postgresql_databases: Databases) -> AsyncIterator[Database]:
    with postgresql_databases.empty() as address:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(
                "CREATE FUNCTION fail_with(state text) RETURNS integer LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'told by a test' USING ERRCODE = state; END $$"
            )
        database = Database(address)
        yield database
        await database.close()


async def backend(database: Database) -> int:
    (row,) = await database.fetch(_BACKEND)
    return int(row.pid)


async def writing_backend(database: Database) -> int:
    async with database.writing() as connection:
        return int((await connection.execute(_BACKEND)).scalar_one())


@pytest.mark.parametrize("state", [*STALE, *PASSING])
async def test_a_state_is_unavailable_for_reads_and_says_why(
    database: Database, state: str
) -> None:
    before = await backend(database)
    with pytest.raises(Unavailable) as raised:
        await database.fetch(_FAIL, {"state": state})
    assert raised.value.reason == f"told by a test ({state})"
    assert (await backend(database) == before) == (state in PASSING)


@pytest.mark.parametrize("state", [*STALE, *PASSING])
async def test_a_state_is_unavailable_for_writes_and_says_why(
    database: Database, state: str
) -> None:
    before = await writing_backend(database)
    with pytest.raises(Unavailable) as raised:
        async with database.writing() as connection:
            await connection.execute(_FAIL, {"state": state})
    assert raised.value.reason == f"told by a test ({state})"
    assert (await writing_backend(database) == before) == (state in PASSING)


@pytest.mark.parametrize("state", ["22012", "42601"], ids=["division by zero", "syntax"])
async def test_a_defect_is_not_hidden_as_unavailable(database: Database, state: str) -> None:
    with pytest.raises(psycopg.errors.lookup(state)):
        await database.fetch(_FAIL, {"state": state})


async def test_the_first_write_after_all_connections_were_cut_succeeds(
    database: Database,
) -> None:
    before = await writing_backend(database)
    await backend(database)
    async with database.reading(job=True) as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
    assert await writing_backend(database) != before


BOUNDS = {
    "lock_timeout": "5s",
    "statement_timeout": "5500ms",
    "idle_in_transaction_session_timeout": "10s",
    "application_name": "sidepro",
}


@pytest.mark.parametrize("name", list(BOUNDS))
async def test_connections_of_requests_bound_their_waits(database: Database, name: str) -> None:
    statement = select(func.current_setting(name).label("value"))
    (row,) = await database.fetch(statement)
    async with database.writing() as connection:
        written = (await connection.execute(statement)).scalar_one()
    assert (row.value, written) == (BOUNDS[name], BOUNDS[name])


async def test_the_address_may_choose_other_bounds_of_the_network(
    postgresql_databases: Databases,
) -> None:
    with postgresql_databases.empty() as address:
        database = Database(f"{address}?application_name=mine&connect_timeout=2")
        try:
            (row,) = await database.fetch(
                select(func.current_setting("application_name").label("value"))
            )
            assert row.value == "mine"
        finally:
            await database.close()


async def test_a_check_that_fails_when_nobody_waits_for_it_is_no_error(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one replaces it, and asyncio would log its error with a traceback."""
    monkeypatch.setattr(engine, "WRITE_CHECK_TIMEOUT", 0.1)
    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    async with database.writing() as holder:
        await holder.execute(text("CREATE TABLE alembic_version (version_num text)"))
        await database.commit(holder)
        await holder.execute(text("LOCK TABLE alembic_version"))
        with pytest.raises(Unavailable):
            await database.ping_write()
        await holder.execute(_CANCEL_WAITING)
        assert database._write_check
        await asyncio.wait([database._write_check])
    await database.ping_write()
    gc.collect()
    assert errors == []

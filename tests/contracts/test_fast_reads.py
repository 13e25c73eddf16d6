"""`Database.fetch`: what SQLAlchemy's statements give when the drivers run them directly."""

import asyncio
import tracemalloc
from datetime import UTC
from sqlite3 import IntegrityError

import pytest
from sqlalchemy import (
    Dialect,
    Integer,
    bindparam,
    column,
    func,
    null,
    select,
    table,
    update,
)
from sqlalchemy.exc import InvalidRequestError

from sidepro.adapters.sql.engine.compiled_query import (
    CompiledQuery,
    limit_param,
    postgresql_dialect,
    sqlite_dialect,
)
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema import chat_tables, tables
from sidepro.domain.errors import Unavailable
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.concurrency import MANY
from tests.factories import at_once

pytestmark = pytest.mark.anyio

both = pytest.mark.parametrize(
    "backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True
)

_USERS = (
    select(tables.users)
    .where(tables.users.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(tables.users.c.id)
)
_FIRST_USERS = select(tables.users).limit(limit_param("most"))
_PLANS = select(
    table("pg_prepared_statements", *(column(f"{kind}_plans") for kind in ("generic", "custom")))
)
_SAME = select(bindparam("number", type_=chat_tables.messages.c.seq.type).label("number"))


def database_of(adapters: Adapters) -> Database:
    assert adapters.database is not None
    return adapters.database


@both
async def test_rows_have_the_names_and_the_types_of_their_columns(adapters: Adapters) -> None:
    user = factories.user()
    await adapters.add(user)
    (row,) = await database_of(adapters).fetch(_USERS, {"ids": [user.id]})
    assert row == tuple(row)
    assert (row.id, row.username, row.created_at) == (user.id, user.username, user.created_at)
    assert row.created_at.utcoffset() == UTC.utcoffset(None)
    assert row.is_active is True


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_statements_written_together_are_stored_all_or_none(adapters: Adapters) -> None:
    user = factories.user()
    await adapters.add(user)
    _id = tables.users.c.id
    deactivate = update(tables.users).values(is_active=False).returning(_id)
    to_null = update(tables.users).values(email=null()).returning(_id)
    with pytest.raises(IntegrityError):
        await database_of(adapters).write({}, deactivate, to_null)
    async with adapters.unit_of_work() as work:
        assert await work.users.get(user.id) == user
    assert len(await database_of(adapters).write({}, deactivate)) == 1


@both
async def test_one_statement_takes_lists_of_any_length(adapters: Adapters) -> None:
    users = sorted((factories.user() for _ in range(5)), key=lambda user: user.id)
    await adapters.add(*users)
    for length in (2, 0, 5, 1, 2):
        ids = [user.id for user in users[:length]]
        rows = await database_of(adapters).fetch(_USERS, {"ids": ids})
        assert [row.id for row in rows] == ids


@both
async def test_one_statement_gives_as_many_rows_as_are_asked_for_each_time(
    adapters: Adapters,
) -> None:
    users = [factories.user() for _ in range(3)]
    await adapters.add(*users)
    for most in (2, 3, 0, 2):
        rows = await database_of(adapters).fetch(_FIRST_USERS, {"most": most})
        assert len(rows) == most


def test_a_limit_is_a_part_of_the_text_so_that_plans_are_for_it() -> None:
    text, values = CompiledQuery(_FIRST_USERS, postgresql_dialect()).bind({"most": 7})
    assert text.endswith("LIMIT 7")
    assert values == []


@pytest.mark.servers
async def test_a_statement_is_planned_once_for_all_its_values(postgresql: Database) -> None:
    statement = select(func.abs(bindparam("number", type_=Integer)))
    for number in range(20):
        await postgresql.fetch(statement, {"number": number})
    plans = await postgresql.fetch(_PLANS)
    assert sum(row.generic_plans for row in plans) > 10
    assert sum(row.custom_plans for row in plans) == 0


@pytest.mark.parametrize("dialect", [sqlite_dialect(), postgresql_dialect()])
def test_pages_of_all_lengths_do_not_fill_the_memory(dialect: Dialect) -> None:
    prepared = CompiledQuery(_FIRST_USERS, dialect)
    length = len(prepared.bind({"most": 1})[0])
    tracemalloc.start()
    try:
        for most in range(1, 501):
            prepared.bind({"most": most})
        allocated, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert allocated < 250 * length, "bytes, as if half of the texts had been kept"


@both
async def test_a_missing_parameter_is_an_error(adapters: Adapters) -> None:
    database = database_of(adapters)
    with pytest.raises(InvalidRequestError):
        await database.fetch(_SAME)
    assert (await database.fetch(_SAME, {"number": 1}))[0].number == 1
    with pytest.raises(KeyError):
        await database.fetch(_SAME)


@both
async def test_more_concurrent_reads_than_connections_get_their_own_rows(
    adapters: Adapters,
) -> None:
    database = database_of(adapters)

    async def read(number: int) -> int:
        (row,) = await database.fetch(_SAME, {"number": number})
        return int(row.number)

    numbers = range(MANY)
    reads = [lambda number=number: read(number) for number in numbers]
    assert await at_once(reads) == list(numbers)


@pytest.mark.servers
async def test_reads_go_on_when_the_server_ended_their_connections(postgresql: Database) -> None:
    await at_once([lambda: postgresql.fetch(_SAME, {"number": 1})] * 5)
    async with postgresql.reading() as connection:
        await connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    rows = await at_once([lambda: postgresql.fetch(_SAME, {"number": 1})] * 5)
    assert len(rows) == 5
    # The engine's own connections were ended too, and the next test shall not meet them.
    await postgresql.engine.dispose()


@pytest.mark.servers
async def test_a_cancelled_read_leaves_nothing_behind(postgresql: Database) -> None:
    long = select(func.pg_sleep(bindparam("seconds")).label("slept"))
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await postgresql.fetch(long, {"seconds": 20})
    assert (await postgresql.fetch(_SAME, {"number": 7}))[0].number == 7
    async with postgresql.reading() as connection:
        asleep = await connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE position('pg_sleep' in query) > 0"
            " AND state = 'active' AND pid <> pg_backend_pid()"
        )
        assert asleep.scalar() == 0


@pytest.mark.parametrize(
    "address", ["postgresql://nobody@127.0.0.1:1/none", "sqlite:////dev/null/x"]
)
async def test_a_database_that_is_not_there_is_unavailable(address: str) -> None:
    database = Database(address)
    try:
        with pytest.raises(Unavailable):
            await database.fetch(_SAME, {"number": 1})
    finally:
        await database.close()

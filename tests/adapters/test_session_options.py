"""Connections set what statements rely on, whatever the settings of server, database and role."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import text

from sidepro.adapters.sql.engine.database import Database

if TYPE_CHECKING:
    from tests.servers import Postgres

pytestmark = [pytest.mark.anyio, pytest.mark.servers]

OTHER = {
    "TimeZone": "Asia/Seoul",
    "DateStyle": "SQL, DMY",
    "bytea_output": "escape",
    "search_path": "elsewhere",
    "default_transaction_isolation": "serializable",
}
EXPECTED = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "bytea_output": "hex",
    "search_path": "public",
    "transaction_isolation": "read committed",
    "client_encoding": "UTF8",
}


async def settings(address: str) -> list[dict[str, str]]:
    """The session settings of a connection that writes and of one that reads."""
    database = Database(address)
    names = ", ".join(f"current_setting('{name}') AS \"{name}\"" for name in EXPECTED)
    statement = text(f"SELECT {names}")
    try:
        async with database.writing() as connection:
            writing = (await connection.execute(statement)).one()._asdict()
        async with database.reading() as connection:
            reading = (await connection.execute(statement)).one()._asdict()
    finally:
        await database.close()
    return [writing, reading]


def short(found: dict[str, str]) -> dict[str, str]:
    return {**found, "DateStyle": found["DateStyle"].partition(",")[0]}


async def test_settings_of_the_database_do_not_matter(postgres: Postgres) -> None:
    with postgres.database() as address:
        with psycopg.connect(address, autocommit=True) as connection:
            for name, value in OTHER.items():
                connection.execute(
                    f"ALTER DATABASE {connection.info.dbname} SET {name} = '{value}'"
                )
        for found in await settings(address):
            assert short(found) == EXPECTED


async def test_neither_the_environment_nor_the_address_changes_them(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libpq takes these variables, and sets them above the options of a session."""
    for name, value in (
        ("PGCLIENTENCODING", "LATIN1"),
        ("PGTZ", "Asia/Seoul"),
        ("PGDATESTYLE", "German"),
    ):
        monkeypatch.setenv(name, value)
    with postgres.database() as address:
        for query in ("", "?client_encoding=LATIN1"):
            for found in await settings(address + query):
                assert short(found) == EXPECTED


async def test_the_address_may_choose_a_schema(postgres: Postgres) -> None:
    with postgres.database() as address:
        options = quote("-c search_path=elsewhere -c timezone=Asia/Seoul")
        for found in await settings(f"{address}?options={options}"):
            assert short(found) == {**EXPECTED, "search_path": "elsewhere"}

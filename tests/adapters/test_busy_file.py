"""SQLite's file while another process has locked it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from sidepro.adapters.sql.engine import engines
from sidepro.adapters.sql.engine.database import Database
from sidepro.domain.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

INSERT = text("INSERT INTO t VALUES (1)")


async def insert(database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(INSERT)
        await connection.commit()


async def test_writes_behind_a_locked_file_fail_together_and_then_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT", 1.0)
    path = tmp_path / "a.db"
    database = Database(f"sqlite:///{path}")
    async with database.restructuring() as connection:
        await connection.execute(text("CREATE TABLE t (a INTEGER)"))
        await connection.commit()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        writes = (insert(database) for _ in range(5))
        failed = await asyncio.gather(*writes, return_exceptions=True)
        waited = time.monotonic() - started
        other.execute("ROLLBACK")
    assert [type(error) for error in failed] == [Unavailable] * 5
    assert waited < 2, "each write waited for the file again"

    await insert(database)
    await database.close()

"""`sidepro migrate` on SQLite: never while it is served, and with a copy kept."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema import migrate as migrations
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

pytestmark = [pytest.mark.slow]


def go_back(folder: Path, revision: str) -> None:
    """Leave the database in this folder as an older version left it."""

    async def run() -> None:
        database = Database(f"sqlite:///{folder / 'sidepro.sqlite3'}")
        try:
            await migrations.undo(database, revision)
        finally:
            await database.close()

    asyncio.run(run())


def revision_of(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_migrating_keeps_a_copy_of_the_old_database(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    assert run_here("migrate", **environment).code == 0
    assert not list(tmp_path.glob("*.before-*"))  # nothing was there to copy
    go_back(tmp_path, "0014")
    assert run_here("migrate", **environment).code == 0
    assert revision_of(tmp_path / f"sidepro.sqlite3.before-{migrations.head()}") == "0014"
    assert revision_of(tmp_path / "sidepro.sqlite3") == migrations.head()


@pytest.mark.servers
def test_a_served_database_is_not_migrated(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    with SideProServer(environment):
        assert run_here("migrate", **environment).code == 0  # nothing to do
        go_back(tmp_path, "0014")
        line = run_here("migrate", **environment).error_line()
        assert "is being served: stop `sidepro serve` first" in line
    assert revision_of(tmp_path / "sidepro.sqlite3") == "0014"


@pytest.mark.servers
def test_serving_keeps_a_copy_before_it_migrates(
    run_here: Callable[..., Outcome], tmp_path: Path
) -> None:
    environment = {"SIDEPRO_DATA_DIR": str(tmp_path)}
    assert run_here("migrate", **environment).code == 0
    go_back(tmp_path, "0014")
    with SideProServer(environment):
        assert revision_of(tmp_path / f"sidepro.sqlite3.before-{migrations.head()}") == "0014"

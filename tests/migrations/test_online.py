"""Migrations of PostgreSQL while others use it."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.adapters.sql.schema import online
from tests.clients import eventually
from tests.databases import both_databases, postgresql_only
from tests.migrations.test_migrations import seed

if TYPE_CHECKING:
    from sidepro.adapters.sql.engine.database import Database

pytestmark = [pytest.mark.anyio, postgresql_only]

MIGRATIONS = Path(migrations.__file__).parent / "migrations"

HEAD = """
import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema import online

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None

oldest_code = "{before}"
"""
ALL_STEPS = """

def upgrade() -> None:
    online.add_column("projects", sa.Column("colour", sa.Text()))
    online.backfill(
        "project_search",
        "number",
        "UPDATE project_search SET created_at = created_at WHERE number BETWEEN :first AND :last",
    )
    online.in_batches(lambda: op.execute("UPDATE projects SET colour = 'red'"))
    online.set_not_null("projects", "colour", sa.Text())
    online.create_index("ix_projects_colour", "projects", ["colour"])
    {last}
"""
CONTRACT = """
contract = True


def upgrade() -> None:
    online.drop_index("ix_bookmarks_of_project", "bookmarks")
"""


def add_migration(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> str:
    """Put one more migration behind the others. Returns its revision."""
    copy = folder / "migrations"
    if not copy.exists():
        shutil.copytree(MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(migrations, "_FOLDER", copy)
    before = migrations.head()
    revision = f"{int(before) + 1:04d}"
    text = HEAD.format(revision=revision, before=before) + body
    (copy / "versions" / f"{revision}_more.py").write_text(text, "utf-8")
    migrations._migrations_in.cache_clear()
    return revision


async def columns(database: Database) -> dict[str, bool]:
    """Whether a column of projects may be null."""
    async with database.reading() as connection:
        rows = await connection.execute(
            text(
                "SELECT column_name, is_nullable FROM information_schema.columns"
                " WHERE table_name = 'projects'"
            )
        )
        return {row.column_name: row.is_nullable == "YES" for row in rows}


async def indexes(database: Database) -> dict[str, bool]:
    """The indexes by name, and whether each is valid."""
    async with database.reading() as connection:
        rows = await connection.execute(
            text(
                "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid"
                " WHERE relnamespace = 'public'::regnamespace"
            )
        )
        return {row.relname: row.indisvalid for row in rows}


async def test_a_migration_waits_for_locks_in_short_attempts(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrations.migrate(database)
    await seed(database)
    revision = add_migration(tmp_path, monkeypatch, ALL_STEPS.format(last=""))
    async with database.writing() as other:
        await other.execute(text("UPDATE projects SET title = title"))
        migrating = asyncio.create_task(asyncio.to_thread(asyncio.run, _migrate(database)))
        for _ in range(20):
            async with asyncio.timeout(3), database.writing() as third:
                await third.execute(text("SELECT count(*) FROM projects"))
            await asyncio.sleep(0.02)
        assert not migrating.done()
        await other.rollback()
    await migrating
    assert (await migrations.inspect_schema(database)).revision == revision
    assert (await columns(database))["colour"] is False
    assert (await indexes(database))["ix_projects_colour"]


async def _migrate(database: Database) -> None:
    own = type(database)(database.engine.url.render_as_string(hide_password=False))
    try:
        await migrations.migrate(own)
    finally:
        await own.close()


async def test_a_migration_that_never_gets_its_locks_fails(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrations.migrate(database)
    add_migration(tmp_path, monkeypatch, ALL_STEPS.format(last=""))
    monkeypatch.setattr(online, "RETRY_SECONDS", 0.3)
    async with database.writing() as other:
        await other.execute(text("LOCK TABLE projects IN SHARE MODE"))
        with pytest.raises(migrations.LocksHeldError):
            await migrations.migrate(database)


async def test_an_interrupted_migration_goes_on_where_it_was(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, before = await migrations.migrate(database)
    await seed(database)
    broken = ALL_STEPS.format(last='raise RuntimeError("killed")')
    revision = add_migration(tmp_path, monkeypatch, broken)
    with pytest.raises(RuntimeError, match="killed"):
        await migrations.migrate(database)
    assert (await migrations.inspect_schema(database)).revision == before
    assert (await columns(database))["colour"] is False  # what was done stays

    file = next((tmp_path / "migrations" / "versions").glob("*_more.py"))
    file.write_text(re.sub("raise .*", "", file.read_text("utf-8")), "utf-8")
    assert await migrations.migrate(database) == (before, revision)


async def test_an_index_of_an_interrupted_build_is_built_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrations.migrate(database)
    add_migration(tmp_path, monkeypatch, ALL_STEPS.format(last=""))
    async with database.writing() as connection:
        await connection.execute(text("ALTER TABLE projects ADD colour text"))
        await connection.execute(text("CREATE INDEX ix_projects_colour ON projects (colour)"))
        await connection.execute(
            text(
                "UPDATE pg_index SET indisvalid = false"
                " WHERE indexrelid = 'ix_projects_colour'::regclass"
            )
        )
        await connection.commit()
    await migrations.migrate(database)
    assert (await indexes(database))["ix_projects_colour"]


async def test_an_older_transaction_delays_an_index_and_no_writer(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrations.migrate(database)
    await seed(database)
    add_migration(tmp_path, monkeypatch, ALL_STEPS.format(last=""))
    async with database.engine.connect() as connection:
        # It keeps its snapshot, for which the new index must wait.
        old = await connection.execution_options(isolation_level="REPEATABLE READ")
        await old.execute(text("SELECT count(*) FROM users"))
        await old.execute(text("INSERT INTO job_runs VALUES ('old', now(), 1, 1)"))
        migrating = asyncio.create_task(asyncio.to_thread(asyncio.run, _migrate(database)))

        async def is_building() -> bool:
            return "ix_projects_colour" in await indexes(database)

        await eventually(is_building)
        async with asyncio.timeout(5), database.writing() as writer:
            await writer.execute(text("UPDATE projects SET title = title"))
            await writer.commit()
        assert not migrating.done()
        await old.rollback()
    await migrating
    assert (await indexes(database))["ix_projects_colour"]


@both_databases
async def test_contract_migrations_at_the_end_wait_for_their_command(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, before = await migrations.migrate(database)
    expanded = add_migration(tmp_path, monkeypatch, ALL_STEPS.format(last=""))
    contracted = add_migration(tmp_path, monkeypatch, CONTRACT)
    assert await migrations.migrate(database) == (before, expanded)
    state = migrations.SchemaState.CURRENT
    assert await migrations.inspect_schema(database) == (expanded, state)
    assert await migrations.migrate(database) == (expanded, expanded)
    assert await migrations.migrate(database, contract=True) == (expanded, contracted)
    assert await migrations.inspect_schema(database) == (contracted, state)


@both_databases
async def test_an_empty_database_gets_contract_migrations_at_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contracted = add_migration(tmp_path, monkeypatch, CONTRACT)
    assert await migrations.migrate(database) == (None, contracted)

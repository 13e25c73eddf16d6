"""Migrations: up, down and up again; what they make; and that they are whole or not at all."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Table, bindparam, delete, insert, inspect, select, text, update

from sidepro.adapters.sql import demo_writer
from sidepro.adapters.sql.catalogue_ids import CatalogueCache
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.repositories.rooms import room_row
from sidepro.adapters.sql.schema import alembic_commands, tables
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.adapters.sql.schema.columns import metadata
from sidepro.adapters.sql.search.ngrams import (
    HasNgrams,
    NgramArray,
    ngrams_of,
)
from sidepro.demo import seeder
from sidepro.demo.generator import DemoData, Sizes, generate
from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.errors import NotFound
from tests.clients import Json
from tests.databases import address_of, both_databases
from tests.fakes.image_store import MemoryImageStore
from tests.servers import settings as environment
from tests.servers import sidepro_process

pytestmark = [pytest.mark.anyio, both_databases]

MIGRATIONS = Path(migrations.__file__).parent / "migrations"
ENTRIES = json.loads((MIGRATIONS / "data" / "catalogue_2026_11.json").read_text("utf-8"))
LATER = ("images", "project_images", "project_search", "attempts")
"""Tables that were not there from the first migration on."""


BROKEN = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("half_made", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("DELETE FROM skills")
    raise RuntimeError("half-way")
"""


async def table_names(database: Database) -> set[str]:
    async with database.reading() as connection:
        found = await connection.run_sync(lambda plain: inspect(plain).get_table_names())
    # SQLite's index of words is made of tables too.
    return {name for name in found if not name.startswith("project_grams")}


async def differences(database: Database) -> list[object]:
    async with database.reading() as connection:
        return await connection.run_sync(alembic_commands.differences)


async def revision_of(database: Database) -> str | None:
    return (await migrations.inspect_schema(database)).revision


async def names(database: Database, table: str) -> list[tuple[int, str]]:
    columns = metadata.tables[table].c
    async with database.reading() as connection:
        rows = await connection.execute(select(columns.id, columns.name).order_by(columns.id))
        return [(number, name) for number, name in rows]


def broken_migrations(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put one more migration behind the others, which fails half-way."""
    copy = folder / "migrations"
    shutil.copytree(MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    file = copy / "versions" / "9999_broken.py"
    file.write_text(BROKEN.format(head=migrations.head()), "utf-8")
    monkeypatch.setattr(migrations, "_FOLDER", copy)


# --------------------------------------------------------------------------------- what they make


async def test_up_down_and_up_again(database: Database) -> None:
    assert await revision_of(database) is None
    assert await migrations.migrate(database) == (None, migrations.head())
    assert await revision_of(database) == migrations.head()
    first = await described(database)

    await migrations.undo(database)
    assert await revision_of(database) is None
    assert await table_names(database) <= {"alembic_version"}

    assert await migrations.migrate(database) == (None, migrations.head())
    assert await described(database) == first
    assert await differences(database) == []


def described_index(index: Mapping[str, Any]) -> Json:
    """An index; the condition of a partial one as text, which can be compared."""
    options = index.get("dialect_options", {})
    return {**index, "dialect_options": {name: str(value) for name, value in options.items()}}


async def described(database: Database) -> dict[str, object]:
    """Columns, keys, checks and indexes of every table."""

    def describe(connection: Connection) -> dict[str, object]:
        found = inspect(connection)
        return {
            name: [
                [{**column, "type": str(column["type"])} for column in found.get_columns(name)],
                found.get_pk_constraint(name),
                sorted(found.get_foreign_keys(name), key=str),
                sorted(found.get_unique_constraints(name), key=str),
                sorted(found.get_check_constraints(name), key=str),
                sorted((described_index(one) for one in found.get_indexes(name)), key=str),
            ]
            for name in found.get_table_names()
        }

    async with database.reading() as connection:
        return await connection.run_sync(describe)


async def test_migrations_create_the_tables_of_the_code(database: Database) -> None:
    await migrations.migrate(database)
    assert await differences(database) == []
    assert await table_names(database) == {*metadata.tables, "alembic_version"}


async def test_a_difference_is_found(database: Database) -> None:
    await migrations.migrate(database)
    async with database.writing() as connection:
        await connection.execute(text("ALTER TABLE profiles DROP COLUMN bio"))
        await connection.execute(text("DROP INDEX ix_projects_newest"))
        await connection.commit()
    assert len(await differences(database)) == 2


async def test_constraints_have_the_names_of_the_code(database: Database) -> None:
    await migrations.migrate(database)

    def constraints(connection: Connection) -> dict[str, set[str | None]]:
        found = inspect(connection)
        return {
            table: {
                found.get_pk_constraint(table)["name"],
                *(key["name"] for key in found.get_foreign_keys(table)),
                *(key["name"] for key in found.get_unique_constraints(table)),
                *(check["name"] for check in found.get_check_constraints(table)),
            }
            for table in metadata.tables
        }

    async with database.reading() as connection:
        there = await connection.run_sync(constraints)
    assert there == {
        name: {str(constraint.name) for constraint in table.constraints}
        for name, table in metadata.tables.items()
    }


async def test_the_catalogue_is_stored_in_its_order(database: Database) -> None:
    await migrations.migrate(database)
    (file,) = (MIGRATIONS / "data").glob("*.json")
    catalogue = json.loads(file.read_text("utf-8"))
    assert [len(catalogue[kind]) for kind in ("skills", "regions", "meet_times")] == [129, 17, 3]
    for kind, entries in catalogue.items():
        assert await names(database, kind) == list(enumerate(entries, 1))


# ---------------------------------------------------------------------------- whole or not at all


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    await migrations.migrate(database)
    assert await migrations.migrate(database) == (migrations.head(), migrations.head())


async def test_an_upgrade_keeps_all_rows(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "_FOLDER", migrations_up_to("0003", tmp_path))
        for later in ("_search", "_days", "_mailed_rooms"):  # there are no tables for them yet
            patched.setattr(demo_writer, later, lambda *_: ())
        for name in ("users", "comments", "messages"):
            rows_of = partial(early_rows, metadata.tables[name])
            patched.setattr(demo_writer, f"_{name}", rows_of)
        patched.setattr(demo_writer, "room_row", lambda room: early(room_row(room)))
        await migrations.migrate(database)
        await seed(database)
        before = await contents(database)
    assert len(before["comments"]) == 40
    assert await migrations.migrate(database) == ("0003", migrations.head())
    after = await contents(database)
    assert {name: after[name] for name in before} == before
    assert await projects_found_by_all_their_grams(database) == 20

    # References are enforced again, and lead to the tables that took the place of the old ones.
    async with database.writing() as connection:
        nobody = insert(tables.project_counters).values(
            project_id=uuid4(), views=0, bookmarks=0, comments=0
        )
        with pytest.raises(NotFound):
            await connection.execute(nobody)
    async with database.writing() as connection:
        await connection.execute(delete(tables.users))
        await connection.commit()
    left = await contents(database)
    assert {name for name, rows in left.items() if rows} <= {"rooms", "messages"}


async def test_a_downgrade_keeps_all_rows(database: Database) -> None:
    await migrations.migrate(database)
    await seed(database)
    before = await contents(database)

    await migrations.undo(database, "0007")
    below = await contents(database)
    assert {**below, "projects": None} == {**before, "projects": None}
    indexes_of_0009 = 2
    column_and_comments = 1 if database.is_sqlite else 3
    tables_column_and_indexes_of_0012 = 5
    column_and_index_of_0013 = 2
    table_of_0014 = 1
    table_of_0015 = 1
    columns_of_0016 = 8
    tables_and_indexes_of_0017 = 3 + 5
    table_of_0018 = 1
    columns_tables_and_indexes_of_0019 = 2 + 6 + 11
    column_of_0020 = 1
    column_tables_and_indexes_of_0021 = 11
    tables_and_indexes_of_0022 = 3 + 8
    tables_and_indexes_of_0023 = 2 + 2
    columns_of_0024 = 2
    assert len(await differences(database)) == (
        indexes_of_0009
        + column_and_comments
        + tables_column_and_indexes_of_0012
        + column_and_index_of_0013
        + table_of_0014
        + table_of_0015
        + columns_of_0016
        + tables_and_indexes_of_0017
        + table_of_0018
        + columns_tables_and_indexes_of_0019
        + column_of_0020
        + column_tables_and_indexes_of_0021
        + tables_and_indexes_of_0022
        + tables_and_indexes_of_0023
        + columns_of_0024
    )

    await migrations.migrate(database)
    assert await contents(database) == before
    assert await differences(database) == []
    assert await projects_found_by_all_their_grams(database) == 20
    # The index follows what is written from now on.
    await write_ngrams(database, ("새",))
    assert (await found_by(database, "새"), await found_by(database, "a")) == (20, 0)


async def write_ngrams(database: Database, grams: tuple[str, ...]) -> None:
    async with database.writing() as connection:
        await connection.execute(update(tables.project_search).values(grams=grams))
        await connection.commit()


async def found_by(database: Database, gram: str) -> int:
    hits = select(tables.project_search.c.project_id).where(
        HasNgrams(bindparam("grams", type_=NgramArray()))
    )
    return len(await database.fetch(hits, {"grams": (gram,)}))


async def projects_found_by_all_their_grams(database: Database) -> int:
    """How many projects the index of the text search knows, and each of them whole."""
    search, projects = tables.project_search.c, tables.projects.c
    found = select(search.project_id, search.created_at).where(
        HasNgrams(bindparam("grams", type_=NgramArray()))
    )
    texts = select(projects.id, projects.search_text, projects.created_at)
    async with database.reading() as connection:
        rows = (await connection.execute(texts)).all()
        for row in rows:
            hits = await connection.execute(found, {"grams": ngrams_of(row.search_text)})
            assert (row.id, row.created_at) in hits.all()
    return len(rows)


def migrations_up_to(last: str, folder: Path) -> Path:
    """A folder of migrations as it once was."""
    copy = folder / "earlier"
    shutil.copytree(MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (copy / "versions").glob("*.py"):
        if file.name[:4] > last:
            file.unlink()
    return copy


async def seed(database: Database) -> None:
    writer = demo_writer.SqlDemoWriter(database, CatalogueCache())
    await seeder.write(writer, MemoryImageStore(), demo_data(), lambda _done, _total: None)


def early_rows(table: Table, entities: Sequence[object]) -> Iterator[Json]:
    """Rows as the first migration has them."""
    names = [column.name for column in table.c if column.name not in LATER_COLUMNS]
    return ({name: getattr(entity, name) for name in names} for entity in entities)


def early(row: Json) -> Json:
    """A row without the columns that the first migration does not have."""
    return {name: value for name, value in row.items() if name not in LATER_COLUMNS}


def demo_data() -> DemoData:
    catalogue = Catalogue(*(tuple(ENTRIES[name]) for name in ("skills", "regions", "meet_times")))
    # the old schemas have no images
    sizes = Sizes(10, 20, 40, 50, rooms=5, messages_per_room=3, pictures=0)
    now = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    return generate(sizes, 1, catalogue, now, "hash", str.upper)


LATER_COLUMNS = (
    "low_count",
    "image_id",
    "thumbnail_id",
    "trending",
    "cookie_digest",
    "visibility",
    "email_verified",
    "pending_email",
    "language",
    "time_zone",
    "username_changed_at",
    "chat_policy",
    "is_moderator",
    "suspended_until",
    "is_blocked",
    "low_frozen_seq",
    "high_frozen_seq",
)
"""Columns that the first migration does not have."""


async def contents(database: Database) -> dict[str, list[object]]:
    """The rows of every table but the catalogue's, by the columns of the first migration."""
    columns = {
        table: [c for c in table.c if c.name not in LATER_COLUMNS]
        for name, table in metadata.tables.items()
        if name
        not in (
            "skills",
            "regions",
            "meet_times",
            "images",
            "project_images",
            "project_search",
            "attempts",
            # stored by each migration
            "schema_compatibility",
            # found anew by the next run of the similarity job
            "neighbours",
            "similarity_runs",
            # recent counts, which an old schema does not have
            "project_days",
            "trending_runs",
            # requests and blocks, which an old schema does not have
            "chat_requests",
            "blocks",
            # facts about runs, which an old schema does not have
            "job_runs",
            # mails, which an old schema does not have
            "mails",
            "account_tokens",
            "unsubscribe_tokens",
            # made anew with each table
            "installation",
            # nothing is reported or hidden in demo data
            "hidden_projects",
            "withheld_images",
            "moderation_cases",
            "moderation_items",
            "moderation_log",
            "reports",
            # what an old schema does not have
            "notifications",
            "notification_events",
            "notification_settings",
            "digests",
            "mailed_rooms",
        )
    }
    async with database.reading() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in await connection.execute(select(*those))), key=str
            )
            for table, those in columns.items()
        }


async def test_a_failed_first_migration_leaves_the_database_empty(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_migrations(tmp_path, monkeypatch)
    with pytest.raises(RuntimeError, match="half-way"):
        await migrations.migrate(database)
    assert await table_names(database) == set()
    assert await revision_of(database) is None

    monkeypatch.undo()
    assert await migrations.migrate(database) == (None, migrations.head())


async def test_a_failed_migration_changes_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, head = await migrations.migrate(database)
    before = await described(database)
    broken_migrations(tmp_path, monkeypatch)
    assert migrations.head() == "9999"
    with pytest.raises(RuntimeError, match="half-way"):
        await migrations.migrate(database)
    assert await revision_of(database) == head
    assert await described(database) == before
    assert len(await names(database, "skills")) == 129


async def test_concurrent_migrations_succeed(settings: Json) -> None:
    databases = [Database(address_of(settings)) for _ in range(4)]
    try:
        results = await asyncio.gather(*map(migrations.migrate, databases))
        assert sorted(results, key=str) == sorted(
            [(migrations.head(), migrations.head())] * 3 + [(None, migrations.head())], key=str
        )
        assert await differences(databases[0]) == []
    finally:
        await asyncio.gather(*(database.close() for database in databases))


@pytest.mark.servers
async def test_concurrent_migrations_of_processes_succeed(
    settings: Json, database: Database, tmp_path: Path
) -> None:
    running = [
        sidepro_process.start(
            ["migrate"],
            environment=environment(settings),
            folder=tmp_path,
            out=tmp_path / f"out {number}",
            err=tmp_path / f"err {number}",
        )
        for number in range(2)
    ]
    codes = [await asyncio.to_thread(process.wait, 60) for process in running]
    out, err = (
        [(tmp_path / f"{kind} {n}").read_text() for n in range(2)] for kind in ("out", "err")
    )
    assert codes == [0, 0], err
    assert sorted("from nothing" in each for each in out) == [False, True]
    assert err == ["", ""]
    assert await differences(database) == []

"""Which schemas a version of the code serves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text, update

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema import migrate as migrations
from sidepro.adapters.sql.schema.migrate import SchemaState
from sidepro.adapters.sql.schema.tables import schema_compatibility
from tests.databases import both_databases

pytestmark = [pytest.mark.anyio, both_databases]

VERSIONS = Path(migrations.__file__).parent / "migrations" / "versions"


async def set_revision(database: Database, revision: str, oldest_code: str | None) -> None:
    """Leave the database as a version of another revision does."""
    async with database.writing() as connection:
        await connection.execute(
            text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision}
        )
        if oldest_code is None:
            await connection.execute(text("DROP TABLE schema_compatibility"))
        else:
            await connection.execute(update(schema_compatibility).values(oldest_code=oldest_code))
        await connection.commit()


def test_the_migrations_read_as_text_are_those_of_alembic() -> None:
    scripts = list(ScriptDirectory(str(VERSIONS.parent)).walk_revisions())[::-1]
    assert migrations._migrations() == [
        (script.revision, getattr(script.module, "contract", False)) for script in scripts
    ]


@pytest.mark.parametrize(
    ("revision", "oldest_code", "state"),
    [
        ("9999", migrations.head(), SchemaState.COMPATIBLE),
        ("9999", "0001", SchemaState.COMPATIBLE),
        ("9999", "9998", SchemaState.TOO_NEW),
        ("9999", None, SchemaState.TOO_NEW),
        (migrations.head(), "9998", SchemaState.CURRENT),
        ("0001", None, SchemaState.BEHIND),
    ],
)
async def test_the_state_of_a_schema(
    database: Database, revision: str, oldest_code: str | None, state: SchemaState
) -> None:
    await migrations.migrate(database)
    await set_revision(database, revision, oldest_code)
    assert await migrations.inspect_schema(database) == (revision, state)


async def test_an_empty_database_is_behind(database: Database) -> None:
    assert await migrations.inspect_schema(database) == (None, SchemaState.BEHIND)


async def test_migrating_leaves_a_compatible_newer_schema_alone(database: Database) -> None:
    await migrations.migrate(database)
    await set_revision(database, "9999", migrations.head())
    assert await migrations.migrate(database) == ("9999", "9999")
    assert await migrations.inspect_schema(database) == ("9999", SchemaState.COMPATIBLE)


async def test_migrating_refuses_a_schema_that_is_too_new(database: Database) -> None:
    await migrations.migrate(database)
    await set_revision(database, "9999", "9998")
    with pytest.raises(migrations.NewerDatabaseError, match="9999"):
        await migrations.migrate(database)


async def test_migrating_stores_the_oldest_code_of_the_newest_migration(
    database: Database,
) -> None:
    await migrations.migrate(database)
    newest = next(VERSIONS.glob(f"{migrations.head()}_*.py")).read_text("utf-8")
    stated = re.search(r'^oldest_code = "(\d{4})"$', newest, re.MULTILINE)
    assert stated
    rows = await database.fetch(schema_compatibility.select(), {})
    assert [row.oldest_code for row in rows] == [stated[1]]

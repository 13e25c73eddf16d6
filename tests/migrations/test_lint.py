"""The check that refuses migrations which would break the version before."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidepro.adapters.sql.schema import migrate as migrations
from tests import lint_migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.databases import Databases

STEP = 'online.create_index("ix_users_at", "users", ["created_at"])'

FOLDER = Path(migrations.__file__).parent / "migrations"

HEAD = """
import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema import online

revision = "9999"
down_revision = "{before}"
branch_labels = None
depends_on = None
{oldest}

def upgrade() -> None:
    {body}
"""


@pytest.fixture
def database(sqlite_databases: Databases) -> Iterator[str]:
    """A database that has all migrations of this version."""
    with sqlite_databases.fresh() as address:
        yield address


def problems_of(folder: Path, database: str, body: str, oldest: str | None = None) -> list[str]:
    """The problems of one more migration with this body."""
    copy = folder / "migrations"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    if oldest is None:
        oldest = f'oldest_code = "{migrations.head()}"'
    text = HEAD.format(before=migrations.head(), oldest=oldest, body=body)
    (copy / "versions" / "9999_more.py").write_text(text, "utf-8")
    return [one for one in lint_migrations.check(copy, database) if one.startswith("9999")]


@pytest.mark.parametrize(
    "body",
    [
        'op.drop_column("users", "is_admin")',
        'op.drop_table("attempts")',
        'op.drop_index("ix_bookmarks_of_project", "bookmarks")',
        'op.rename_table("attempts", "tries")',
        'op.add_column("users", sa.Column("colour", sa.Text(), nullable=False))',
        'op.add_column("users", sa.Column("colour", sa.Text(), index=True))',
        'op.create_index("ix_users_at", "users", ["created_at"])',
        'with op.batch_alter_table("users") as b: b.alter_column("email", new_column_name="mail")',
        'with op.batch_alter_table("users") as b: b.alter_column("email", type_=sa.String(9))',
        'with op.batch_alter_table("sessions") as b: b.alter_column("user_agent", nullable=False)',
        'with op.batch_alter_table("users") as b: b.create_unique_constraint("uq", ["email"])',
        'if op.get_bind().dialect.name == "postgresql": op.execute("DROP TABLE users")',
        f'op.add_column("users", sa.Column("x", sa.Text()))\n    {STEP}',
    ],
)
def test_a_breaking_migration_is_refused(tmp_path: Path, database: str, body: str) -> None:
    assert len(problems_of(tmp_path, database, body)) == 1


@pytest.mark.parametrize(
    "body",
    [
        'op.create_table("t", sa.Column("i", sa.Integer()))\n    op.create_index("x", "t", ["i"])',
        'op.add_column("users", sa.Column("colour", sa.Text()))',
        'op.add_column("users", sa.Column("c", sa.Text(), nullable=False, server_default="x"))',
        STEP,
        'op.drop_index("ix_bookmarks_of_project", "bookmarks")  # safe: nothing reads it',
    ],
)
def test_an_expanding_migration_is_accepted(tmp_path: Path, database: str, body: str) -> None:
    assert problems_of(tmp_path, database, body) == []


@pytest.mark.parametrize("oldest", ["", 'oldest_code = "9999"'])
def test_a_migration_must_state_that_the_version_before_serves_its_schema(
    tmp_path: Path, database: str, oldest: str
) -> None:
    assert len(problems_of(tmp_path, database, "pass", oldest)) == 1


def test_a_contract_migration_may_remove(tmp_path: Path, database: str) -> None:
    oldest = f'oldest_code = "{migrations.head()}"\ncontract = True'
    assert (
        problems_of(
            tmp_path, database, 'op.drop_index("ix_bookmarks_of_project", "bookmarks")', oldest
        )
        == []
    )


def test_all_migrations_are_accepted() -> None:
    assert lint_migrations.check(FOLDER) == []

"""Usernames are ordered by code point, so that their index serves searches by prefix.

PostgreSQL rebuilds the column's index and rewrites no row. SQLite uses this order by default.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _collate("C")


def downgrade() -> None:
    _collate("default")


def _collate(collation: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("users", "username_key", type_=sa.Text(collation=collation))

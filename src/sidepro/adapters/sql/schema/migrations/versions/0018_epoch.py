"""The epoch of the data, which another one replaces when a backup was restored.

The version before does not use it.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

oldest_code = "0015"


def upgrade() -> None:
    table = op.create_table(
        "installation",
        sa.Column("id", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.String(32), nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
        comment="One row: the epoch of the data, another one after each restored backup.",
    )
    op.bulk_insert(table, [{"id": 1, "epoch": secrets.token_hex(8)}])


def downgrade() -> None:
    op.drop_table("installation")

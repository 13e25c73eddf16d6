"""The addresses that users log in from. They are exempt from the log-in limit."""

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema.types import DateTimeUTC

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_addresses",
        sa.Column(
            "user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("address", sa.Text(), primary_key=True),
        sa.Column("last_used_at", DateTimeUTC(), nullable=False),
        comment="Where a user logged in from lately: no stranger to the limit of log-ins.",
    )


def downgrade() -> None:
    op.drop_table("known_addresses")

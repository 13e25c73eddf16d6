"""Settings of accounts, verified addresses, moderators and suspensions.

The version before inserts people without these columns: they count as verified.
"""

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema.types import DateTimeUTC

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

oldest_code = "0015"


def upgrade() -> None:
    for column in (
        sa.Column("email_verified", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("pending_email", sa.Text()),
        sa.Column("language", sa.String(2), nullable=False, server_default="ko"),
        sa.Column("time_zone", sa.Text(), nullable=False, server_default="Asia/Seoul"),
        sa.Column("username_changed_at", DateTimeUTC()),
        sa.Column("chat_policy", sa.String(8), nullable=False, server_default="request"),
        sa.Column("is_moderator", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("suspended_until", DateTimeUTC()),
    ):
        op.add_column("users", column)


def downgrade() -> None:
    for name in (
        "suspended_until",
        "is_moderator",
        "chat_policy",
        "username_changed_at",
        "time_zone",
        "language",
        "pending_email",
        "email_verified",
    ):
        op.drop_column("users", name)

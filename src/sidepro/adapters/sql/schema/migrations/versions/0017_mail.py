"""The outbox of mails, and the tokens in them. The version before does not use the tables."""

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema.types import DateTimeUTC

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

oldest_code = "0015"


def _user_id(*, nullable: bool) -> sa.Column[object]:
    reference = sa.ForeignKey("users.id", ondelete="CASCADE")
    return sa.Column("user_id", sa.Uuid(), reference, nullable=nullable, index=True)


def upgrade() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        _user_id(nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("unsubscribe", sa.String(32)),
        sa.Column("token_digest", sa.LargeBinary(32)),
        sa.Column("message_id", sa.Text()),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("due_at", DateTimeUTC(), nullable=False),
        sa.Column("give_up_at", DateTimeUTC(), nullable=False),
        sa.Column("sent_at", DateTimeUTC()),
        sa.Column("reason", sa.Text()),
        comment="The outbox. content is JSON without secrets.",
    )
    op.create_index("ix_mails_state", "mails", ["state", "due_at"])
    op.create_table(
        "account_tokens",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        _user_id(nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("password_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("expires_at", DateTimeUTC(), nullable=False, index=True),
        comment="SHA-256 of the tokens in mails. They hold for one address and one password.",
    )
    op.create_table(
        "unsubscribe_tokens",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        _user_id(nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        comment="SHA-256 of the tokens that switch off mails of one kind to one person.",
    )


def downgrade() -> None:
    for table in ("unsubscribe_tokens", "account_tokens", "mails"):
        op.drop_table(table)

"""Indexes for finding expired sessions and used refresh tokens."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"])
    op.create_index(op.f("ix_refresh_tokens_used_at"), "refresh_tokens", ["used_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_refresh_tokens_used_at"), table_name="refresh_tokens")
    op.drop_index(op.f("ix_sessions_expires_at"), table_name="sessions")

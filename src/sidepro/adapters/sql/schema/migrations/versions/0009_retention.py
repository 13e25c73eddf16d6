"""Indexes for finding expired sessions and used refresh tokens."""

from alembic import op

from sidepro.adapters.sql.schema import online

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    online.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    online.create_index("ix_refresh_tokens_used_at", "refresh_tokens", ["used_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_refresh_tokens_used_at"), table_name="refresh_tokens")
    op.drop_index(op.f("ix_sessions_expires_at"), table_name="sessions")

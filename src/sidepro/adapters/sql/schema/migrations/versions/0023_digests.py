"""What mails told of unread things. The version before does not use it."""

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema import online
from sidepro.adapters.sql.schema.types import DateTimeUTC

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

oldest_code = "0015"


def _owner(name: str, target: str) -> sa.Column[object]:
    reference = sa.ForeignKey(target, ondelete="CASCADE")
    return sa.Column(name, sa.Uuid(), reference, primary_key=True)


def upgrade() -> None:
    untold = sa.text("read_at IS NULL AND mailed_at IS NULL")
    online.add_column("notifications", sa.Column("mailed_at", DateTimeUTC()))
    online.create_index(
        "ix_notifications_untold",
        "notifications",
        ["created_at"],
        postgresql_where=untold,
        sqlite_where=untold,
    )
    op.create_table(
        "digests",
        _owner("user_id", "users.id"),
        sa.Column("begun_at", DateTimeUTC(), nullable=False),
        comment="When the last mail about unread things was begun: at most one an hour.",
    )
    op.create_table(
        "mailed_rooms",
        _owner("user_id", "users.id"),
        _owner("room_id", "rooms.id"),
        sa.Column("seq", sa.Integer(), nullable=False),
        comment="Up to which message a mail told of a room. Once until the person reads it.",
    )
    op.create_index("ix_mailed_rooms_room_id", "mailed_rooms", ["room_id"])


def downgrade() -> None:
    op.drop_table("mailed_rooms")
    op.drop_table("digests")
    op.drop_index("ix_notifications_untold", "notifications")
    op.drop_column("notifications", "mailed_at")

"""Notifications with their events, and settings. The version before does not use the tables."""

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema.types import DateTimeUTC

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

oldest_code = "0015"


def _owner(name: str, target: str, *, nullable: bool = True) -> sa.Column[object]:
    reference = sa.ForeignKey(target, ondelete="CASCADE")
    return sa.Column(name, sa.Uuid(), reference, nullable=nullable)


def upgrade() -> None:
    unread = sa.text("read_at IS NULL")
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), primary_key=True),
        _owner("recipient_id", "users.id", nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        _owner("project_id", "projects.id"),
        _owner("room_id", "rooms.id"),
        sa.Column("request_id", sa.Uuid()),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("last_at", DateTimeUTC(), nullable=False),
        sa.Column("read_at", DateTimeUTC()),
        comment="Entries. created_at is that of the first event, last_at that of the last one.",
    )
    op.create_index(
        "uq_notifications_unread",
        "notifications",
        ["recipient_id", "kind", "subject_id"],
        unique=True,
        postgresql_where=unread,
        sqlite_where=unread,
    )
    op.create_index(
        "ix_notifications_of_recipient", "notifications", ["recipient_id", "last_at", "id"]
    )
    op.create_index("ix_notifications_subject", "notifications", ["subject_id"])
    op.create_index("ix_notifications_project_id", "notifications", ["project_id"])
    op.create_index("ix_notifications_room_id", "notifications", ["room_id"])
    op.create_table(
        "notification_events",
        sa.Column("id", sa.Uuid(), primary_key=True),
        _owner("notification_id", "notifications.id", nullable=False),
        _owner("actor_id", "users.id"),
        _owner("comment_id", "comments.id"),
        sa.Column("at", DateTimeUTC(), nullable=False),
        comment="What an entry gathers. An entry goes with its last event.",
    )
    op.create_index("ix_notification_events_actor_id", "notification_events", ["actor_id"])
    op.create_index("ix_notification_events_comment_id", "notification_events", ["comment_id"])
    op.create_index(
        "ix_notification_events_of_entry", "notification_events", ["notification_id", "at", "id"]
    )
    op.create_table(
        "notification_settings",
        sa.Column(
            "user_id",
            sa.Uuid(),
            sa.ForeignKey("users.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("delivery", sa.String(4), nullable=False),
        comment="What a person has changed from the defaults.",
    )


def downgrade() -> None:
    for table in ("notification_settings", "notification_events", "notifications"):
        op.drop_table(table)

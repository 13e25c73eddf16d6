"""The tables of notifications: entries, the events that they gather, and settings."""

from sqlalchemy import Column, Index, Integer, String, Table, Uuid, text

from sidepro.adapters.sql.schema.columns import metadata, references
from sidepro.adapters.sql.schema.types import DateTimeUTC

UNREAD = text("read_at IS NULL")
UNTOLD = text("read_at IS NULL AND mailed_at IS NULL")


notifications = Table(
    "notifications",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("recipient_id", Uuid(), references("users.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("subject_id", Uuid(), nullable=False),
    Column("project_id", Uuid(), references("projects.id"), index=True),
    Column("room_id", Uuid(), references("rooms.id"), index=True),
    Column("request_id", Uuid()),
    Column("created_at", DateTimeUTC(), nullable=False),
    Column("last_at", DateTimeUTC(), nullable=False),
    Column("read_at", DateTimeUTC()),
    Column("mailed_at", DateTimeUTC()),
    Index(
        "uq_notifications_unread",
        "recipient_id",
        "kind",
        "subject_id",
        unique=True,
        postgresql_where=UNREAD,
        sqlite_where=UNREAD,
    ),
    Index(
        "ix_notifications_untold",
        "created_at",
        postgresql_where=UNTOLD,
        sqlite_where=UNTOLD,
    ),
    Index("ix_notifications_of_recipient", "recipient_id", "last_at", "id"),
    Index("ix_notifications_subject", "subject_id"),
    comment="Entries. created_at is that of the first event, last_at that of the last one.",
)

notification_events = Table(
    "notification_events",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("notification_id", Uuid(), references("notifications.id"), nullable=False),
    Column("actor_id", Uuid(), references("users.id"), index=True),
    Column("comment_id", Uuid(), references("comments.id"), index=True),
    Column("at", DateTimeUTC(), nullable=False),
    Index("ix_notification_events_of_entry", "notification_id", "at", "id"),
    comment="What an entry gathers. An entry goes with its last event.",
)

notification_settings = Table(
    "notification_settings",
    metadata,
    Column("user_id", Uuid(), references("users.id"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("delivery", String(4), nullable=False),
    comment="What a person has changed from the defaults.",
)

digests = Table(
    "digests",
    metadata,
    Column("user_id", Uuid(), references("users.id"), primary_key=True),
    Column("begun_at", DateTimeUTC(), nullable=False),
    comment="When the last mail about unread things was begun: at most one an hour.",
)

mailed_rooms = Table(
    "mailed_rooms",
    metadata,
    Column("user_id", Uuid(), references("users.id"), primary_key=True),
    Column("room_id", Uuid(), references("rooms.id"), primary_key=True, index=True),
    Column("seq", Integer, nullable=False),
    comment="Up to which message a mail told of a room. Once until the person reads it.",
)

"""The tables of coffee chats: rooms with messages, requests, and blocks."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)

from sidepro.adapters.sql.schema.columns import metadata, references, timestamp, visibility
from sidepro.adapters.sql.schema.types import DateTimeUTC

rooms = Table(
    "rooms",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("low_id", Uuid(), references("users.id", on_delete="SET NULL")),
    Column("high_id", Uuid(), references("users.id", on_delete="SET NULL")),
    Column("low_read_seq", Integer, nullable=False),
    Column("high_read_seq", Integer, nullable=False),
    Column("left_by", Uuid(), references("users.id", on_delete="SET NULL")),
    Column("last_seq", Integer, nullable=False),
    timestamp("created_at"),
    timestamp("updated_at"),
    # The version before opens rooms without it.
    Column("is_blocked", Boolean, nullable=False, server_default=false()),
    Column("low_frozen_seq", Integer),
    Column("high_frozen_seq", Integer),
    UniqueConstraint("low_id", "high_id", name="uq_rooms_pair"),
    Index("ix_rooms_of_low", "low_id", "updated_at", "id"),
    Index("ix_rooms_of_high", "high_id", "updated_at", "id"),
    comment="The two people of a room, the one with the lower id first.",
)

messages = Table(
    "messages",
    metadata,
    Column("room_id", Uuid(), references("rooms.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("sender_id", Uuid(), references("users.id", on_delete="SET NULL"), index=True),
    Column("body", Text, nullable=False),
    Column("client_id", Text),
    timestamp("sent_at"),
    visibility(),
    Column("low_count", Integer),
    UniqueConstraint("room_id", "sender_id", "client_id", name="uq_messages_client_id"),
)

chat_requests = Table(
    "chat_requests",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("from_id", Uuid(), references("users.id"), nullable=False),
    Column("to_id", Uuid(), references("users.id"), nullable=False),
    Column("introduction", Text, nullable=False),
    Column("state", String(9), nullable=False),
    Column("room_id", Uuid(), references("rooms.id", on_delete="SET NULL"), index=True),
    timestamp("created_at"),
    Column("settled_at", DateTimeUTC()),
    Column("declined_at", DateTimeUTC()),
    CheckConstraint(
        "state IN ('pending', 'accepted', 'declined', 'withdrawn', 'expired', 'void')",
        name="state",
    ),
    CheckConstraint("from_id <> to_id", name="two_people"),
    Index(
        "uq_chat_requests_pending",
        "from_id",
        "to_id",
        unique=True,
        postgresql_where=text("state = 'pending'"),
        sqlite_where=text("state = 'pending'"),
    ),
    Index(
        "ix_chat_requests_refusals",
        "from_id",
        "to_id",
        "declined_at",
        postgresql_where=text("declined_at IS NOT NULL"),
        sqlite_where=text("declined_at IS NOT NULL"),
    ),
    Index(
        "ix_chat_requests_expiring",
        "created_at",
        postgresql_where=text("state = 'pending'"),
        sqlite_where=text("state = 'pending'"),
    ),
    Index("ix_chat_requests_sent", "from_id", "created_at", "id"),
    Index("ix_chat_requests_received", "to_id", "created_at", "id"),
    comment="Requests for coffee chats. declined_at outlives the state: it refuses the asker.",
)

blocks = Table(
    "blocks",
    metadata,
    Column("blocker_id", Uuid(), references("users.id"), primary_key=True),
    Column("blocked_id", Uuid(), references("users.id"), primary_key=True),
    timestamp("created_at"),
    CheckConstraint("blocker_id <> blocked_id", name="two_people"),
    Index("ix_blocks_of_blocked", "blocked_id", "blocker_id"),
    Index("ix_blocks_of_blocker", "blocker_id", "created_at", "blocked_id"),
    comment="Who blocks whom. A block acts both ways.",
)

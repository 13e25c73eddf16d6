"""The tables of mails: the outbox, and the digests of the tokens in mails."""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text, Uuid

from sidepro.adapters.sql.schema.columns import metadata, references, timestamp
from sidepro.adapters.sql.schema.types import DateTimeUTC

mails = Table(
    "mails",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("user_id", Uuid(), references("users.id"), index=True),
    Column("address", Text, nullable=False),
    Column("language", String(2), nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("unsubscribe", String(32)),
    Column("token_digest", LargeBinary(32)),
    Column("message_id", Text),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    timestamp("created_at"),
    timestamp("due_at"),
    timestamp("give_up_at"),
    Column("sent_at", DateTimeUTC()),
    Column("reason", Text),
    Index("ix_mails_state", "state", "due_at"),
    comment="The outbox. content is JSON without secrets.",
)

account_tokens = Table(
    "account_tokens",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("user_id", Uuid(), references("users.id"), nullable=False, index=True),
    Column("purpose", String(16), nullable=False),
    Column("address_key", Text, nullable=False),
    Column("password_digest", LargeBinary(32), nullable=False),
    timestamp("created_at"),
    Column("expires_at", DateTimeUTC(), nullable=False, index=True),
    comment="SHA-256 of the tokens in mails. They hold for one address and one password.",
)

unsubscribe_tokens = Table(
    "unsubscribe_tokens",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("user_id", Uuid(), references("users.id"), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    timestamp("created_at"),
    comment="SHA-256 of the tokens that switch off mails of one kind to one person.",
)

"""Chat requests and blocks. The version before opens rooms without either.

PostgreSQL: adding the column rewrites nothing.
"""

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema.types import DateTimeUTC

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None
oldest_code = "0015"


def upgrade() -> None:
    op.add_column(
        "rooms",
        sa.Column("is_blocked", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "chat_requests",
        sa.Column("id", sa.Uuid(), primary_key=True),
        _reference("from_id", "users.id", "CASCADE", nullable=False),
        _reference("to_id", "users.id", "CASCADE", nullable=False),
        sa.Column("introduction", sa.Text(), nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        _reference("room_id", "rooms.id", "SET NULL"),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("settled_at", DateTimeUTC()),
        sa.Column("declined_at", DateTimeUTC()),
        sa.CheckConstraint(
            "state IN ('pending', 'accepted', 'declined', 'withdrawn', 'expired', 'void')",
            name="state",
        ),
        sa.CheckConstraint("from_id <> to_id", name="two_people"),
        comment="Requests for coffee chats. declined_at outlives the state: it refuses the asker.",
    )
    pending, refused = sa.text("state = 'pending'"), sa.text("declined_at IS NOT NULL")
    for name, columns, where, is_unique in (
        ("uq_chat_requests_pending", ["from_id", "to_id"], pending, True),
        ("ix_chat_requests_refusals", ["from_id", "to_id", "declined_at"], refused, False),
        ("ix_chat_requests_expiring", ["created_at"], pending, False),
        ("ix_chat_requests_sent", ["from_id", "created_at", "id"], None, False),
        ("ix_chat_requests_received", ["to_id", "created_at", "id"], None, False),
        ("ix_chat_requests_room_id", ["room_id"], None, False),
    ):
        op.create_index(
            name,
            "chat_requests",
            columns,
            unique=is_unique,
            postgresql_where=where,
            sqlite_where=where,
        )
    op.create_table(
        "blocks",
        _reference("blocker_id", "users.id", "CASCADE", primary_key=True),
        _reference("blocked_id", "users.id", "CASCADE", primary_key=True),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.CheckConstraint("blocker_id <> blocked_id", name="two_people"),
        comment="Who blocks whom. A block acts both ways.",
    )
    op.create_index("ix_blocks_of_blocked", "blocks", ["blocked_id", "blocker_id"])
    op.create_index("ix_blocks_of_blocker", "blocks", ["blocker_id", "created_at", "blocked_id"])


def downgrade() -> None:
    op.drop_table("blocks")
    op.drop_table("chat_requests")
    op.drop_column("rooms", "is_blocked")


def _reference(
    name: str, target: str, on_delete: str, *, nullable: bool = True, primary_key: bool = False
) -> "sa.Column[object]":
    return sa.Column(
        name,
        sa.Uuid(),
        sa.ForeignKey(target, ondelete=on_delete),
        nullable=nullable and not primary_key,
        primary_key=primary_key,
    )

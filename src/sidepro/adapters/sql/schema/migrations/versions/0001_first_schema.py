"""The first schema: accounts, the board, rooms, recommendations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from sidepro.adapters.sql.schema.types import DateTimeUTC

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    *("meet_times", "regions", "similarity_runs", "skills", "users", "neighbours", "profiles"),
    *("projects", "rooms", "sessions", "bookmarks", "comments", "messages", "profile_skills"),
    *("project_counters", "project_skills", "refresh_tokens"),
)


def _text(name: str, *, unique: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False, unique=unique)


def _timestamp(name: str) -> sa.Column[object]:
    return sa.Column(name, DateTimeUTC(), nullable=False)


def _cascade(target: str) -> sa.ForeignKey:
    return sa.ForeignKey(target, ondelete="CASCADE")


def _set_null(target: str) -> sa.ForeignKey:
    return sa.ForeignKey(target, ondelete="SET NULL")


def _restrict(target: str) -> sa.ForeignKey:
    return sa.ForeignKey(target, ondelete="RESTRICT")


def upgrade() -> None:
    """Constraints have the names of the naming convention in `tables.py`."""
    _create_catalogue()
    _create_accounts()
    _create_board()
    _create_rooms()
    _create_recommendations()


def _create_catalogue() -> None:
    for table, comment in (
        ("meet_times", None),
        ("regions", None),
        (
            "skills",
            "What a person can do and a project uses; the id is the place in the catalogue.",
        ),
    ):
        op.create_table(
            table,
            sa.Column("id", sa.SmallInteger(), primary_key=True, autoincrement=False),
            sa.Column("name", sa.String(length=50), nullable=False, unique=True),
            comment=comment,
        )


def _create_accounts() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), primary_key=True),
        _text("email"),
        _text("email_key", unique=True),
        _text("username"),
        _text("username_key", unique=True),
        _text("password_hash"),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        _timestamp("created_at"),
    )
    op.create_table(
        "profiles",
        sa.Column("user_id", sa.Uuid(), _cascade("users.id"), primary_key=True),
        _text("bio"),
        sa.Column("github_url", sa.Text()),
        sa.Column("region_id", sa.SmallInteger(), _restrict("regions.id")),
        sa.Column("meet_time_id", sa.SmallInteger(), _restrict("meet_times.id")),
        _timestamp("updated_at"),
    )
    op.create_table(
        "profile_skills",
        sa.Column("user_id", sa.Uuid(), _cascade("profiles.user_id"), primary_key=True),
        sa.Column("skill_id", sa.SmallInteger(), _restrict("skills.id"), primary_key=True),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), _cascade("users.id"), nullable=False, index=True),
        sa.Column("user_agent", sa.Text()),
        _timestamp("created_at"),
        _timestamp("last_used_at"),
        _timestamp("expires_at"),
        _timestamp("ends_at"),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("hash", sa.LargeBinary(length=32), primary_key=True),
        sa.Column("session_id", sa.Uuid(), _cascade("sessions.id"), nullable=False, index=True),
        sa.Column("parent", sa.LargeBinary(length=32), index=True),
        _timestamp("issued_at"),
        sa.Column("used_at", DateTimeUTC()),
        comment="Used ones are kept as long as their session: presented again, they end it.",
    )


def _create_board() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("author_id", sa.Uuid(), _cascade("users.id"), nullable=False),
        _text("title"),
        _text("summary"),
        _text("search_text"),
        _text("content"),
        _text("content_html"),
        sa.Column("repository_url", sa.Text()),
        sa.Column("revision", sa.Integer(), nullable=False),
        _timestamp("created_at"),
        _timestamp("updated_at"),
        sa.Index("ix_projects_newest", "created_at", "id"),
        sa.Index("ix_projects_of_author", "author_id", "created_at", "id"),
        comment="search_text: title, summary and author's name, folded, one to a line.",
    )
    op.create_table(
        "project_counters",
        sa.Column("project_id", sa.Uuid(), _cascade("projects.id"), primary_key=True),
        sa.Column("views", sa.BigInteger(), nullable=False),
        sa.Column("bookmarks", sa.BigInteger(), nullable=False),
        sa.Column("comments", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("views >= 0 AND bookmarks >= 0 AND comments >= 0", name="not_negative"),
        sa.Index("ix_project_counters_popular", "bookmarks", "project_id"),
        sa.Index("ix_project_counters_views", "views", "project_id"),
        comment="Apart from projects, so that counting rewrites no long row and no text index.",
    )
    op.create_table(
        "project_skills",
        sa.Column("project_id", sa.Uuid(), _cascade("projects.id"), primary_key=True),
        sa.Column("skill_id", sa.SmallInteger(), _restrict("skills.id"), primary_key=True),
        sa.Index("ix_project_skills_of_skill", "skill_id", "project_id"),
    )
    op.create_table(
        "comments",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("project_id", sa.Uuid(), _cascade("projects.id"), nullable=False),
        sa.Column("author_id", sa.Uuid(), _cascade("users.id"), nullable=False, index=True),
        _text("body"),
        _timestamp("created_at"),
        _timestamp("updated_at"),
        sa.Index("ix_comments_of_project", "project_id", "created_at", "id"),
    )
    op.create_table(
        "bookmarks",
        sa.Column("user_id", sa.Uuid(), _cascade("users.id"), primary_key=True),
        sa.Column("project_id", sa.Uuid(), _cascade("projects.id"), primary_key=True),
        _timestamp("created_at"),
        sa.Index("ix_bookmarks_of_project", "project_id"),
        sa.Index("ix_bookmarks_of_user", "user_id", "created_at", "project_id"),
    )


def _create_rooms() -> None:
    op.create_table(
        "rooms",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("low_id", sa.Uuid(), _set_null("users.id")),
        sa.Column("high_id", sa.Uuid(), _set_null("users.id")),
        sa.Column("low_read_seq", sa.Integer(), nullable=False),
        sa.Column("high_read_seq", sa.Integer(), nullable=False),
        sa.Column("left_by", sa.Uuid(), _set_null("users.id")),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        _timestamp("created_at"),
        _timestamp("updated_at"),
        sa.UniqueConstraint("low_id", "high_id", name="uq_rooms_pair"),
        sa.Index("ix_rooms_of_high", "high_id", "updated_at", "id"),
        sa.Index("ix_rooms_of_low", "low_id", "updated_at", "id"),
        comment="The two people of a room, the one with the lower id first.",
    )
    op.create_table(
        "messages",
        sa.Column("room_id", sa.Uuid(), _cascade("rooms.id"), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("sender_id", sa.Uuid(), _set_null("users.id"), index=True),
        _text("body"),
        sa.Column("client_id", sa.Text()),
        _timestamp("sent_at"),
        sa.UniqueConstraint("room_id", "sender_id", "client_id", name="uq_messages_client_id"),
    )


def _create_recommendations() -> None:
    op.create_table(
        "neighbours",
        sa.Column("user_id", sa.Uuid(), _cascade("users.id"), primary_key=True),
        sa.Column("entries", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        comment="A person's neighbours, best first: [user id, score, [shared skill, ...]].",
    )
    op.create_table(
        "similarity_runs",
        sa.Column("id", sa.SmallInteger(), primary_key=True, autoincrement=False),
        _timestamp("computed_at"),
        sa.CheckConstraint("id = 1", name="one_row"),
        comment="One row: when the neighbours were computed.",
    )


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)

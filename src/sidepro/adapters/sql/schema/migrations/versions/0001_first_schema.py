"""The first schema: accounts, the board, rooms, recommendations."""

import sqlalchemy as sa
from advanced_alchemy.types import DateTimeUTC
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "meet_times",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meet_times")),
        sa.UniqueConstraint("name", name=op.f("uq_meet_times_name")),
    )
    op.create_table(
        "regions",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regions")),
        sa.UniqueConstraint("name", name=op.f("uq_regions_name")),
    )
    op.create_table(
        "similarity_runs",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("computed_at", DateTimeUTC(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_similarity_runs_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_similarity_runs")),
        comment="One row: when the neighbours were computed.",
    )
    op.create_table(
        "skills",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skills")),
        sa.UniqueConstraint("name", name=op.f("uq_skills_name")),
        comment="What a person can do and a project uses; the id is the place in the catalogue.",
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_key", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email_key", name=op.f("uq_users_email_key")),
        sa.UniqueConstraint("username_key", name=op.f("uq_users_username_key")),
    )
    op.create_table(
        "neighbours",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("entries", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_neighbours_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_neighbours")),
        comment="A person's neighbours, best first: [user id, score, [shared skill, ...]].",
    )
    op.create_table(
        "profiles",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("bio", sa.Text(), nullable=False),
        sa.Column("github_url", sa.Text(), nullable=True),
        sa.Column("region_id", sa.SmallInteger(), nullable=True),
        sa.Column("meet_time_id", sa.SmallInteger(), nullable=True),
        sa.Column("updated_at", DateTimeUTC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["meet_time_id"],
            ["meet_times.id"],
            name=op.f("fk_profiles_meet_time_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["region_id"], ["regions.id"], name=op.f("fk_profiles_region_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_profiles_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_profiles")),
    )
    op.create_table(
        "projects",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_html", sa.Text(), nullable=False),
        sa.Column("repository_url", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("updated_at", DateTimeUTC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_projects_author_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        comment="search_text: title, summary and author's name, folded, one to a line.",
    )
    op.create_index("ix_projects_newest", "projects", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_projects_of_author", "projects", ["author_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "rooms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("low_id", sa.Uuid(), nullable=True),
        sa.Column("high_id", sa.Uuid(), nullable=True),
        sa.Column("low_read_seq", sa.Integer(), nullable=False),
        sa.Column("high_read_seq", sa.Integer(), nullable=False),
        sa.Column("left_by", sa.Uuid(), nullable=True),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("updated_at", DateTimeUTC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["high_id"], ["users.id"], name=op.f("fk_rooms_high_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["left_by"], ["users.id"], name=op.f("fk_rooms_left_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["low_id"], ["users.id"], name=op.f("fk_rooms_low_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
        sa.UniqueConstraint("low_id", "high_id", name="uq_rooms_pair"),
        comment="The two people of a room, the one with the lower id first.",
    )
    op.create_index("ix_rooms_of_high", "rooms", ["high_id", "updated_at", "id"], unique=False)
    op.create_index("ix_rooms_of_low", "rooms", ["low_id", "updated_at", "id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("last_used_at", DateTimeUTC(), nullable=False),
        sa.Column("expires_at", DateTimeUTC(), nullable=False),
        sa.Column("ends_at", DateTimeUTC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "bookmarks",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_bookmarks_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_bookmarks_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "project_id", name=op.f("pk_bookmarks")),
    )
    op.create_index("ix_bookmarks_of_project", "bookmarks", ["project_id"], unique=False)
    op.create_index(
        "ix_bookmarks_of_user", "bookmarks", ["user_id", "created_at", "project_id"], unique=False
    )
    op.create_table(
        "comments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("updated_at", DateTimeUTC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_comments_author_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_comments_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
    )
    op.create_index(op.f("ix_comments_author_id"), "comments", ["author_id"], unique=False)
    op.create_index(
        "ix_comments_of_project", "comments", ["project_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "messages",
        sa.Column("room_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("sent_at", DateTimeUTC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["room_id"], ["rooms.id"], name=op.f("fk_messages_room_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["users.id"], name=op.f("fk_messages_sender_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("room_id", "seq", name=op.f("pk_messages")),
        sa.UniqueConstraint("room_id", "sender_id", "client_id", name="uq_messages_client_id"),
    )
    op.create_index(op.f("ix_messages_sender_id"), "messages", ["sender_id"], unique=False)
    op.create_table(
        "profile_skills",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("skill_id", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["skill_id"],
            ["skills.id"],
            name=op.f("fk_profile_skills_skill_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["profiles.user_id"],
            name=op.f("fk_profile_skills_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "skill_id", name=op.f("pk_profile_skills")),
    )
    op.create_table(
        "project_counters",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("views", sa.BigInteger(), nullable=False),
        sa.Column("bookmarks", sa.BigInteger(), nullable=False),
        sa.Column("comments", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "views >= 0 AND bookmarks >= 0 AND comments >= 0",
            name=op.f("ck_project_counters_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_project_counters_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_project_counters")),
        comment="Apart from projects, so that counting rewrites no long row and no text index.",
    )
    op.create_index(
        "ix_project_counters_popular",
        "project_counters",
        ["bookmarks", "project_id"],
        unique=False,
    )
    op.create_index(
        "ix_project_counters_views", "project_counters", ["views", "project_id"], unique=False
    )
    op.create_table(
        "project_skills",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("skill_id", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_project_skills_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["skill_id"],
            ["skills.id"],
            name=op.f("fk_project_skills_skill_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("project_id", "skill_id", name=op.f("pk_project_skills")),
    )
    op.create_index(
        "ix_project_skills_of_skill", "project_skills", ["skill_id", "project_id"], unique=False
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("parent", sa.LargeBinary(length=32), nullable=True),
        sa.Column("issued_at", DateTimeUTC(), nullable=False),
        sa.Column("used_at", DateTimeUTC(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_refresh_tokens_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_refresh_tokens")),
        comment="Used ones are kept as long as their session: presented again, they end it.",
    )
    op.create_index(op.f("ix_refresh_tokens_parent"), "refresh_tokens", ["parent"], unique=False)
    op.create_index(
        op.f("ix_refresh_tokens_session_id"), "refresh_tokens", ["session_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_refresh_tokens_session_id"), table_name="refresh_tokens")
    op.drop_index(op.f("ix_refresh_tokens_parent"), table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index("ix_project_skills_of_skill", table_name="project_skills")
    op.drop_table("project_skills")
    op.drop_index("ix_project_counters_views", table_name="project_counters")
    op.drop_index("ix_project_counters_popular", table_name="project_counters")
    op.drop_table("project_counters")
    op.drop_table("profile_skills")
    op.drop_index(op.f("ix_messages_sender_id"), table_name="messages")
    op.drop_table("messages")
    op.drop_index("ix_comments_of_project", table_name="comments")
    op.drop_index(op.f("ix_comments_author_id"), table_name="comments")
    op.drop_table("comments")
    op.drop_index("ix_bookmarks_of_user", table_name="bookmarks")
    op.drop_index("ix_bookmarks_of_project", table_name="bookmarks")
    op.drop_table("bookmarks")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index("ix_rooms_of_low", table_name="rooms")
    op.drop_index("ix_rooms_of_high", table_name="rooms")
    op.drop_table("rooms")
    op.drop_index("ix_projects_of_author", table_name="projects")
    op.drop_index("ix_projects_newest", table_name="projects")
    op.drop_table("projects")
    op.drop_table("profiles")
    op.drop_table("neighbours")
    op.drop_table("users")
    op.drop_table("skills")
    op.drop_table("similarity_runs")
    op.drop_table("regions")
    op.drop_table("meet_times")

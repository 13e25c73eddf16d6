"""The tables of accounts, the board and recommendations, and of the installation itself.

Coffee chats, mails, moderation and notifications have modules of their own.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    false,
    true,
)

from sidepro.adapters.sql.schema.columns import metadata, references, timestamp, visibility
from sidepro.adapters.sql.schema.types import DateTimeUTC
from sidepro.adapters.sql.search.ngrams import NgramArray

# ----------------------------------------------------------------------------------- catalogue


def _catalogue(name: str, comment: str | None = None) -> Table:
    return Table(
        name,
        metadata,
        Column("id", SmallInteger, primary_key=True, autoincrement=False),
        Column("name", String(50), nullable=False, unique=True),
        comment=comment,
    )


skills = _catalogue(
    "skills", "What a person can do and a project uses; the id is the place in the catalogue."
)
regions, meet_times = _catalogue("regions"), _catalogue("meet_times")

# ------------------------------------------------------------------------------------ accounts

users = Table(
    "users",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    Column("username", Text, nullable=False),
    # Ordered by code point: the index serves searches by prefix.
    Column(
        "username_key",
        Text().with_variant(Text(collation="C"), "postgresql"),
        nullable=False,
        unique=True,
    ),
    Column("password_hash", Text, nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("is_active", Boolean, nullable=False),
    timestamp("created_at"),
    # The version before inserts people without the columns below.
    Column("email_verified", Boolean, nullable=False, server_default=true()),
    Column("pending_email", Text),
    Column("language", String(2), nullable=False, server_default="ko"),
    Column("time_zone", Text, nullable=False, server_default="Asia/Seoul"),
    Column("username_changed_at", DateTimeUTC()),
    Column("chat_policy", String(8), nullable=False, server_default="request"),
    Column("is_moderator", Boolean, nullable=False, server_default=false()),
    Column("suspended_until", DateTimeUTC()),
)

images = Table(
    "images",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("user_id", Uuid(), references("users.id", on_delete="SET NULL"), index=True),
    Column("key", Text, nullable=False, unique=True),
    Column("state", String(8), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    timestamp("created_at"),
    Column("unused_since", DateTimeUTC()),
    CheckConstraint("state IN ('new', 'stored', 'going')", name="state"),
    comment="A row is there before its object in the store, and goes after it.",
)

profiles = Table(
    "profiles",
    metadata,
    Column("user_id", Uuid(), references("users.id"), primary_key=True),
    Column("bio", Text, nullable=False),
    Column("github_url", Text),
    Column("region_id", SmallInteger, references("regions.id", on_delete="RESTRICT")),
    Column("meet_time_id", SmallInteger, references("meet_times.id", on_delete="RESTRICT")),
    timestamp("updated_at"),
    Column("image_id", Uuid(), references("images.id", on_delete="RESTRICT"), index=True),
)

profile_skills = Table(
    "profile_skills",
    metadata,
    Column("user_id", Uuid(), references("profiles.user_id"), primary_key=True),
    Column(
        "skill_id",
        SmallInteger,
        references("skills.id", on_delete="RESTRICT"),
        primary_key=True,
    ),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("user_id", Uuid(), references("users.id"), nullable=False, index=True),
    Column("user_agent", Text),
    timestamp("created_at"),
    timestamp("last_used_at"),
    Column("expires_at", DateTimeUTC(), nullable=False, index=True),
    timestamp("ends_at"),
    Column("cookie_digest", LargeBinary(32), index=True, unique=True),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("session_id", Uuid(), references("sessions.id"), nullable=False, index=True),
    Column("parent", LargeBinary(32), index=True),
    timestamp("issued_at"),
    Column("used_at", DateTimeUTC(), index=True),
    comment="Used ones are kept as long as their session: presented again, they end it.",
)

known_addresses = Table(
    "known_addresses",
    metadata,
    Column("user_id", Uuid(), references("users.id"), primary_key=True),
    Column("address", Text, primary_key=True),
    timestamp("last_used_at"),
    comment="Where a user logged in from lately: no stranger to the limit of log-ins.",
)

attempts = Table(
    "attempts",
    metadata,
    Column("user_id", Uuid(), references("users.id"), primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("content", LargeBinary(32), nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("created_at", DateTimeUTC(), nullable=False, index=True),
    comment="Idempotency keys: a digest of what was asked for, and the answer. For a day.",
)

# --------------------------------------------------------------------------------------- board

projects = Table(
    "projects",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("author_id", Uuid(), references("users.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("search_text", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("content_html", Text, nullable=False),
    Column("repository_url", Text),
    Column("revision", Integer, nullable=False),
    timestamp("created_at"),
    timestamp("updated_at"),
    Column("thumbnail_id", Uuid(), references("images.id", on_delete="RESTRICT"), index=True),
    Index("ix_projects_newest", "created_at", "id"),
    Index("ix_projects_of_author", "author_id", "created_at", "id"),
    comment="search_text: search keys of title, summary and author's name, one to a line.",
)

project_search = Table(
    "project_search",
    metadata,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("project_id", Uuid(), references("projects.id"), nullable=False, unique=True),
    Column("created_at", DateTimeUTC(), nullable=False),
    Column("grams", NgramArray(), nullable=False),
    Index(
        "ix_project_search_grams",
        "grams",
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    ).ddl_if("postgresql"),
    comment="What a text search finds projects by, and the place of each in the list.",
)

project_counters = Table(
    "project_counters",
    metadata,
    Column("project_id", Uuid(), references("projects.id"), primary_key=True),
    Column("views", BigInteger, nullable=False),
    Column("bookmarks", BigInteger, nullable=False),
    Column("comments", BigInteger, nullable=False),
    Column("trending", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("views >= 0 AND bookmarks >= 0 AND comments >= 0", name="not_negative"),
    Index("ix_project_counters_views", "views", "project_id"),
    Index("ix_project_counters_popular", "bookmarks", "project_id"),
    Index("ix_project_counters_trending", "trending", "project_id"),
    comment="Apart from projects, so that counting rewrites no long row and no text index.",
)

# The reference is to the counters, which each change of a day has locked already. The index holds
# no count, and pages keep some room, so that PostgreSQL updates rows in place (HOT).
project_days = Table(
    "project_days",
    metadata,
    Column("project_id", Uuid(), references("project_counters.project_id"), primary_key=True),
    Column("day", Date, primary_key=True, index=True),
    Column("views", BigInteger, nullable=False),
    Column("bookmarks", BigInteger, nullable=False),
    CheckConstraint("views >= 0 AND bookmarks >= 0", name="not_negative"),
    comment="Counts of each project and day of the last week; days are those of Korea.",
    postgresql_with={"fillfactor": 70},
)

trending_runs = Table(
    "trending_runs",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    timestamp("computed_at"),
    Column("milliseconds", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    comment="One row: the last run of the trending job.",
)

project_skills = Table(
    "project_skills",
    metadata,
    Column("project_id", Uuid(), references("projects.id"), primary_key=True),
    Column(
        "skill_id",
        SmallInteger,
        references("skills.id", on_delete="RESTRICT"),
        primary_key=True,
    ),
    Index("ix_project_skills_of_skill", "skill_id", "project_id"),
)

project_images = Table(
    "project_images",
    metadata,
    Column("project_id", Uuid(), references("projects.id"), primary_key=True),
    Column(
        "image_id",
        Uuid(),
        references("images.id", on_delete="RESTRICT"),
        primary_key=True,
        index=True,
    ),
    comment="Which of its author's images a project's text shows.",
)

comments = Table(
    "comments",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("project_id", Uuid(), references("projects.id"), nullable=False),
    Column("author_id", Uuid(), references("users.id"), nullable=False, index=True),
    Column("body", Text, nullable=False),
    timestamp("created_at"),
    timestamp("updated_at"),
    visibility(),
    Index("ix_comments_of_project", "project_id", "created_at", "id"),
)

bookmarks = Table(
    "bookmarks",
    metadata,
    Column("user_id", Uuid(), references("users.id"), primary_key=True),
    Column("project_id", Uuid(), references("projects.id"), primary_key=True),
    timestamp("created_at"),
    Index("ix_bookmarks_of_user", "user_id", "created_at", "project_id"),
    Index("ix_bookmarks_of_project", "project_id"),
)

job_runs = Table(
    "job_runs",
    metadata,
    Column("job", String(32), primary_key=True),
    timestamp("started_at"),
    Column("milliseconds", Integer, nullable=False),
    Column("changed", BigInteger, nullable=False),
    comment="The last completed run of each job whose result does not tell it.",
)

# ----------------------------------------------------------------------------- recommendations

neighbours = Table(
    "neighbours",
    metadata,
    Column("user_id", Uuid(), references("users.id"), primary_key=True),
    Column("skills", LargeBinary, nullable=False),
    Column("nearest", LargeBinary, nullable=False),
    comment="A person's skills as bits; of each neighbour, best first, id and skills.",
)

similarity_runs = Table(
    "similarity_runs",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    timestamp("computed_at"),
    Column("milliseconds", Integer, nullable=False),
    Column("people", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("names", Text, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    comment="One row: the run that the neighbours are of, and what the bits stand for.",
)

# ---------------------------------------------------------------------------------- migrations

schema_compatibility = Table(
    "schema_compatibility",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("oldest_code", String(32), nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    comment="One row: the revision of the oldest code that serves this schema.",
)

installation = Table(
    "installation",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("epoch", String(32), nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    comment="One row: the epoch of the data, another one after each restored backup.",
)

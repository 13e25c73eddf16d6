"""The tables of moderation: what is hidden, cases with their snapshots, reports, and the log.

People in cases, reports and log become NULL when they withdraw.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from sidepro.adapters.sql.schema.columns import metadata, references
from sidepro.adapters.sql.schema.types import DateTimeUTC, VisibilityType


def _person() -> ForeignKey:
    return ForeignKey("users.id", ondelete="SET NULL")


hidden_projects = Table(
    "hidden_projects",
    metadata,
    Column("project_id", Uuid(), references("projects.id"), primary_key=True),
    Column("author_id", Uuid(), references("users.id"), nullable=False, index=True),
    Column("is_removed", Boolean, nullable=False),
    comment="Projects that moderators have hidden. A small table of its own: every list asks it.",
)

withheld_images = Table(
    "withheld_images",
    metadata,
    Column("image_id", Uuid(), references("images.id"), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("state", String(9), nullable=False),
    CheckConstraint("state IN ('moving', 'withheld', 'returning')", name="state"),
    comment="Images that only hidden projects show: their objects have secret names.",
)

moderation_cases = Table(
    "moderation_cases",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("target_id", Text, nullable=False),
    Column("author_id", Uuid(), _person(), index=True),
    Column("state", String(8), nullable=False),
    Column("version", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("visibility", VisibilityType(), nullable=False),
    Column("claimed_by", Uuid(), _person(), index=True),
    Column("decision_id", Uuid()),
    Column("purge_at", DateTimeUTC(), index=True),
    Column("is_purged", Boolean, nullable=False),
    Column("created_at", DateTimeUTC(), nullable=False),
    Column("updated_at", DateTimeUTC(), nullable=False),
    UniqueConstraint("kind", "target_id", name="uq_moderation_cases_target"),
    Index("ix_moderation_cases_queue", "priority", "created_at", "id"),
    comment="One case for a target. The priority is minus the number of reports.",
)

moderation_items = Table(
    "moderation_items",
    metadata,
    Column("case_id", Uuid(), references("moderation_cases.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("author_id", Uuid(), _person(), index=True),
    Column("content", JSON, nullable=False),
    comment="The snapshot of a case. The content names nobody, except the profile of a person.",
)

reports = Table(
    "reports",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("case_id", Uuid(), references("moderation_cases.id"), nullable=False, index=True),
    Column("reporter_id", Uuid(), _person()),
    Column("reason", String(10), nullable=False),
    Column("note", Text),
    Column("created_at", DateTimeUTC(), nullable=False),
    Column("decided_at", DateTimeUTC()),
    Index("ix_reports_of_reporter", "reporter_id", "created_at", "id"),
)

moderation_log = Table(
    "moderation_log",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("moderator_id", Uuid(), _person(), index=True),
    Column("action", String(8), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("target_id", Text, nullable=False),
    Column("days", Integer),
    Column("reason", Text, nullable=False),
    Column("case_id", Uuid(), index=True),
    Column("reverses", Uuid()),
    Column("at", DateTimeUTC(), nullable=False),
    Index("ix_moderation_log_newest", "at", "id"),
    comment="Only added to: triggers refuse all changes but the removal of a moderator's id.",
)

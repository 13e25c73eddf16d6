"""Reports, cases, the log of moderation, and what they hide.

The version before knows nothing of hiding: while it runs beside this one, it shows everything.
"""

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema.types import DateTimeUTC

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

oldest_code = "0015"

# Only the id of a moderator may go, when they withdraw.
_UNCHANGED = ("id", "action", "kind", "target_id", "reason", "at")
_UNCHANGED_OR_NULL = ("days", "case_id", "reverses")

_POSTGRESQL = f"""
CREATE FUNCTION moderation_log_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.moderator_id IS NULL
        AND ({", ".join(f"NEW.{name}" for name in (*_UNCHANGED, *_UNCHANGED_OR_NULL))})
        IS NOT DISTINCT FROM
        ({", ".join(f"OLD.{name}" for name in (*_UNCHANGED, *_UNCHANGED_OR_NULL))})
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'moderation_log is only added to';
END $$;
CREATE TRIGGER moderation_log_is_only_added_to BEFORE UPDATE OR DELETE ON moderation_log
    FOR EACH ROW EXECUTE FUNCTION moderation_log_is_only_added_to();
"""

_SQLITE = (
    """
CREATE TRIGGER moderation_log_keeps_its_rows BEFORE DELETE ON moderation_log
BEGIN
    SELECT RAISE(ABORT, 'moderation_log is only added to');
END
""",
    f"""
CREATE TRIGGER moderation_log_keeps_its_values BEFORE UPDATE ON moderation_log
WHEN NEW.moderator_id IS NOT NULL
    OR {" OR ".join(f"NEW.{n} IS NOT OLD.{n}" for n in (*_UNCHANGED, *_UNCHANGED_OR_NULL))}
BEGIN
    SELECT RAISE(ABORT, 'moderation_log is only added to');
END
""",
)


def _owner(target: str) -> sa.ForeignKey:
    return sa.ForeignKey(target, ondelete="CASCADE")


def _person(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), sa.ForeignKey("users.id", ondelete="SET NULL"))


def _visibility() -> sa.Column[object]:
    return sa.Column("visibility", sa.SmallInteger(), nullable=False, server_default="0")


def upgrade() -> None:
    op.add_column("comments", _visibility())
    op.add_column("messages", _visibility())
    _create_hiding()
    _create_cases()
    op.create_table(
        "moderation_log",
        sa.Column("id", sa.Uuid(), primary_key=True),
        _person("moderator_id"),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid()),
        sa.Column("reverses", sa.Uuid()),
        sa.Column("at", DateTimeUTC(), nullable=False),
        comment="Only added to: triggers refuse all changes but the removal of a moderator's id.",
    )
    op.create_index(op.f("ix_moderation_log_moderator_id"), "moderation_log", ["moderator_id"])
    op.create_index(op.f("ix_moderation_log_case_id"), "moderation_log", ["case_id"])
    op.create_index("ix_moderation_log_newest", "moderation_log", ["at", "id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_POSTGRESQL)
    else:
        for trigger in _SQLITE:
            op.execute(trigger)


def _create_hiding() -> None:
    op.create_table(
        "hidden_projects",
        sa.Column("project_id", sa.Uuid(), _owner("projects.id"), primary_key=True),
        sa.Column("author_id", sa.Uuid(), _owner("users.id"), nullable=False),
        sa.Column("is_removed", sa.Boolean(), nullable=False),
        comment=(
            "Projects that moderators have hidden. A small table of its own: every list asks it."
        ),
    )
    op.create_index(op.f("ix_hidden_projects_author_id"), "hidden_projects", ["author_id"])
    op.create_table(
        "withheld_images",
        sa.Column("image_id", sa.Uuid(), _owner("images.id"), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("state", sa.String(9), nullable=False),
        sa.CheckConstraint("state IN ('moving', 'withheld', 'returning')", name="state"),
        comment="Images that only hidden projects show: their objects have secret names.",
    )


def _create_cases() -> None:
    op.create_table(
        "moderation_cases",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False),
        _person("author_id"),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("visibility", sa.SmallInteger(), nullable=False),
        _person("claimed_by"),
        sa.Column("decision_id", sa.Uuid()),
        sa.Column("purge_at", DateTimeUTC()),
        sa.Column("is_purged", sa.Boolean(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("updated_at", DateTimeUTC(), nullable=False),
        sa.UniqueConstraint("kind", "target_id", name="uq_moderation_cases_target"),
        comment="One case for a target. The priority is minus the number of reports.",
    )
    for name in ("author_id", "claimed_by", "purge_at"):
        op.create_index(op.f(f"ix_moderation_cases_{name}"), "moderation_cases", [name])
    op.create_index(
        "ix_moderation_cases_queue", "moderation_cases", ["priority", "created_at", "id"]
    )
    op.create_table(
        "moderation_items",
        sa.Column("case_id", sa.Uuid(), _owner("moderation_cases.id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        _person("author_id"),
        sa.Column("content", sa.JSON(), nullable=False),
        comment=(
            "The snapshot of a case. The content names nobody, except the profile of a person."
        ),
    )
    op.create_index(op.f("ix_moderation_items_author_id"), "moderation_items", ["author_id"])
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("case_id", sa.Uuid(), _owner("moderation_cases.id"), nullable=False),
        _person("reporter_id"),
        sa.Column("reason", sa.String(10), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("decided_at", DateTimeUTC()),
    )
    op.create_index(op.f("ix_reports_case_id"), "reports", ["case_id"])
    op.create_index("ix_reports_of_reporter", "reports", ["reporter_id", "created_at", "id"])


def downgrade() -> None:
    for table in ("moderation_log", "reports", "moderation_items", "moderation_cases"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION moderation_log_is_only_added_to")
    op.drop_table("withheld_images")
    op.drop_table("hidden_projects")
    with op.batch_alter_table("messages") as messages:
        messages.drop_column("visibility")
    with op.batch_alter_table("comments") as comments:
        comments.drop_column("visibility")

"""The text search's table gets the sort key of the newest projects."""

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema import online
from sidepro.adapters.sql.schema.types import DateTimeUTC

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_FILL = (
    "UPDATE project_search SET created_at ="
    " (SELECT created_at FROM projects WHERE id = project_search.project_id)"
    " WHERE number BETWEEN :first AND :last AND created_at IS NULL"
)
_TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"


def upgrade() -> None:
    triggers = _drop_triggers()
    online.add_column("project_search", sa.Column("created_at", DateTimeUTC(), nullable=True))
    online.backfill("project_search", "number", _FILL)
    online.set_not_null("project_search", "created_at", DateTimeUTC())
    _comment("What a text search finds projects by, and the place of each in the list.")
    _create_triggers(triggers)


def downgrade() -> None:
    triggers = _drop_triggers()
    with op.batch_alter_table("project_search") as batch:
        batch.drop_column("created_at")
    _comment("What a text search finds projects by. SQLite has an index of words over it.")
    _create_triggers(triggers)


def _drop_triggers() -> list[str]:
    """Drops SQLite's triggers, which maintain the index, and returns the SQL that creates them."""
    bind = op.get_bind()
    if bind.dialect.name != "sqlite":
        return []
    triggers = bind.execute(sa.text(_TRIGGERS), {"table": "project_search"}).all()
    for trigger in triggers:
        op.execute(f"DROP TRIGGER {trigger.name}")
    return [trigger.sql for trigger in triggers]


def _create_triggers(triggers: list[str]) -> None:
    for statement in triggers:
        op.get_bind().exec_driver_sql(statement)


def _comment(text: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_table_comment("project_search", text)

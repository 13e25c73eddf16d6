"""Daily counts and the trending score.

The previous version may keep running: it sorts and counts as before, and what it counts is in no
daily count. Bookmarks of the last week are counted here; views of each day were never stored.

PostgreSQL: counting bookmarks and building the index block nobody. The foreign key comes last,
since it locks the counters until the end of the transaction.
"""

from datetime import UTC, datetime, timedelta, timezone

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema import online
from sidepro.adapters.sql.schema.types import DateTimeUTC

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_FOREIGN_KEY = "fk_project_days_project_id"
_COUNT_BOOKMARKS = (
    "INSERT INTO project_days (project_id, day, views, bookmarks)"
    " SELECT project_id, {day}, 0, count(*) FROM bookmarks WHERE created_at >= :since"
    " GROUP BY 1, 2"
)


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    trending = sa.Column("trending", sa.BigInteger(), nullable=False, server_default="0")
    online.add_column("project_counters", trending)
    online.create_index(
        "ix_project_counters_trending", "project_counters", ["trending", "project_id"]
    )
    reference = sa.ForeignKeyConstraint(
        ["project_id"], ["project_counters.project_id"], _FOREIGN_KEY, ondelete="CASCADE"
    )
    op.create_table(
        "project_days",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("views", sa.BigInteger(), nullable=False),
        sa.Column("bookmarks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "day"),
        sa.CheckConstraint("views >= 0 AND bookmarks >= 0", name="not_negative"),
        # On PostgreSQL it locks the counters, so it is created after the bookmarks are counted.
        *([] if is_postgresql else [reference]),
        comment="Counts of each project and day of the last week; days are those of Korea.",
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "trending_runs",
        sa.Column("id", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("computed_at", DateTimeUTC(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
        comment="One row: the last run of the trending job.",
    )
    _count_bookmarks(is_postgresql)
    op.create_index(op.f("ix_project_days_day"), "project_days", ["day"])
    if is_postgresql:
        op.create_foreign_key(
            _FOREIGN_KEY,
            "project_days",
            "project_counters",
            ["project_id"],
            ["project_id"],
            ondelete="CASCADE",
        )


def downgrade() -> None:
    op.drop_index("ix_project_counters_trending", "project_counters")
    op.drop_column("project_counters", "trending")
    op.drop_table("trending_runs")
    op.drop_table("project_days")


def _count_bookmarks(is_postgresql: bool) -> None:
    korea = timezone(timedelta(hours=9))
    midnight = datetime.now(korea).replace(hour=0, minute=0, second=0, microsecond=0)
    day = (
        "CAST(created_at AT TIME ZONE INTERVAL '+09:00' AS DATE)"
        if is_postgresql
        else "date(created_at, '+9 hours')"
    )
    since = sa.bindparam("since", (midnight - timedelta(days=6)).astimezone(UTC), DateTimeUTC())
    op.get_bind().execute(sa.text(_COUNT_BOOKMARKS.format(day=day)).bindparams(since))

"""Neighbours as bytes instead of JSON, and figures of the last similarity run.

The tables start empty: the next run fills them within a minute.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from sidepro.adapters.sql.schema.types import DateTimeUTC

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("neighbours")
    op.drop_table("similarity_runs")
    _neighbours(
        sa.Column("skills", sa.LargeBinary(), nullable=False),
        sa.Column("nearest", sa.LargeBinary(), nullable=False),
        comment="A person's skills as bits; of each neighbour, best first, id and skills.",
    )
    _similarity_runs(
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("names", sa.Text(), nullable=False),
        comment="One row: the run that the neighbours are of, and what the bits stand for.",
    )


def downgrade() -> None:
    op.drop_table("neighbours")
    op.drop_table("similarity_runs")
    _neighbours(
        sa.Column("entries", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        comment="A person's neighbours, best first: [user id, score, [shared skill, ...]].",
    )
    _similarity_runs(comment="One row: when the neighbours were computed.")


def _neighbours(*columns: sa.Column[object], comment: str) -> None:
    op.create_table(
        "neighbours",
        sa.Column(
            "user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
        ),
        *columns,
        comment=comment,
    )


def _similarity_runs(*columns: sa.Column[object], comment: str) -> None:
    op.create_table(
        "similarity_runs",
        sa.Column("id", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("computed_at", DateTimeUTC(timezone=True), nullable=False),
        *columns,
        sa.CheckConstraint("id = 1", name="one_row"),
        comment=comment,
    )

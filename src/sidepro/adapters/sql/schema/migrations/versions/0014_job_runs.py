"""The last runs of the jobs that leave no result. The version before does not use the table."""

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema.types import DateTimeUTC

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_runs",
        sa.Column("job", sa.String(32), primary_key=True),
        sa.Column("started_at", DateTimeUTC(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        comment="The last completed run of each job whose result does not tell it.",
    )


def downgrade() -> None:
    op.drop_table("job_runs")

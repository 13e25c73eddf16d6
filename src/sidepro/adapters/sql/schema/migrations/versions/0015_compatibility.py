"""The oldest version of the code that serves the schema. The version before does not use it.

From this migration on, each migration states `oldest_code`: the revision of the oldest code that
serves the schema after it. `migrate.py` stores that of the newest migration in this table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

oldest_code = "0014"


def upgrade() -> None:
    op.create_table(
        "schema_compatibility",
        sa.Column("id", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("oldest_code", sa.String(32), nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
        comment="One row: the revision of the oldest code that serves this schema.",
    )


def downgrade() -> None:
    op.drop_table("schema_compatibility")

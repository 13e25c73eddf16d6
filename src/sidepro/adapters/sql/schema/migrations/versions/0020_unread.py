"""The running count of one participant's messages, so that unread ones need not be counted.

The version before does not use it. Messages that it stores beside this one have none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

oldest_code = "0015"


def upgrade() -> None:
    op.add_column("messages", sa.Column("low_count", sa.Integer()))


def downgrade() -> None:
    op.drop_column("messages", "low_count")

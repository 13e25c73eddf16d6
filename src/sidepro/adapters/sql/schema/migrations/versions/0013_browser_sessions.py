"""Sessions of browsers, which a cookie identifies.

The version before adds sessions without a cookie, so both may run beside each other.
"""

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema import online

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    online.add_column("sessions", sa.Column("cookie_digest", sa.LargeBinary(32)))
    online.create_index("ix_sessions_cookie_digest", "sessions", ["cookie_digest"], unique=True)


def downgrade() -> None:
    op.drop_index(op.f("ix_sessions_cookie_digest"), table_name="sessions")
    op.drop_column("sessions", "cookie_digest")

"""What each of a blocked pair had read when the block began. The version before ignores it."""

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema import online

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

oldest_code = "0015"

COLUMNS = ("low_frozen_seq", "high_frozen_seq")

_FREEZE = sa.text(
    "UPDATE rooms SET low_frozen_seq = low_read_seq, high_frozen_seq = high_read_seq"
    " WHERE id IN"
    " (SELECT id FROM rooms WHERE is_blocked AND low_frozen_seq IS NULL LIMIT :most)"
)


def upgrade() -> None:
    for column in COLUMNS:
        online.add_column("rooms", sa.Column(column, sa.Integer()))
    while online.in_batches(_freeze_some):
        pass


def _freeze_some() -> int:
    return op.get_bind().execute(_FREEZE, {"most": online.BATCH_SIZE}).rowcount


def downgrade() -> None:
    for column in COLUMNS:
        op.drop_column("rooms", column)

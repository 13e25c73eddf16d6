"""The catalogue: 129 skills, 17 regions, 3 meeting times. Ids give the order.

To extend the catalogue, add a migration that inserts rows with the next ids.
"""

import json
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = ("skills", "regions", "meet_times")
_DATA = Path(__file__).parents[1] / "data" / "catalogue_2026_11.json"


def _table(name: str) -> sa.TableClause:
    return sa.table(name, sa.column("id", sa.SmallInteger), sa.column("name", sa.String))


def upgrade() -> None:
    catalogue = json.loads(_DATA.read_text(encoding="utf-8"))
    for name in _TABLES:
        rows = [{"id": place, "name": entry} for place, entry in enumerate(catalogue[name], 1)]
        op.bulk_insert(_table(name), rows)


def downgrade() -> None:
    for name in _TABLES:
        op.execute(sa.delete(_table(name)))

"""The text search: the n-grams of projects, with an index."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BATCH_SIZE = 1_000

NGRAM_INDEX = """
CREATE VIRTUAL TABLE project_grams USING fts5(
    grams, content = 'project_search', content_rowid = 'number',
    detail = 'none', columnsize = 0, tokenize = 'ascii'
)
"""
ADD = "INSERT INTO project_grams (rowid, grams) VALUES (new.number, new.grams);"
REMOVE = (
    "INSERT INTO project_grams (project_grams, rowid, grams) "
    "VALUES ('delete', old.number, old.grams);"
)
TRIGGERS = {
    "project_search_added": f"AFTER INSERT ON project_search BEGIN {ADD} END",
    "project_search_removed": f"AFTER DELETE ON project_search BEGIN {REMOVE} END",
    "project_search_changed": f"AFTER UPDATE ON project_search BEGIN {REMOVE} {ADD} END",
}


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "project_search",
        sa.Column(
            "number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True
        ),
        sa.Column(
            "project_id",
            sa.Uuid(),
            sa.ForeignKey("projects.id", ondelete="CASCADE"),
            nullable=False,
            unique=True,
        ),
        sa.Column("grams", sa.ARRAY(sa.Text()) if is_postgresql else sa.Text(), nullable=False),
        comment="What a text search finds projects by. SQLite has an index of words over it.",
    )
    if not is_postgresql:
        op.execute(NGRAM_INDEX)
        for name, action in TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} {action}")
    _fill()
    if is_postgresql:
        # No `fastupdate`: each search would have to read the list of pending entries.
        op.create_index(
            op.f("ix_project_search_grams"),
            "project_search",
            ["grams"],
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        )


def _fill() -> None:
    bind = op.get_bind()
    is_postgresql = bind.dialect.name == "postgresql"
    projects = sa.table(
        "projects", sa.column("id", sa.Uuid()), sa.column("search_text", sa.Text())
    )
    search = sa.table(
        "project_search",
        sa.column("project_id", sa.Uuid()),
        sa.column("grams", sa.ARRAY(sa.Text()) if is_postgresql else sa.Text()),
    )

    def value(text: str) -> list[str] | str:
        ngrams = _ngrams(text)
        if is_postgresql:
            return ngrams
        return " ".join(f"x{ngram.encode().hex()}" for ngram in ngrams)

    batch = sa.select(projects).order_by(projects.c.id).limit(BATCH_SIZE)
    rows = bind.execute(batch).all()
    while rows:
        values = [{"project_id": row.id, "grams": value(row.search_text)} for row in rows]
        bind.execute(sa.insert(search), values)
        rows = bind.execute(batch.where(projects.c.id > rows[-1].id)).all()


def _ngrams(text: str) -> list[str]:
    """The distinct runs of one, two and three characters within a line."""
    return list(
        {
            line[start : start + length]: None
            for line in text.split("\n")
            for length in (1, 2, 3)
            for start in range(len(line) - length + 1)
        }
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE project_grams")
    op.drop_table("project_search")

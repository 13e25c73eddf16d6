"""What a text search finds projects by: their grams, with an index."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

AT_ONCE = 1_000

INDEX_OF_WORDS = """
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
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("grams", sa.ARRAY(sa.Text()) if is_postgresql else sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_project_search_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_project_search")),
        sa.UniqueConstraint("project_id", name=op.f("uq_project_search_project_id")),
        comment="What a text search finds projects by. SQLite has an index of words over it.",
    )
    if not is_postgresql:
        op.execute(INDEX_OF_WORDS)
        for name, action in TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} {action}")
    _fill()
    if is_postgresql:
        # Without the list of what is not sorted in yet, which each search would have to read.
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
    some = sa.select(projects).order_by(projects.c.id).limit(AT_ONCE)
    rows = bind.execute(some).all()
    while rows:
        found = [{"project_id": row.id, "grams": _grams(row.search_text)} for row in rows]
        if not is_postgresql:
            for row in found:
                row["grams"] = " ".join(f"x{gram.encode().hex()}" for gram in row["grams"])
        bind.execute(sa.insert(search), found)
        rows = bind.execute(some.where(projects.c.id > rows[-1].id)).all()


def _grams(text: str) -> list[str]:
    """All runs of one, two and three characters within a line, each once."""
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

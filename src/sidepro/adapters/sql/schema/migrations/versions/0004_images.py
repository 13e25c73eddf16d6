"""Images, and their references in profiles, thumbnails and the texts of projects."""

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema.types import DateTimeUTC

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_REFERENCES = (("profiles", "image_id"), ("projects", "thumbnail_id"))


def upgrade() -> None:
    op.create_table(
        "images",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="SET NULL"), index=True
        ),
        sa.Column("key", sa.Text(), nullable=False, unique=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("unused_since", DateTimeUTC()),
        sa.CheckConstraint("state IN ('new', 'stored', 'going')", name="state"),
        comment="A row is there before its object in the store, and goes after it.",
    )
    for table, column in _REFERENCES:
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column(column, sa.Uuid(), nullable=True))
            batch.create_foreign_key(
                op.f(f"fk_{table}_{column}"), "images", [column], ["id"], ondelete="RESTRICT"
            )
            batch.create_index(op.f(f"ix_{table}_{column}"), [column], unique=False)
    op.create_table(
        "project_images",
        sa.Column(
            "project_id",
            sa.Uuid(),
            sa.ForeignKey("projects.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column(
            "image_id",
            sa.Uuid(),
            sa.ForeignKey("images.id", ondelete="RESTRICT"),
            primary_key=True,
            index=True,
        ),
        comment="Which of its author's images a project's text shows.",
    )


def downgrade() -> None:
    op.drop_table("project_images")
    for table, column in _REFERENCES:
        with op.batch_alter_table(table) as batch:
            batch.drop_index(op.f(f"ix_{table}_{column}"))
            batch.drop_constraint(op.f(f"fk_{table}_{column}"), type_="foreignkey")
            batch.drop_column(column)
    op.drop_table("images")

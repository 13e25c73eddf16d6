"""Images, and what refers to them: profiles, thumbnails, the texts of projects."""

import sqlalchemy as sa
from advanced_alchemy.types import DateTimeUTC
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_REFERENCES = (("profiles", "image_id"), ("projects", "thumbnail_id"))


def upgrade() -> None:
    op.create_table(
        "images",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", DateTimeUTC(), nullable=False),
        sa.Column("unused_since", DateTimeUTC(), nullable=True),
        sa.CheckConstraint("state IN ('new', 'stored', 'going')", name=op.f("ck_images_state")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_images_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.UniqueConstraint("key", name=op.f("uq_images_key")),
        comment="A row is there before its object in the store, and goes after it.",
    )
    op.create_index(op.f("ix_images_user_id"), "images", ["user_id"], unique=False)
    for table, column in _REFERENCES:
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column(column, sa.Uuid(), nullable=True))
            batch.create_foreign_key(
                op.f(f"fk_{table}_{column}"), "images", [column], ["id"], ondelete="RESTRICT"
            )
            batch.create_index(op.f(f"ix_{table}_{column}"), [column], unique=False)
    op.create_table(
        "project_images",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["images.id"],
            name=op.f("fk_project_images_image_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_project_images_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("project_id", "image_id", name=op.f("pk_project_images")),
        comment="Which of its author's images a project's text shows.",
    )
    op.create_index(
        op.f("ix_project_images_image_id"), "project_images", ["image_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("project_images")
    for table, column in _REFERENCES:
        with op.batch_alter_table(table) as batch:
            batch.drop_index(op.f(f"ix_{table}_{column}"))
            batch.drop_constraint(op.f(f"fk_{table}_{column}"), type_="foreignkey")
            batch.drop_column(column)
    op.drop_table("images")

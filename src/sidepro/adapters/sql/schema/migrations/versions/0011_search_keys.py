"""Converts search texts and their n-grams to search keys.

The previous version may keep running: texts are recomputed in batches. Afterwards its searches
find single words in Latin letters, but no Hangul. Projects that it writes after the migration keep
the old form of search text until they are edited.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from sidepro.adapters.sql.schema import online
from sidepro.adapters.sql.search.ngrams import NgramArray, ngrams_of
from sidepro.domain.projects.search_key import search_text
from sidepro.domain.text import casefold_key

# Other migrations copy the code that they need. This one imports it: derived columns must match
# the searches of the installed version.

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BATCH_SIZE = 1_000
"""Projects in memory at the same time, a few megabytes with their n-grams."""

_INDEX = "ix_project_search_grams"

_users = sa.table("users", sa.column("id", sa.Uuid()), sa.column("username", sa.Text()))
_projects = sa.table(
    "projects",
    sa.column("id", sa.Uuid()),
    sa.column("author_id", sa.Uuid()),
    sa.column("title", sa.Text()),
    sa.column("summary", sa.Text()),
    sa.column("search_text", sa.Text()),
)
_search = sa.table(
    "project_search", sa.column("project_id", sa.Uuid()), sa.column("grams", NgramArray())
)
_new_ngrams = sa.table(
    "new_ngrams", sa.column("project_id", sa.Uuid()), sa.column("grams", NgramArray())
)

_BATCH = (
    sa.select(
        _projects.c.id,
        _projects.c.title,
        _projects.c.summary,
        _projects.c.search_text,
        _users.c.username,
    )
    .join_from(_projects, _users, _users.c.id == _projects.c.author_id)
    .order_by(_projects.c.id)
    .limit(BATCH_SIZE)
    .with_for_update(key_share=True, of=_projects)
)
_SET_TEXT = (
    sa.update(_projects)
    .where(_projects.c.id == sa.bindparam("project_id"))
    .values(search_text=sa.bindparam("text"))
)
_SET_NGRAMS = (
    sa.update(_search)
    .where(_search.c.project_id == sa.bindparam("project"))
    .values(grams=sa.bindparam("ngrams", type_=NgramArray()))
)


def upgrade() -> None:
    _rewrite(search_text)
    _comment("search_text: search keys of title, summary and author's name, one to a line.")


def downgrade() -> None:
    _rewrite(_folded_text)
    _comment("search_text: title, summary and author's name, folded, one to a line.")


def _folded_text(title: str, summary: str, username: str) -> str:
    return "\n".join(map(casefold_key, (title, summary, username)))


def _rewrite(text_of: Callable[[str, str, str], str]) -> None:
    """Recompute every project's search text and n-grams, in batches."""
    # Rebuilding the index is many times faster than changing it, and blocks searches meanwhile.
    rebuilds = op.get_bind().dialect.name == "postgresql" and not online.is_online()
    if rebuilds:
        op.execute("CREATE TEMP TABLE new_ngrams (project_id uuid, grams text[]) ON COMMIT DROP")
    last = online.in_batches(partial(_rewrite_batch, text_of, _BATCH, rebuilds))
    while last is not None:
        batch = _BATCH.where(_projects.c.id > last)
        last = online.in_batches(partial(_rewrite_batch, text_of, batch, rebuilds))
    if rebuilds:
        _replace_ngrams()


def _rewrite_batch(
    text_of: Callable[[str, str, str], str], batch: sa.Select[Any], rebuilds: bool
) -> UUID | None:
    """Returns the id of the last project, `None` if there was none."""
    bind = op.get_bind()
    rows: Sequence[Any] = bind.execute(batch).all()
    texts = {row.id: text_of(row.title, row.summary, row.username) for row in rows}
    changed = [row.id for row in rows if texts[row.id] != row.search_text]
    if changed:
        bind.execute(_SET_TEXT, [{"project_id": id_, "text": texts[id_]} for id_ in changed])
        ngrams = [{"project_id": id_, "grams": ngrams_of(texts[id_])} for id_ in changed]
        if rebuilds:
            bind.execute(sa.insert(_new_ngrams), ngrams)
        else:
            old = [{"project": one["project_id"], "ngrams": one["grams"]} for one in ngrams]
            bind.execute(_SET_NGRAMS, old)
    return rows[-1].id if rows else None


def _replace_ngrams() -> None:
    op.drop_index(_INDEX, "project_search")
    op.execute(
        "UPDATE project_search SET grams = new_ngrams.grams FROM new_ngrams"
        " WHERE new_ngrams.project_id = project_search.project_id"
    )
    op.create_index(
        _INDEX,
        "project_search",
        ["grams"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.execute("DROP TABLE new_ngrams")


def _comment(text: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_table_comment("projects", text)

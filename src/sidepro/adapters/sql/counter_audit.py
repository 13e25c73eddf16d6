"""Compares the counters of projects with the rows that they count, and repairs them.

A counter changes in the transaction that adds or removes its row, so only manual changes make it
wrong. Views have no rows to count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, bindparam, func, literal, or_, select, update
from sqlalchemy.sql.selectable import NamedFromClause

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.schema.tables import bookmarks, comments, project_counters, projects
from sidepro.domain.ids import ProjectId

BATCH_SIZE = 500
"""Projects repaired in one transaction."""


@dataclass(frozen=True, slots=True)
class CounterDrift:
    """A project whose counters differ from its rows. A counter of `None` is missing."""

    project_id: ProjectId
    bookmarks: int | None
    bookmark_rows: int
    comments: int | None
    comment_rows: int


def _counts(table: Table) -> NamedFromClause:
    return (
        select(table.c.project_id, func.count().label("number"))
        .group_by(table.c.project_id)
        .subquery(f"counted_{table.name}")
    )


def _count_of(table: Table) -> Any:
    return (
        select(func.count())
        .select_from(table)
        .where(table.c.project_id == project_counters.c.project_id)
        .correlate(project_counters)
        .scalar_subquery()
    )


_bookmarks, _comments = _counts(bookmarks), _counts(comments)
_bookmark_rows = func.coalesce(_bookmarks.c.number, 0)
_comment_rows = func.coalesce(_comments.c.number, 0)
# One statement reads one snapshot, despite concurrent writes.
_DRIFTS = (
    select(
        projects.c.id.label("project_id"),
        project_counters.c.bookmarks,
        _bookmark_rows.label("bookmark_rows"),
        project_counters.c.comments,
        _comment_rows.label("comment_rows"),
    )
    .select_from(
        projects.outerjoin(project_counters, project_counters.c.project_id == projects.c.id)
        .outerjoin(_bookmarks, _bookmarks.c.project_id == projects.c.id)
        .outerjoin(_comments, _comments.c.project_id == projects.c.id)
    )
    .where(
        or_(
            project_counters.c.bookmarks.is_distinct_from(_bookmark_rows),
            project_counters.c.comments.is_distinct_from(_comment_rows),
        )
    )
    .order_by(projects.c.id)
)
_MISSING = (
    select(projects.c.id, literal(0), literal(0), literal(0))
    .outerjoin(project_counters, project_counters.c.project_id == projects.c.id)
    .where(projects.c.id.in_(bindparam("ids", expanding=True)))
    .where(project_counters.c.project_id.is_(None))
)
_LOCK = (
    select(project_counters.c.project_id)
    .where(project_counters.c.project_id.in_(bindparam("ids", expanding=True)))
    .order_by(project_counters.c.project_id)
    .with_for_update()
)
_RECOUNT = (
    update(project_counters)
    .where(project_counters.c.project_id.in_(bindparam("ids", expanding=True)))
    .values(bookmarks=_count_of(bookmarks), comments=_count_of(comments))
)


async def find_drifts(database: Database) -> list[CounterDrift]:
    """All projects whose counters are wrong, ordered by id.

    Raises:
        Unavailable: the database cannot be reached.
    """
    return [CounterDrift(*row) for row in await database.fetch(_DRIFTS)]


async def repair(database: Database, wrong: Sequence[CounterDrift]) -> None:
    """Recount the rows of these projects, while others read and write.

    Raises:
        Unavailable: the database cannot be reached. Batches committed before stay repaired.
    """
    for start in range(0, len(wrong), BATCH_SIZE):
        ids = [one.project_id for one in wrong[start : start + BATCH_SIZE]]
        async with database.writing() as connection:
            missing = upsert(connection, project_counters).from_select(
                ["project_id", "views", "bookmarks", "comments"], _MISSING
            )
            await connection.execute(missing.on_conflict_do_nothing(), {"ids": ids})
            # Commit first: the insert locks projects, and another transaction may hold their
            # counters and be about to delete them.
            await database.commit(connection)
            # Writers change rows and counters in one transaction. While the counters are locked, a
            # row that this count misses is added to the counter afterwards.
            await connection.execute(_LOCK, {"ids": ids})
            await connection.execute(_RECOUNT, {"ids": ids})
            await connection.commit()

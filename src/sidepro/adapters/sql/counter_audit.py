"""Whether the counters of projects equal the rows behind them, and making them so.

They always should: each is moved in the transaction that adds or removes its row. This finds what
went past that, such as rows that somebody changed by hand. Views have no rows behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, bindparam, func, literal, or_, select, update
from sqlalchemy.sql.selectable import NamedFromClause

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.schema.tables import (
    bookmarks,
    comments,
    project_counters,
    projects,
)
from sidepro.domain.ids import ProjectId

BATCH_SIZE = 500
"""Projects whose counters are mended in one transaction."""


@dataclass(frozen=True, slots=True)
class CounterDrift:
    """A project whose counters differ from its rows. A counter of `None` is missing."""

    project_id: ProjectId
    bookmarks: int | None
    bookmark_rows: int
    comments: int | None
    comment_rows: int


def _counted(table: Table) -> NamedFromClause:
    return (
        select(table.c.project_id, func.count().label("number"))
        .group_by(table.c.project_id)
        .subquery(f"counted_{table.name}")
    )


def _number_of(table: Table) -> Any:
    return (
        select(func.count())
        .select_from(table)
        .where(table.c.project_id == project_counters.c.project_id)
        .correlate(project_counters)
        .scalar_subquery()
    )


_bookmarks, _comments = _counted(bookmarks), _counted(comments)
_bookmark_rows = func.coalesce(_bookmarks.c.number, 0)
_comment_rows = func.coalesce(_comments.c.number, 0)
# One statement sees one state of everything, however much is written meanwhile.
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
_WITHOUT_COUNTERS = (
    select(projects.c.id, literal(0), literal(0), literal(0))
    .outerjoin(project_counters, project_counters.c.project_id == projects.c.id)
    .where(projects.c.id.in_(bindparam("ids", expanding=True)))
    .where(project_counters.c.project_id.is_(None))
)
_HELD = (
    select(project_counters.c.project_id)
    .where(project_counters.c.project_id.in_(bindparam("ids", expanding=True)))
    .order_by(project_counters.c.project_id)
    .with_for_update()
)
_RECOUNT = (
    update(project_counters)
    .where(project_counters.c.project_id.in_(bindparam("ids", expanding=True)))
    .values(bookmarks=_number_of(bookmarks), comments=_number_of(comments))
)


async def find_drifts(database: Database) -> list[CounterDrift]:
    """All projects whose counters are wrong, ordered by id.

    Raises:
        Unavailable: the database cannot be reached.
    """
    return [CounterDrift(*row) for row in await database.fetch(_DRIFTS)]


async def repair(database: Database, wrong: Sequence[CounterDrift]) -> None:
    """Count the rows of these projects anew. Others may read and write meanwhile.

    Raises:
        Unavailable: the database cannot be reached. What was mended before stays mended.
    """
    for start in range(0, len(wrong), BATCH_SIZE):
        ids = [one.project_id for one in wrong[start : start + BATCH_SIZE]]
        async with database.writing() as connection:
            missing = upsert(connection, project_counters).from_select(
                ["project_id", "views", "bookmarks", "comments"], _WITHOUT_COUNTERS
            )
            await connection.execute(missing.on_conflict_do_nothing(), {"ids": ids})
            # On its own: it holds projects, which whoever holds their counters may want to remove.
            await database.commit(connection)
            # Who adds a row moves its counter in the same transaction: with the counters held,
            # whatever the count does not see yet will move them afterwards.
            await connection.execute(_HELD, {"ids": ids})
            await connection.execute(_RECOUNT, {"ids": ids})
            await connection.commit()

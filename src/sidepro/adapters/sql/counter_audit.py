"""Compares the counters of projects with the rows that they count, and repairs them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Table,
    bindparam,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.sql.selectable import NamedFromClause

from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.schema.expressions import IS_VISIBLE_COMMENT, KoreanDay
from sidepro.adapters.sql.schema.tables import (
    bookmarks,
    comments,
    project_counters,
    project_days,
    projects,
)
from sidepro.domain.ids import ProjectId
from sidepro.domain.operations.views import CounterDrift, DailyDrift
from sidepro.domain.projects.trending import KOREA, first_day

BATCH_SIZE = 500
"""Projects repaired in one transaction."""


def _counted(table: Table) -> ColumnElement[bool]:
    """The condition that a row counts: hidden comments do not."""
    return IS_VISIBLE_COMMENT if table is comments else true()


def _counts(table: Table) -> NamedFromClause:
    return (
        select(table.c.project_id, func.count().label("number"))
        .where(_counted(table))
        .group_by(table.c.project_id)
        .subquery(f"counted_{table.name}")
    )


def _count_of(table: Table) -> Any:
    return (
        select(func.count())
        .select_from(table)
        .where(table.c.project_id == project_counters.c.project_id, _counted(table))
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
_day_of_bookmark = KoreanDay(bookmarks.c.created_at)
_FIRST_DAY = bindparam("first_day", type_=Date())
_IS_RECENT = bookmarks.c.created_at >= bindparam("since", type_=bookmarks.c.created_at.type)
_stored_and_rows = union_all(
    select(
        project_days.c.project_id,
        project_days.c.day,
        project_days.c.bookmarks.label("stored"),
        literal(0).label("rows"),
    ).where(project_days.c.day >= _FIRST_DAY),
    select(bookmarks.c.project_id, _day_of_bookmark, literal(0), literal(1)).where(_IS_RECENT),
).subquery("stored_and_rows")
_stored, _rows = func.sum(_stored_and_rows.c.stored), func.sum(_stored_and_rows.c.rows)
_DAILY_DRIFTS = (
    select(_stored_and_rows.c.project_id, _stored_and_rows.c.day, _stored, _rows)
    .group_by(_stored_and_rows.c.project_id, _stored_and_rows.c.day)
    .having(_stored != _rows)
    .order_by(_stored_and_rows.c.project_id, _stored_and_rows.c.day)
)
_FORGET_DAILY_BOOKMARKS = (
    update(project_days)
    .where(
        project_days.c.project_id.in_(bindparam("ids", expanding=True)),
        project_days.c.day >= _FIRST_DAY,
    )
    .values(bookmarks=0)
)
_DAILY_BOOKMARKS = (
    select(bookmarks.c.project_id, _day_of_bookmark, literal(0), func.count())
    .where(bookmarks.c.project_id.in_(bindparam("ids", expanding=True)), _IS_RECENT)
    .group_by(bookmarks.c.project_id, _day_of_bookmark)
)


class SqlCounterAudit:
    """See `sidepro.domain.operations.ports.CounterAudit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_drifts(self) -> list[CounterDrift]:
        return [CounterDrift(*row) for row in await self._database.fetch_long(_DRIFTS)]

    async def find_daily_drifts(self, today: date) -> list[DailyDrift]:
        rows = await self._database.fetch_long(_DAILY_DRIFTS, _last_week(today))
        return [DailyDrift(row[0], row[1], int(row[2]), int(row[3])) for row in rows]

    async def repair(self, wrong: Sequence[CounterDrift | DailyDrift], today: date) -> None:
        projects_to_count = sorted({one.project_id for one in wrong})
        for start in range(0, len(projects_to_count), BATCH_SIZE):
            await self._recount(projects_to_count[start : start + BATCH_SIZE], today)

    async def _recount(self, ids: Sequence[ProjectId], today: date) -> None:
        async with self._database.writing(job=True) as connection:
            missing = upsert(connection, project_counters).from_select(
                ["project_id", "views", "bookmarks", "comments"], _MISSING
            )
            await connection.execute(missing.on_conflict_do_nothing(), {"ids": ids})
            # Commit first: the insert locks projects, and another transaction may hold their
            # counters and be about to delete them.
            await self._database.commit(connection)
            # Writers change rows and counters in one transaction. While the counters are locked, a
            # row that this count misses is added to the counter afterwards.
            await connection.execute(_LOCK, {"ids": ids})
            await connection.execute(_RECOUNT, {"ids": ids})
            parameters = {"ids": ids, **_last_week(today)}
            await connection.execute(_FORGET_DAILY_BOOKMARKS, parameters)
            counted = upsert(connection, project_days).from_select(
                ["project_id", "day", "views", "bookmarks"], _DAILY_BOOKMARKS
            )
            replaced = counted.on_conflict_do_update(
                index_elements=[project_days.c.project_id, project_days.c.day],
                set_={"bookmarks": counted.excluded.bookmarks},
            )
            await connection.execute(replaced, parameters)
            await connection.commit()


def _last_week(today: date) -> dict[str, Any]:
    first = first_day(today)
    since = datetime(first.year, first.month, first.day, tzinfo=KOREA)
    return {"first_day": first, "since": since}

"""Daily counts and trending scores in SQL."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    select,
    tuple_,
    update,
)

from sidepro.adapters.sql.engine.compiled_query import limit_param
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.dialect import unlocked, upsert
from sidepro.adapters.sql.schema.tables import project_counters, project_days, trending_runs
from sidepro.domain.ids import ProjectId
from sidepro.domain.projects.ports import TrendingRun, TrendingScore
from sidepro.domain.projects.trending import BOOKMARK_WEIGHT, DAYS, day_weights

_counters, _days = project_counters.c, project_days.c


def _parameters(today: date) -> dict[str, date]:
    """The days that weigh, as parameters of the statements."""
    return {f"day_{weight}": day for day, weight in day_weights(today).items()}


def _day(weight: int) -> ColumnElement[date]:
    return bindparam(f"day_{weight}", type_=Date())


_WEIGHT = case(*((_days.day == _day(weight), weight) for weight in range(1, DAYS + 1)), else_=0)
# PostgreSQL's sum of BIGINT is NUMERIC.
_SCORE = cast(
    func.coalesce(func.sum(_WEIGHT * (_days.views + BOOKMARK_WEIGHT * _days.bookmarks)), 0),
    BigInteger,
)

# The limit is inside: both databases read only these projects, by primary keys.
_recent = (
    select(_days.project_id, _SCORE.label("score"))
    .where(_days.project_id > bindparam("after", type_=_days.project_id.type))
    .group_by(_days.project_id)
    .order_by(_days.project_id)
    .limit(limit_param("limit"))
    .subquery("recent")
)
_SCORES = (
    select(_recent.c.project_id, (_counters.trending != _recent.c.score).label("is_outdated"))
    .select_from(_recent.join(project_counters, _counters.project_id == _recent.c.project_id))
    .order_by(_recent.c.project_id)
)
_HAS_COUNTS = (
    exists()
    .where(
        _days.project_id == _counters.project_id,
        _days.day.between(_day(1), _day(DAYS)),
    )
    .correlate(project_counters)
)
# The lowest scores fade first, so this finds them at the beginning of the index.
_FADED = (
    select(_counters.project_id)
    .where(_counters.trending > 0, ~_HAS_COUNTS)
    .order_by(_counters.trending, _counters.project_id)
    .limit(limit_param("limit"))
)

_IDS: Any = bindparam("ids", expanding=True)
_LOCK = (
    select(_counters.project_id)
    .where(_counters.project_id.in_(_IDS))
    .order_by(_counters.project_id)
    .with_for_update(key_share=True)
)
_score_of_project = (
    select(_SCORE)
    .where(_days.project_id == _counters.project_id)
    .correlate(project_counters)
    .scalar_subquery()
)
_RENEW = (
    update(project_counters)
    .where(_counters.project_id.in_(_IDS), _counters.trending != _score_of_project)
    .values(trending=_score_of_project)
)
_OLD_DAYS = (
    select(_days.project_id, _days.day)
    .where(_days.day < bindparam("before", type_=Date()))
    .limit(bindparam("limit"))
)
_DELETE_DAYS = delete(project_days).where(
    tuple_(_days.project_id, _days.day).in_(unlocked(_OLD_DAYS))
)
_LAST_RUN = select(trending_runs)


class SqlTrendingStore:
    """See `sidepro.domain.projects.ports.TrendingStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def scores(
        self, today: date, after: ProjectId | None, limit: int
    ) -> Sequence[TrendingScore]:
        parameters = {**_parameters(today), "after": after or UUID(int=0), "limit": limit}
        rows = await self._database.fetch_long(_SCORES, parameters)
        return [TrendingScore(row.project_id, bool(row.is_outdated)) for row in rows]

    async def faded(self, today: date, limit: int) -> Sequence[ProjectId]:
        rows = await self._database.fetch_long(_FADED, {**_parameters(today), "limit": limit})
        return [row.project_id for row in rows]

    async def renew(self, project_ids: Sequence[ProjectId], today: date) -> int:
        parameters = {**_parameters(today), "ids": project_ids}
        async with self._database.writing(job=True) as connection:
            # Who counts locks the counters first. So the next statement reads counts that nobody
            # is changing. The fixed order avoids deadlocks.
            await connection.execute(_LOCK, parameters)
            renewed = await connection.execute(_RENEW, parameters)
            await self._database.commit(connection)
        return renewed.rowcount

    async def delete_days(self, before: date, limit: int) -> int:
        async with self._database.writing(job=True) as connection:
            deleted = await connection.execute(_DELETE_DAYS, {"before": before, "limit": limit})
            await self._database.commit(connection)
        return deleted.rowcount

    async def save_run(self, run: TrendingRun) -> None:
        facts = {
            "computed_at": run.computed_at,
            "milliseconds": round(run.seconds * 1_000),
            "changed": run.changed,
        }
        async with self._database.writing(job=True) as connection:
            first = upsert(connection, trending_runs).values(id=1, **facts)
            await connection.execute(
                first.on_conflict_do_update(index_elements=[trending_runs.c.id], set_=facts)
            )
            await self._database.commit(connection)

    async def last_run(self) -> TrendingRun | None:
        row = await self._database.fetch_one(_LAST_RUN)
        if row is None:
            return None
        return TrendingRun(row.computed_at, row.milliseconds / 1_000, row.changed)

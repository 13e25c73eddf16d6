"""View counts, in total and by day: simultaneous views share a statement."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain, islice
from typing import Any

from sqlalchemy import Date, Select, bindparam, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.selectable import ReturnsRows

from sidepro.adapters.sql.engine.database import Database, retrieve_error
from sidepro.adapters.sql.engine.engines import POOL_TIMEOUT
from sidepro.adapters.sql.engine.errors import RowLocked
from sidepro.adapters.sql.schema.expressions import is_public
from sidepro.adapters.sql.schema.tables import project_counters, project_days
from sidepro.domain.clock import Clock
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import ProjectId
from sidepro.domain.projects.ports import VIEW_TIMEOUT
from sidepro.domain.projects.trending import day_of
from sidepro.domain.waiting import counted_wait, wait_limit

MAX_BATCH = 256
"""Projects counted by one statement."""

RETRY_AFTER = 0.01
"""Seconds until a locked row is tried again."""

_ROWS = select(project_counters.c.project_id).where(
    project_counters.c.project_id.in_(bindparam("ids", expanding=True)),
    is_public(project_counters.c.project_id),
)


_NUMBER = bindparam("number", type_=project_counters.c.views.type)


def _count(*, skip_locked: bool) -> ReturningUpdate[Any]:
    # Locks in a fixed order, to avoid deadlocks between processes.
    rows = _ROWS.order_by(project_counters.c.project_id).with_for_update(
        key_share=True, skip_locked=skip_locked
    )
    return (
        update(project_counters)
        .where(project_counters.c.project_id.in_(rows))
        .values(views=project_counters.c.views + _NUMBER)
        .returning(project_counters.c.project_id)
    )


def _count_today(
    insert: "postgresql.Insert | sqlite.Insert", counted: Select[Any]
) -> "postgresql.Insert | sqlite.Insert":
    """Adds the number to today's views of the counted projects. Their counters are locked."""
    rows = counted.add_columns(bindparam("day", type_=Date()), _NUMBER, literal(0))
    columns = project_days.c
    return insert.from_select(
        [columns.project_id, columns.day, columns.views, columns.bookmarks], rows
    ).on_conflict_do_update(
        index_elements=[columns.project_id, columns.day],
        set_={"views": columns.views + insert.excluded.views},
    )


def _postgresql_statements(*, skip_locked: bool) -> tuple[ReturnsRows, ...]:
    """One statement, and so one round trip."""
    counted = _count(skip_locked=skip_locked).cte("counted")
    today = _count_today(postgresql.insert(project_days), select(counted.c.project_id))
    return (select(counted.c.project_id).add_cte(today.cte("today")),)


# SQLite has no WITH that writes. Its statements cost no round trip.
_SQLITE: tuple[ReturnsRows, ...] = (
    _count(skip_locked=False),
    _count_today(sqlite.insert(project_days), _ROWS).returning(project_days.c.project_id),
)
_POSTGRESQL = _postgresql_statements(skip_locked=False)
_POSTGRESQL_UNLOCKED = _postgresql_statements(skip_locked=True)

Pending = dict[ProjectId, list[asyncio.Future[bool]]]
"""For each project, a future for each of its views."""


class SqlViewCounter:
    """See `sidepro.domain.projects.ports.ViewCounter`.

    A view is counted at once. Views that arrive while a statement runs are counted together by the
    next one. So a hot project costs each process one statement at a time, and its readers share a
    commit.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        """A view belongs to the day of the statement that counts it."""
        self._database = database
        self._clock = clock
        self._statements = _SQLITE if database.is_sqlite else _POSTGRESQL
        self._unlocked_statements = _SQLITE if database.is_sqlite else _POSTGRESQL_UNLOCKED
        self._pending: Pending = {}
        self._task: asyncio.Task[None] | None = None
        self._locked: frozenset[ProjectId] = frozenset()
        self._statement_started: float | None = None

    async def add(self, project_id: ProjectId) -> bool:
        counted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._pending.setdefault(project_id, []).append(counted)
        if self._task is None or self._task.done():
            # A task of its own: a cancelled request must not cancel the others' views.
            self._task = asyncio.create_task(self._count_all())
        try:
            with counted_wait():
                await self._wait(project_id, counted)
        except asyncio.CancelledError:
            counted.cancel()
            raise
        except TimeoutError as error:
            counted.add_done_callback(retrieve_error)
            raise Unavailable from error
        return counted.result()

    async def _wait(self, project_id: ProjectId, counted: asyncio.Future[bool]) -> None:
        """Wait for a view as long as the counter makes progress, even if its queue is long.

        Raises:
            TimeoutError: the statement in progress takes longer than `VIEW_TIMEOUT`, the
                project's counter is locked, or the view waits for `POOL_TIMEOUT`, or for what
                is left to the request.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_limit(POOL_TIMEOUT)
        while not counted.done():
            left = (self._statement_started or loop.time()) + VIEW_TIMEOUT - loop.time()
            await asyncio.wait([counted], timeout=max(0, left))
            now, started = loop.time(), self._statement_started
            is_stuck = started is not None and now - started >= VIEW_TIMEOUT
            is_over = is_stuck or now >= deadline or project_id in self._locked
            if is_over and not counted.done():
                raise TimeoutError

    async def close(self) -> None:
        """Count the pending views."""
        if self._task is not None:
            await self._task

    async def _count_all(self) -> None:
        while self._pending:
            by_number: defaultdict[int, Pending] = defaultdict(dict)
            for project_id in list(islice(self._pending, MAX_BATCH)):
                # Views of cancelled requests are not counted.
                views = [one for one in self._pending.pop(project_id) if not one.done()]
                if views:
                    by_number[len(views)][project_id] = views
            locked: Pending = {}
            for number, pending in by_number.items():
                locked |= await self._count(number, pending)
            self._locked = frozenset(locked)
            if locked:
                for project_id, views in locked.items():
                    self._pending.setdefault(project_id, []).extend(views)
                await asyncio.sleep(RETRY_AFTER)

    async def _count(self, number: int, pending: Pending) -> Pending:
        """Add `number` views to each project and resolve its futures. Returns the views of locked
        projects.
        """
        self._statement_started = asyncio.get_running_loop().time()
        try:
            counted, locked = await self._add(list(pending), number)
        except Exception as error:  # the waiting requests must get any error
            for view in chain.from_iterable(pending.values()):
                if not view.done():
                    view.set_exception(error)
            return {}
        finally:
            self._statement_started = None
        for project_id, views in pending.items():
            if project_id not in locked:
                for view in views:
                    if not view.done():
                        view.set_result(project_id in counted)
        return {project_id: pending[project_id] for project_id in locked}

    async def _add(
        self, ids: list[ProjectId], number: int
    ) -> tuple[set[ProjectId], set[ProjectId]]:
        """Add `number` views to each project. Returns the counted and the locked ones; the others
        do not exist.
        """
        parameters = {"ids": ids, "number": number, "day": day_of(self._clock())}
        write = self._database.write
        if not self._locked:
            try:
                return _ids(await write(parameters, *self._statements)), set()
            except RowLocked:
                # The others must not wait for the locked row, now or in the next rounds.
                self._locked = frozenset(ids)
        try:
            counted = _ids(await write(parameters, *self._unlocked_statements))
        except RowLocked as error:  # a migration locks the table
            raise Unavailable from error
        rest = [project_id for project_id in ids if project_id not in counted]
        if not rest:
            return counted, set()
        return counted, _ids(await self._database.fetch(_ROWS, {"ids": rest}))


def _ids(rows: Iterable[Any]) -> set[ProjectId]:
    return {row.project_id for row in rows}

"""Counting views: those that come in at the same time share a statement."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from sidepro.adapters.sql.engine.database import POOL_TIMEOUT, Database
from sidepro.adapters.sql.engine.fast_reads import RowLocked
from sidepro.adapters.sql.schema.tables import project_counters
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import ProjectId

MAX_BATCH = 256
"""Projects whose views are counted in one go, at the most."""

RETRY_AFTER = 0.01
"""Seconds until a row that somebody holds is tried again."""

_ROWS = select(project_counters.c.project_id).where(
    project_counters.c.project_id.in_(bindparam("ids", expanding=True))
)


def _count(*, skip_held: bool) -> ReturningUpdate[Any]:
    # Held in one order, so that no two processes can wait for each other.
    rows = _ROWS.order_by(project_counters.c.project_id).with_for_update(
        key_share=True, skip_locked=skip_held
    )
    return (
        update(project_counters)
        .where(project_counters.c.project_id.in_(rows))
        .values(views=project_counters.c.views + bindparam("number"))
        .returning(project_counters.c.project_id)
    )


_COUNT, _COUNT_FREE = _count(skip_held=False), _count(skip_held=True)

Waiting = dict[ProjectId, list[asyncio.Future[bool]]]
"""Who waits for the views of which project to be counted."""


class SqlViewCounter:
    """See `sidepro.domain.projects.ports.ViewCounter`.

    A view is counted at once when no counting is under way, else together with all those that
    come meanwhile. So a hot project costs one statement at a time in each process, however many
    people read it; and all of them wait for one commit.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: Waiting = {}
        self._task: asyncio.Task[None] | None = None
        self._some_are_held = False

    async def add(self, project_id: ProjectId) -> bool:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(project_id, []).append(answer)
        if self._task is None or self._task.done():
            # A task of its own: whoever asks may go away, and must not take the others along.
            self._task = asyncio.create_task(self._count_all())
        try:
            async with asyncio.timeout(POOL_TIMEOUT):
                return await answer
        except TimeoutError as error:
            raise Unavailable from error

    async def close(self) -> None:
        """Count those that still wait."""
        if self._task is not None:
            await self._task

    async def _count_all(self) -> None:
        while self._waiting:
            together = list(islice(self._waiting, MAX_BATCH))
            by_number: defaultdict[int, Waiting] = defaultdict(dict)
            for project_id in together:
                # Who has given up is not counted.
                answers = [one for one in self._waiting.pop(project_id) if not one.done()]
                if answers:
                    by_number[len(answers)][project_id] = answers
            held: Waiting = {}
            for number, waiting in by_number.items():
                held |= await self._count(number, waiting)
            self._some_are_held = bool(held)
            if held:
                for project_id, answers in held.items():
                    self._waiting.setdefault(project_id, []).extend(answers)
                await asyncio.sleep(RETRY_AFTER)

    async def _count(self, number: int, waiting: Waiting) -> Waiting:
        """Add so many views to each of the projects, and answer; those that somebody holds."""
        try:
            counted, held = await self._stored(list(waiting), number)
        except Exception as error:  # whatever it is, those who wait have to hear of it
            for answers in waiting.values():
                for answer in answers:
                    if not answer.done():
                        answer.set_exception(error)
            return {}
        for project_id, answers in waiting.items():
            if project_id not in held:
                for answer in answers:
                    if not answer.done():
                        answer.set_result(project_id in counted)
        return {project_id: waiting[project_id] for project_id in held}

    async def _stored(
        self, ids: list[ProjectId], number: int
    ) -> tuple[set[ProjectId], set[ProjectId]]:
        """The projects that got so many views each, and those that somebody holds.

        The others are not there.
        """
        parameters = {"ids": ids, "number": number}
        if not self._some_are_held:
            try:
                return _ids(await self._database.write(_COUNT, parameters)), set()
            except RowLocked:
                # Somebody holds one for long. The others do not wait for it, now or later.
                self._some_are_held = True
        try:
            counted = _ids(await self._database.write(_COUNT_FREE, parameters))
        except RowLocked as error:  # the table itself, by a migration
            raise Unavailable from error
        rest = [project_id for project_id in ids if project_id not in counted]
        if not rest:
            return counted, set()
        return counted, _ids(await self._database.fetch(_ROWS, {"ids": rest}))


def _ids(rows: Iterable[Any]) -> set[ProjectId]:
    return {row.project_id for row in rows}

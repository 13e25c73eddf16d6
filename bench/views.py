"""Strategies for counting views, on both databases.

    ./just bench views [--views N]

Each strategy counts the same number of views for concurrent readers: first of one project, then of
a hundred projects in turn. See docs/decisions/0012-views.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import uvloop
from sqlalchemy import bindparam, select, update

from bench import cpu
from bench.servers import DurablePostgres, fill, settings_of
from sidepro.adapters import system
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.schema.tables import project_counters
from sidepro.adapters.sql.view_counter import SqlViewCounter
from sidepro.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidepro.domain.ids import ProjectId
    from sidepro.domain.projects.ports import ViewCounter

READERS = 32
PROJECTS = 100
SMALL = {"users": 50, "projects": 200}

_COUNTERS = project_counters.c
_PROJECTS = select(_COUNTERS.project_id).order_by(_COUNTERS.project_id).limit(PROJECTS)
_COUNT = (
    update(project_counters)
    .where(_COUNTERS.project_id == bindparam("id"))
    .values(views=_COUNTERS.views + bindparam("number"))
    .returning(_COUNTERS.project_id)
)


class OneByOne:
    """One statement and commit per view."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, project_id: ProjectId) -> bool:
        return bool(await self._database.write({"id": project_id, "number": 1}, _COUNT))


class ByProject:
    """One statement at a time per project, for all views that arrived meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[ProjectId, list[asyncio.Future[bool]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def add(self, project_id: ProjectId) -> bool:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        is_running = project_id in self._waiting
        self._waiting.setdefault(project_id, []).append(answer)
        if not is_running:
            task = asyncio.create_task(self._count(project_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _count(self, project_id: ProjectId) -> None:
        while answers := self._waiting[project_id]:
            self._waiting[project_id] = []
            parameters = {"id": project_id, "number": len(answers)}
            exists = bool(await self._database.write(parameters, _COUNT))
            for answer in answers:
                answer.set_result(exists)
        del self._waiting[project_id]


class Strategy(Protocol):
    """Makes a view counter."""

    def __call__(self, database: Database, /) -> ViewCounter: ...


STRATEGIES: dict[str, Strategy] = {
    "one by one": OneByOne,
    "batched per project": ByProject,
    "batched for all projects": lambda database: SqlViewCounter(database, system.clock),
}


async def count(
    counter: ViewCounter, projects: list[ProjectId], views: int
) -> tuple[float, list[float]]:
    """The seconds of all views together, and of each view."""
    cycle = itertools.cycle(projects)
    remaining = iter(range(views))
    waits: list[float] = []

    async def reader() -> None:
        for _ in remaining:
            started = time.perf_counter()
            assert await counter.add(next(cycle))
            waits.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(reader() for _ in range(READERS)))
    return time.perf_counter() - started, waits


async def measure(name: str, address: str, database_cpu: Callable[[], float], views: int) -> None:
    """Print a row for each strategy."""
    database = Database(address)
    hundred = [row.project_id for row in await database.fetch(_PROJECTS)]
    for kind, projects in (("one project", hundred[:1]), ("a hundred", hundred)):
        for strategy, make in STRATEGIES.items():
            counter = make(database)
            await count(counter, projects, views // 10)
            rounds = []
            for _ in range(3):
                before = time.process_time() * 1000, database_cpu()
                seconds, waits = await count(counter, projects, views)
                after = time.process_time() * 1000, database_cpu()
                rounds.append(
                    (
                        (after[0] - before[0]) / views,
                        (after[1] - before[1]) / views,
                        views / seconds,
                        statistics.quantiles(waits, n=100)[-1] * 1000,
                    )
                )
            app, of_database, rate, slow = map(statistics.median, zip(*rounds, strict=True))
            print(
                f"| {name} | {kind} | {strategy} | {app:.3f} | {of_database:.3f} | {rate:,.0f} "
                f"| {slow:.1f} |"
            )
    await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="./just bench views", description="Strategies for counting views."
    )
    parser.add_argument("--views", type=int, default=2_000)
    views = parser.parse_args().views
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sidepro-bench-")))
        postgres = stack.enter_context(DurablePostgres.start())
        print("| database | views of | strategy | app, ms | database, ms | a second | p99, ms |")
        print("|---|---|---|---|---|---|---|")
        for name, url in (("PostgreSQL", postgres.fresh_database()), ("SQLite", None)):
            print(f"filling {name}", file=sys.stderr)
            settings = settings_of(folder / name, url)
            fill(settings, SMALL)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                used = (lambda: cpu.used(postgres.pid)) if url else (lambda: 0.0)
                runner.run(measure(name, load(settings).database, used, views))


if __name__ == "__main__":
    main()

"""Estimates of how many projects a filter matches, and of how far a scan gets in a list.

Both come from a random sample of the projects. PostgreSQL's planner would estimate worse: it
multiplies the frequencies of a word's n-grams, which are not independent, and makes one plan for
all values.
"""

import asyncio
import random
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import structlog
from sqlalchemy import bindparam, func, select

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.schema.expressions import SKILLS_OF_PROJECT
from sidepro.adapters.sql.schema.tables import project_counters, project_search, projects
from sidepro.adapters.sql.search.filters import BoardFilter, Candidate
from sidepro.domain.pagination import Cursor, SortKey
from sidepro.domain.projects.views import Sort
from sidepro.domain.waiting import LONGEST_WAITS, begin_waits, wait_at_most

log = structlog.get_logger(__name__)

SAMPLE_SIZE = 2_000
"""Projects."""

SAMPLE_TTL = 60.0
"""Seconds after which the sample is replaced."""

RETRY_AFTER = 1.0
"""Seconds until the next attempt to take a sample, after one that failed."""

_LAST = select(func.max(project_search.c.number).label("number"))
_PROJECTS = (
    select(
        projects.c.id,
        projects.c.author_id,
        projects.c.search_text,
        projects.c.created_at,
        project_counters.c.views,
        project_counters.c.bookmarks,
        project_counters.c.trending,
        SKILLS_OF_PROJECT,
    )
    .select_from(projects)
    .join(project_search, project_search.c.project_id == projects.c.id)
    .join(project_counters, project_counters.c.project_id == projects.c.id)
    .where(project_search.c.number.in_(bindparam("numbers", expanding=True)))
)


class Selectivity(NamedTuple):
    """Shares of all projects: the projects that pass all filters, and the rows that each filter's
    index returns. `filters` are tuned to the sample.
    """

    matching: float
    index_rows: tuple[float, ...]
    filters: tuple[BoardFilter, ...]


class Sample:
    """A random sample of projects. `total` estimates the number of all projects."""

    def __init__(
        self,
        projects: Sequence[Candidate] = (),
        sort_keys: Mapping[Sort, Sequence[SortKey]] | None = None,
        total: float = 0,
    ) -> None:
        self._projects = projects
        self._sort_keys = {sort: sorted(keys) for sort, keys in (sort_keys or {}).items()}
        self.total = total
        self.selectivity = lru_cache(maxsize=1_000)(self._selectivity)

    def scan_bound(self, sort: Sort, start: Cursor, steps: float) -> SortKey | None:
        """The sort key that a scan from `start` reaches after about this many steps; `None` if
        that is past the end. Lists are in descending order.
        """
        keys = self._sort_keys.get(sort, ())
        if steps >= self.total:
            return None
        sampled = 1 + int(steps * len(keys) / self.total)
        if start.reverse:
            begin = 0 if start.after is None else bisect_left(keys, start.after)
            return keys[begin + sampled] if begin + sampled < len(keys) else None
        begin = len(keys) if start.after is None else bisect_left(keys, start.after)
        return keys[begin - sampled] if begin >= sampled else None

    def _selectivity(self, filters: tuple[BoardFilter, ...]) -> Selectivity:
        size = len(self._projects) or 1
        matching = sum(all(one.matches(each) for one in filters) for each in self._projects)
        return Selectivity(
            matching / size,
            tuple(one.index_rows(self._projects) / size for one in filters),
            tuple(one.tuned(self._projects) for one in filters),
        )


class SampleCache:
    """Takes a sample when it is first needed, and replaces it in the background."""

    def __init__(self, database: Source) -> None:
        self._database = database
        self._expires_at = 0.0
        self._renewal: asyncio.Task[Sample] | None = None
        self.latest: Sample | None = None

    async def current(self) -> Sample:
        """The sample. Returns an expired one while its successor is taken.

        Raises:
            Unavailable: there is no sample yet, and none can be taken.
        """
        if self.latest is not None and time.monotonic() < self._expires_at:
            return self.latest
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._take())
            self._renewal.add_done_callback(self._renewed)
        if self.latest is not None:
            return self.latest
        # Several requests may wait: a cancelled one must not cancel the renewal.
        return await wait_at_most(LONGEST_WAITS, asyncio.shield(self._renewal))

    def _renewed(self, renewal: asyncio.Task[Sample]) -> None:
        self._renewal = None
        error = None if renewal.cancelled() else renewal.exception()
        if error is not None:
            log.warning("sampling_failed", reason=type(error).__name__)
        if error is not None or renewal.cancelled():
            self._expires_at = time.monotonic() + RETRY_AFTER
        else:
            self.latest = renewal.result()
            self._expires_at = time.monotonic() + SAMPLE_TTL

    async def _take(self) -> Sample:
        begin_waits()
        row = await self._database.fetch_one(_LAST)
        last = row.number if row and row.number else 0
        # Numbers of deleted projects are missing, so the sample is smaller but still random.
        numbers = random.sample(range(1, last + 1), min(SAMPLE_SIZE, last))
        rows = await self._database.fetch(_PROJECTS, {"numbers": numbers}) if numbers else []
        sort_keys: dict[Sort, Sequence[SortKey]] = {
            Sort.NEWEST: [(row.created_at, row.id) for row in rows],
            Sort.VIEWS: [(row.views, row.id) for row in rows],
            Sort.POPULAR: [(row.bookmarks, row.id) for row in rows],
            Sort.TRENDING: [(row.trending, row.id) for row in rows],
        }
        total = last * len(rows) / len(numbers) if numbers else 0
        return Sample([_candidate(row) for row in rows], sort_keys, total)


def _candidate(row: Row) -> Candidate:
    skills = row.skill_ids.split(",") if row.skill_ids else ()
    return Candidate(row.search_text, frozenset(map(int, skills)), row.author_id)

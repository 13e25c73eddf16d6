"""Which way a filtered list is found: by walking it, or by an index of what is looked for.

An index gives all hits in no order. For what many projects have it is quicker to walk the list in
its own order and look at each until a page is full. A sample of the projects tells which way is
the shortest, also when one filter lets many through and another few. What is found is the same.
The planner would guess worse: it multiplies the shares of a word's grams, which come together, and
makes one plan for all terms and skills.

A sample does not tell where in the list the hits lie. Should they lie together, far from where a
walk begins, it would go on and on: it ends where an index would have been as dear.
"""

import asyncio
import random
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import structlog
from sqlalchemy import bindparam, func, select

from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.repositories.projects import SKILLS_OF_PROJECT
from sidepro.adapters.sql.schema.tables import (
    project_counters,
    project_search,
    projects,
)
from sidepro.domain.pagination import Cursor, SortKey
from sidepro.domain.projects.views import Sort

log = structlog.get_logger(__name__)

SIZE = 2_000
"""Projects that are looked at to guess how many of all there are of a kind."""

SAMPLE_TTL = 60.0
"""Seconds until another sample is taken."""

RETRY_AFTER = 1.0
"""Seconds until another sample is taken when that did not succeed."""

INDEX_HIT_COST = 3
"""What a hit of an index costs, beside a step of the walk: it may lie anywhere, and all of them
have to be sorted.
"""

SCAN_SAFETY_FACTOR = 3
"""How many times as far as expected a walk goes at least: one page in a thousand needs more."""

_LAST = select(func.max(project_search.c.number).label("number"))
_PROJECTS = (
    select(
        projects.c.id,
        projects.c.search_text,
        projects.c.created_at,
        project_counters.c.views,
        project_counters.c.bookmarks,
        SKILLS_OF_PROJECT,
    )
    .select_from(projects)
    .join(project_search, project_search.c.project_id == projects.c.id)
    .join(project_counters, project_counters.c.project_id == projects.c.id)
    .where(project_search.c.number.in_(bindparam("numbers", expanding=True)))
)


class AccessPath(StrEnum):
    """The list in its own order, or all projects that an index gives for the text or a skill."""

    SCAN = "walk"
    TEXT = "text"
    SKILLS = "skills"


class FilterSpec(NamedTuple):
    """What is looked for: a folded text, and any or all of some skills, by their numbers."""

    text: str | None
    skills: tuple[int, ...]
    every: bool


class Selectivity(NamedTuple):
    """Which parts of all projects fit: all that is wanted, the text, the skills as their index
    gives them. `rarest` are the skills, those that few have first.
    """

    both: float
    text: float
    skills: float
    rarest: tuple[int, ...]


class Plan(NamedTuple):
    """The shortest way; the wanted skills, of which the first is the one to be looked up where a
    project needs every one. A walk goes so many steps, and then another way is taken `instead`.
    """

    path: AccessPath
    skills: tuple[int, ...]
    fallback: AccessPath | None = None
    steps: float = float("inf")


class Sample:
    """Some projects, each with its search text and skills, and how many there are of all; and for
    each order where in it they are.
    """

    def __init__(
        self,
        seen: Sequence[tuple[str, frozenset[int]]] = (),
        places: Mapping[Sort, Sequence[SortKey]] | None = None,
        number: float = 0,
    ) -> None:
        self._seen = seen
        self._places = {sort: sorted(keys) for sort, keys in (places or {}).items()}
        self.number = number
        self.shares = lru_cache(maxsize=1_000)(self._selectivity)

    def place(self, sort: Sort, start: Cursor, steps: float) -> SortKey | None:
        """About where a walk from there is after so many steps; `None` if that is past the end.
        The lists begin with what is highest.
        """
        places = self._places.get(sort, ())
        if steps >= self.number:
            return None
        sampled = 1 + int(steps * len(places) / self.number)
        if start.reverse:
            begin = 0 if start.after is None else bisect_left(places, start.after)
            return places[begin + sampled] if begin + sampled < len(places) else None
        begin = len(places) if start.after is None else bisect_left(places, start.after)
        return places[begin - sampled] if begin >= sampled else None

    def _selectivity(self, wanted: FilterSpec) -> Selectivity:
        """Which parts of all projects fit."""
        text, skills, every = wanted
        of_skill = {skill: sum(skill in has for _, has in self._seen) for skill in skills}
        rarest = tuple(sorted(skills, key=lambda skill: of_skill[skill]))
        those = frozenset(skills)
        with_text = [has for found, has in self._seen if text is None or text in found]
        if every:
            both = sum(those <= has for has in with_text)
            by_index = min(of_skill.values(), default=0)
        else:
            both = sum(not those or not those.isdisjoint(has) for has in with_text)
            by_index = sum(of_skill.values())
        whole = len(self._seen) or 1
        return Selectivity(both / whole, len(with_text) / whole, by_index / whole, rarest)


class AccessPathPlanner:
    """Tells the shortest way, by a random sample that is renewed now and then."""

    def __init__(self, database: Source) -> None:
        self._database = database
        self._sample: Sample | None = None
        self._old_at = 0.0
        self._renewing: asyncio.Task[Sample] | None = None

    async def shortest(self, wanted: FilterSpec, rows: float = float("inf")) -> Plan:
        """The way on which so many rows, or all, are expected soonest.

        Raises:
            Unavailable: no sample was taken yet, and none can be.
        """
        sample = await self._current()
        shares, number = sample.shares(wanted), sample.number
        costs = {}
        if wanted.skills:
            costs[AccessPath.SKILLS] = INDEX_HIT_COST * shares.skills * number
        if wanted.text is not None:
            costs[AccessPath.TEXT] = INDEX_HIT_COST * shares.text * number
        best = min(costs, key=lambda way: costs[way])
        expected = rows / shares.both if shares.both else float("inf")
        if costs[best] < expected:
            return Plan(best, shares.rarest)
        steps = max(costs[best], SCAN_SAFETY_FACTOR * expected)
        return Plan(AccessPath.SCAN, shares.rarest, best, steps)

    def place(self, sort: Sort, start: Cursor, steps: float) -> SortKey | None:
        """See `Sample.place`."""
        return None if self._sample is None else self._sample.place(sort, start, steps)

    async def _current(self) -> Sample:
        """The sample. Whoever comes while another one is taken goes by the old one."""
        if self._sample is not None and time.monotonic() < self._old_at:
            return self._sample
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._taken())
            self._renewing.add_done_callback(self._renewed)
        if self._sample is not None:
            return self._sample
        # Whoever goes away does not take it from the others.
        return await asyncio.shield(self._renewing)

    def _renewed(self, taken: asyncio.Task[Sample]) -> None:
        self._renewing = None
        error = None if taken.cancelled() else taken.exception()
        if error is not None:
            log.warning("sample_not_taken", reason=type(error).__name__)
        if error is not None or taken.cancelled():
            self._old_at = time.monotonic() + RETRY_AFTER
        else:
            self._sample = taken.result()
            self._old_at = time.monotonic() + SAMPLE_TTL

    async def _taken(self) -> Sample:
        row = await self._database.fetch_one(_LAST)
        last = row.number if row and row.number else 0
        # Numbers may be missing: the sample is smaller then, and no less random.
        numbers = random.sample(range(1, last + 1), min(SIZE, last))
        found = await self._database.fetch(_PROJECTS, {"numbers": numbers}) if numbers else []
        seen = [
            (
                row.search_text,
                frozenset(map(int, row.skill_ids.split(",") if row.skill_ids else ())),
            )
            for row in found
        ]
        places: dict[Sort, Sequence[SortKey]] = {
            Sort.NEWEST: [(row.created_at, row.id) for row in found],
            Sort.VIEWS: [(row.views, row.id) for row in found],
            Sort.POPULAR: [(row.bookmarks, row.id) for row in found],
        }
        number = last * len(found) / len(numbers) if numbers else 0
        return Sample(seen, places, number)

"""Which way a filtered list is found: by walking it, or by an index of what is looked for.

An index gives all hits in no order. For what many projects have it is quicker to walk the list in
its own order and look at each until a page is full. A sample of the projects tells which way is
the shortest, also when one filter lets many through and another few. What is found is the same.
The planner would guess worse: it multiplies the shares of a word's grams, which come together, and
makes one plan for all terms and skills.
"""

import random
import time
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import bindparam, func, select

from sidepro.adapters.sql.board import SKILLS_OF_PROJECT
from sidepro.adapters.sql.database import Source
from sidepro.adapters.sql.tables import project_search, projects

SIZE = 2_000
"""Projects that are looked at to guess how many of all there are of a kind."""

LASTS = 60.0
"""Seconds until another sample is taken."""

DEARER = 3
"""What a hit of an index costs, beside a step of the walk: it may lie anywhere, and all of them
have to be sorted.
"""

_LAST = select(func.max(project_search.c.number).label("number"))
_PROJECTS = (
    select(projects.c.search_text, SKILLS_OF_PROJECT)
    .join(project_search, project_search.c.project_id == projects.c.id)
    .where(project_search.c.number.in_(bindparam("numbers", expanding=True)))
)


class Way(StrEnum):
    """The list in its own order, or all projects that an index gives for the text or a skill."""

    WALK = "walk"
    TEXT = "text"
    SKILLS = "skills"


class Wanted(NamedTuple):
    """What is looked for: a folded text, and any or all of some skills, by their numbers."""

    text: str | None
    skills: tuple[int, ...]
    every: bool


class Shares(NamedTuple):
    """Which parts of all projects fit: all that is wanted, the text, the skills as their index
    gives them. `rarest` are the skills, those that few have first.
    """

    both: float
    text: float
    skills: float
    rarest: tuple[int, ...]


class Sample:
    """Some projects, each with its search text and skills, and how many there are of all."""

    def __init__(self, seen: Sequence[tuple[str, frozenset[int]]] = (), number: float = 0) -> None:
        self._seen = seen
        self.number = number
        self.shares = lru_cache(maxsize=1_000)(self._shares)

    def _shares(self, wanted: Wanted) -> Shares:
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
        return Shares(both / whole, len(with_text) / whole, by_index / whole, rarest)


class Ways:
    """Tells the shortest way, by a random sample that is renewed now and then."""

    def __init__(self, database: Source) -> None:
        self._database = database
        self._sample = Sample()
        self._old_at = 0.0

    async def shortest(
        self, wanted: Wanted, rows: float = float("inf")
    ) -> tuple[Way, tuple[int, ...]]:
        """The way on which so many rows, or all, are expected soonest; and the wanted skills, of
        which the first is the one to be looked up where a project needs every one.
        """
        if time.monotonic() >= self._old_at:
            await self._renew()
        shares, number = self._sample.shares(wanted), self._sample.number
        costs = {}
        if wanted.skills:
            costs[Way.SKILLS] = DEARER * shares.skills * number
        if wanted.text is not None:
            costs[Way.TEXT] = DEARER * shares.text * number
        costs[Way.WALK] = rows / shares.both if shares.both else float("inf")
        return min(costs, key=lambda way: costs[way]), shares.rarest

    async def _renew(self) -> None:
        self._old_at = time.monotonic() + LASTS
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
        self._sample = Sample(seen, last * len(found) / len(numbers) if numbers else 0)

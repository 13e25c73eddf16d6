"""Whether a term is common: then the list itself is walked, and else an index is asked.

An index gives all hits in no order. For a term that many projects have it is quicker to walk the
list in its own order and look at each text until a page is full. A sample of the texts tells which
of the two is shorter. What is found is the same.
"""

import random
import time

from sqlalchemy import bindparam, func, select

from sidepro.adapters.sql.database import Source
from sidepro.adapters.sql.tables import project_search, projects

SAMPLE = 2_000
"""Texts that are looked at to guess how many of all have a term."""

LASTS = 60.0
"""Seconds until another sample is taken."""

DEARER = 3
"""What a hit of the index costs, beside a step of the walk: it may lie anywhere, and all of them
have to be sorted.
"""

_LAST = select(func.max(project_search.c.number).label("number"))
_TEXTS = (
    select(projects.c.search_text)
    .join(project_search, project_search.c.project_id == projects.c.id)
    .where(project_search.c.number.in_(bindparam("numbers", expanding=True)))
)


class TextSample:
    """A random sample of the search texts, renewed now and then."""

    def __init__(self, database: Source) -> None:
        self._database = database
        self._texts: list[str] = []
        self._projects = 0
        self._old_at = 0.0

    async def is_common(self, term: str, rows: int) -> bool:
        """Whether a walk is expected to find so many rows with the term sooner than an index."""
        if time.monotonic() >= self._old_at:
            await self._renew()
        hits = sum(term in text for text in self._texts)
        if not hits:
            return False
        share = hits / len(self._texts)
        return rows / share < DEARER * share * self._projects

    async def _renew(self) -> None:
        self._old_at = time.monotonic() + LASTS
        row = await self._database.fetch_one(_LAST)
        last = row.number if row and row.number else 0
        # Numbers may be missing: the sample is smaller then, and no less random.
        numbers = random.sample(range(1, last + 1), min(SAMPLE, last))
        found = await self._database.fetch(_TEXTS, {"numbers": numbers}) if numbers else []
        self._texts = [row.search_text for row in found]
        self._projects = round(last * len(found) / len(numbers)) if numbers else 0

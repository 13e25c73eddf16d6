"""The catalogue in memory: rows hold ids, views hold names."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Table, func, select

from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.schema import tables
from sidepro.adapters.sql.schema.expressions import is_public
from sidepro.adapters.sql.shared_read import SharedRead
from sidepro.domain.catalogue.catalogue import Catalogue

CACHE_TTL = 60.0
"""Seconds after which the catalogue is read again, since a migration may have extended it."""

CHEAP_COUNT = 0.05
"""Seconds. Counting the projects of all skills reads an index. The result of a slower count is
cached.
"""

COUNTS_TTL_FACTOR = 20
"""A slow count is cached for this many times its excess over `CHEAP_COUNT`, so that counting takes
only a small part of a core.
"""


@dataclass(frozen=True, slots=True)
class CatalogueIds:
    """The catalogue with the ids of its entries, in their order."""

    catalogue: Catalogue
    skill_names: Mapping[int, str]
    region_names: Mapping[int, str]
    meet_time_names: Mapping[int, str]
    skill_ids: Mapping[str, int]
    region_ids: Mapping[str, int]
    meet_time_ids: Mapping[str, int]

    def skills(self, ids: Iterable[int]) -> tuple[str, ...]:
        """The names of the skills, in catalogue order.

        Ids that a newer process has just added are left out until the catalogue is read again.
        """
        names = self.skill_names
        return tuple([names[skill_id] for skill_id in sorted(ids) if skill_id in names])

    def skills_of_list(self, ids: str | None) -> tuple[str, ...]:
        """The names for a list of `SKILLS_OF_PROFILE` or `SKILLS_OF_PROJECT`."""
        return self.skills(map(int, ids.split(","))) if ids else ()


class CatalogueCache:
    """Reads the catalogue at most once in `CACHE_TTL`."""

    def __init__(self) -> None:
        self._current: CatalogueIds | None = None
        self._read_at = 0.0

    async def current(self, source: Source) -> CatalogueIds:
        """The catalogue, read from `source` unless it is fresh."""
        now = time.monotonic()
        if self._current is None or now - self._read_at > CACHE_TTL:
            self._current = await _read(source)
            self._read_at = now
        return self._current


class SqlCatalogueReader:
    """See `sidepro.domain.catalogue.ports.CatalogueReader`."""

    def __init__(self, source: Source, cache: CatalogueCache) -> None:
        self._source = source
        self._cache = cache
        self._counts: Mapping[str, int] = {}
        self._counts_expire = 0.0
        self._counting = SharedRead(self._count)

    async def current(self) -> Catalogue:
        return (await self._cache.current(self._source)).catalogue

    async def skill_counts(self) -> Mapping[str, int]:
        if time.monotonic() >= self._counts_expire:
            return await self._counting.result()
        return self._counts

    async def _count(self) -> Mapping[str, int]:
        started = time.monotonic()
        self._counts = await self._count_skills()
        ended = time.monotonic()
        expensive = max(0.0, ended - started - CHEAP_COUNT)
        self._counts_expire = ended + COUNTS_TTL_FACTOR * expensive
        return self._counts

    async def _count_skills(self) -> Mapping[str, int]:
        rows = await self._source.fetch(_SKILL_COUNTS)
        counts = {row.skill_id: row.projects for row in rows}
        skills = (await self._cache.current(self._source)).skill_ids
        return {name: counts.get(skill_id, 0) for name, skill_id in skills.items()}


_SKILL_COUNTS = (
    select(tables.project_skills.c.skill_id, func.count().label("projects"))
    .where(is_public(tables.project_skills.c.project_id))
    .group_by(tables.project_skills.c.skill_id)
)


def _entries(table: Table) -> Select[Any]:
    return select(table.c.id, table.c.name).order_by(table.c.id)


_SKILLS, _REGIONS = _entries(tables.skills), _entries(tables.regions)
_MEET_TIMES = _entries(tables.meet_times)


async def _read(source: Source) -> CatalogueIds:
    skills, regions, meet_times = [
        {row.id: row.name for row in await source.fetch(entries)}
        for entries in (_SKILLS, _REGIONS, _MEET_TIMES)
    ]
    return CatalogueIds(
        Catalogue(tuple(skills.values()), tuple(regions.values()), tuple(meet_times.values())),
        skills,
        regions,
        meet_times,
        _inverse(skills),
        _inverse(regions),
        _inverse(meet_times),
    )


def _inverse(names: Mapping[int, str]) -> dict[str, int]:
    return {name: entry_id for entry_id, name in names.items()}

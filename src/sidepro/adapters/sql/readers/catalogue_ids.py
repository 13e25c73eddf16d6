"""The catalogue's names and numbers, kept in memory: rows hold numbers, people see names."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.schema import tables
from sidepro.domain.catalogue.catalogue import Catalogue

CACHE_TTL = 60.0
"""Seconds after which the catalogue is read again: a migration may have added to it."""


@dataclass(frozen=True, slots=True)
class CatalogueIds:
    """The catalogue with the numbers of its entries, which are their places in it."""

    catalogue: Catalogue
    skill_names: Mapping[int, str]
    region_names: Mapping[int, str]
    meet_time_names: Mapping[int, str]
    skill_ids: Mapping[str, int]
    region_ids: Mapping[str, int]
    meet_time_ids: Mapping[str, int]

    def skills(self, ids: Iterable[int]) -> tuple[str, ...]:
        """The names of the skills, in catalogue order.

        A skill that another process has just migrated in is left out until the next reading.
        """
        names = self.skill_names
        return tuple(names[number] for number in sorted(ids) if number in names)

    def skills_of_list(self, ids: str | None) -> tuple[str, ...]:
        """The names behind a list such as `4,17`, as the statements aggregate it."""
        return self.skills(int(number) for number in ids.split(",")) if ids else ()


class CatalogueCache:
    """Reads the catalogue once a minute at the most."""

    def __init__(self) -> None:
        self._current: CatalogueIds | None = None
        self._read_at = 0.0

    async def current(self, source: AsyncConnection | Source) -> CatalogueIds:
        """The catalogue, read from there when it is not fresh."""
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

    async def current(self) -> Catalogue:
        return (await self._cache.current(self._source)).catalogue


def _entries(table: Table) -> Select[Any]:
    return select(table.c.id, table.c.name).order_by(table.c.id)


_SKILLS, _REGIONS = _entries(tables.skills), _entries(tables.regions)
_MEET_TIMES = _entries(tables.meet_times)


async def _read(source: AsyncConnection | Source) -> CatalogueIds:
    async def names(entries: Select[Any]) -> dict[int, str]:
        if isinstance(source, AsyncConnection):
            return {row.id: row.name for row in await source.execute(entries)}
        return {row.id: row.name for row in await source.fetch(entries)}

    def numbers(of: Mapping[int, str]) -> dict[str, int]:
        return {name: number for number, name in of.items()}

    skills = await names(_SKILLS)
    regions = await names(_REGIONS)
    meet_times = await names(_MEET_TIMES)
    return CatalogueIds(
        Catalogue(tuple(skills.values()), tuple(regions.values()), tuple(meet_times.values())),
        skills,
        regions,
        meet_times,
        numbers(skills),
        numbers(regions),
        numbers(meet_times),
    )

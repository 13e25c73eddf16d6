"""Access paths of a filtered list: a scan in its own order, or the index of one filter.

An index returns all hits, unordered. For a filter that many projects match, scanning the list in
its order and checking each project until a page is full is faster. Estimates from a sample decide;
the result is the same.

The sample does not show where in the list the hits are. They may cluster far from the start of the
scan. Then the scan stops at a bound, the point at which the index would have cost as much, and the
index is used.
"""

from typing import Final, NamedTuple

from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.search.filters import BoardFilter, FilterSql
from sidepro.adapters.sql.search.selectivity import SampleCache
from sidepro.domain.pagination import Cursor, SortKey
from sidepro.domain.projects.views import Sort

INDEX_HIT_COST = 3
"""Cost of an index hit relative to one scan step: hits are scattered, and are sorted."""

SCAN_SAFETY_FACTOR = 3
"""A scan is bounded by at least this multiple of its expected length: one page in a thousand needs
more.
"""

AccessPath = FilterSql | None
"""The filter whose index is used, or a scan."""

SCAN: Final = None


class Plan(NamedTuple):
    """The cheapest access path. A scan is bounded to `steps` where it has a `fallback`."""

    filters: tuple[BoardFilter, ...]
    path: AccessPath = SCAN
    fallback: AccessPath = None
    steps: float = float("inf")


class AccessPathPlanner:
    """Chooses access paths by estimated cost."""

    def __init__(self, database: Source) -> None:
        self._samples = SampleCache(database)

    async def plan(self, filters: tuple[BoardFilter, ...], rows: float = float("inf")) -> Plan:
        """The cheapest path to this many rows, or to all of them.

        Raises:
            Unavailable: there is no sample yet, and none can be taken.
        """
        if any(one.sql.is_narrow for one in filters) or all(
            one.sql.index is None for one in filters
        ):
            return Plan(filters)
        sample = await self._samples.current()
        selectivity = sample.selectivity(filters)
        costs = {
            one.sql: INDEX_HIT_COST * share * sample.total
            for one, share in zip(filters, selectivity.index_rows, strict=True)
            if one.sql.index is not None
        }
        path = min(costs, key=lambda sql: costs[sql])
        expected = rows / selectivity.matching if selectivity.matching else float("inf")
        if costs[path] < expected:
            return Plan(selectivity.filters, path)
        steps = max(costs[path], SCAN_SAFETY_FACTOR * expected)
        return Plan(selectivity.filters, SCAN, path, steps)

    def scan_bound(self, sort: Sort, start: Cursor, steps: float) -> SortKey | None:
        """See `Sample.scan_bound`; `None` without a sample."""
        sample = self._samples.latest
        return None if sample is None else sample.scan_bound(sort, start, steps)

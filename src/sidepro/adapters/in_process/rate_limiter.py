"""Limits counted in this process alone."""

import time
from collections import OrderedDict
from collections.abc import Callable

from sidepro.domain.rate_limiting import Allowance, Limit

MAX_BUCKETS = 100_000
"""Keys that are remembered; those that were used longest ago go first."""


class InProcessRateLimiter:
    """See `sidepro.domain.rate_limiting.RateLimiter`.

    Of each bucket only the moment is kept at which it is full again.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._full_at: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def take(self, limit: Limit, key: str) -> Allowance:
        now, place = self._now(), (limit.name, key)
        full_at = max(self._full_at.get(place, now), now) + limit.interval
        allowance = limit.allowance(full_at - now)
        if allowance.retry_after is None:
            self._full_at[place] = full_at
            self._full_at.move_to_end(place)
            if len(self._full_at) > MAX_BUCKETS:
                self._full_at.popitem(last=False)
        return allowance

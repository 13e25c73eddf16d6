"""Rate limits of one process."""

import time
from collections import OrderedDict
from collections.abc import Callable

from sidepro.domain.rate_limiting import Allowance, Limit

MAX_BUCKETS = 100_000
"""Maximum number of buckets in memory. The least recently used ones are dropped."""


class InProcessRateLimiter:
    """See `sidepro.domain.rate_limiting.RateLimiter`.

    Stores for each bucket only the time at which it is full again.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._full_at: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def take(self, limit: Limit, key: str) -> Allowance:
        now, bucket = self._now(), (limit.name, key)
        full_at = max(self._full_at.get(bucket, now), now) + limit.interval
        allowance = limit.allowance(full_at - now)
        if allowance.retry_after is None:
            self._full_at[bucket] = full_at
            self._full_at.move_to_end(bucket)
            if len(self._full_at) > MAX_BUCKETS:
                self._full_at.popitem(last=False)
        return allowance

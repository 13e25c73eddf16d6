"""Limits on how often, and on how much at the same time.

A rate limit is a bucket of calls that refills evenly: the generic cell rate algorithm (ITU-T
I.371), whose only state is the moment at which the bucket is full again.
"""

from dataclasses import dataclass, replace
from math import floor
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket of `quota` calls that refills in `window` seconds.

    `fallback` is the quota of a process that cannot reach the shared counters.
    """

    name: str
    quota: int
    window: int
    fallback: int | None = None

    @property
    def interval(self) -> float:
        """Seconds until one more call is allowed."""
        return self.window / self.quota

    def allowance(self, reset_after: float) -> "Allowance":
        """The decision about a call that would leave the bucket full after `reset_after` seconds.

        A call is refused if the bucket would take longer than its window to refill.
        """
        room = self.window - reset_after
        # Sums of intervals can miss the window by a rounding error.
        remaining = floor(room / self.interval + 1e-6)
        if remaining < 0:
            return Allowance(self, 0, reset_after - self.interval, retry_after=-room)
        return Allowance(self, remaining, reset_after)

    def with_fallback_quota(self) -> "Limit":
        """The limit of a process that cannot reach the shared counters."""
        return replace(self, quota=self.fallback or self.quota)


@dataclass(frozen=True, slots=True)
class Allowance:
    """The decision of a limit about a call.

    `remaining` calls are allowed now, and the whole quota after `reset_after` seconds. If
    `retry_after` is set, the call is refused and may be repeated after that many seconds.
    """

    limit: Limit
    remaining: int
    reset_after: float
    retry_after: float | None = None


class RateLimiter(Protocol):
    """Counts calls against limits."""

    async def take(self, limit: Limit, key: str) -> Allowance:
        """Count a call under this key, unless the limit refuses it. `key` contains no secrets.

        Concurrent calls in all processes together MUST NOT exceed the limit. A refused call MUST
        NOT count. If the shared counters cannot be reached, the adapter MUST count in its own
        process, against `Limit.with_fallback_quota`.
        """
        ...


RENEW_INTERVAL = 10
"""Seconds between two calls of `ConcurrencyLimiter.renew`."""


class ConcurrencyLimiter(Protocol):
    """Limits how many things, such as sockets, are open at the same time under a key."""

    async def acquire(self, key: str, slot: str, maximum: int) -> bool:
        """Acquire a slot with a unique name; `False` if all `maximum` slots are taken.

        Concurrent calls in all processes together MUST NOT exceed the maximum. If the shared
        counters cannot be reached, the adapter MUST count in its own process.
        """
        ...

    async def release(self, key: str, slot: str) -> None:
        """Free a slot. Safe to repeat. MUST NOT fail."""
        ...

    async def renew(self) -> None:
        """Renew the slots of this process. Called every `RENEW_INTERVAL` seconds.

        Slots that are not renewed MUST be free after three intervals. MUST NOT fail.
        """
        ...

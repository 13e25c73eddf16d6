"""Limits: how often somebody may do something.

A limit is a bucket that holds so many calls and is refilled evenly: the generic cell rate
algorithm (ITU-T I.371), which keeps nothing of a bucket but the moment at which it is full again.
"""

from dataclasses import dataclass, replace
from math import floor
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket of `quota` calls that is refilled in `window` seconds.

    `alone` is the quota of a process that cannot ask the others how often they were called.
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
        """What the limit says to a call after which the bucket would be full in `full_in` seconds.

        A bucket cannot owe more than its window: a call that would make it so is refused.
        """
        room = self.window - reset_after
        # Where an interval is no round number of microseconds, sums of it miss the window a bit.
        remaining = floor(room / self.interval + 1e-6)
        if remaining < 0:
            return Allowance(self, 0, reset_after - self.interval, retry_after=-room)
        return Allowance(self, remaining, reset_after)

    def with_fallback_quota(self) -> "Limit":
        """The limit of a process that cannot ask the others."""
        return replace(self, quota=self.fallback or self.quota)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a limit says to a call.

    `remaining` calls are allowed right now, and all of them in `full_in` seconds. The call is
    refused when `retry_after` is given: the seconds until one is allowed.
    """

    limit: Limit
    remaining: int
    reset_after: float
    retry_after: float | None = None


class RateLimiter(Protocol):
    """Counts calls against limits."""

    async def take(self, limit: Limit, key: str) -> Allowance:
        """Count a call under this key, unless the limit refuses it.

        Calls at once, in all processes, MUST NOT be allowed more than the limit together. A
        refused call MUST NOT count. Where the others cannot be asked, the adapter MUST answer with
        what the process knows itself, by `Limit.when_alone`. `key` is free of secrets.
        """
        ...


RENEW_INTERVAL = 10
"""Seconds between two calls of `Slots.renew`."""


class ConcurrencyLimiter(Protocol):
    """Counts what somebody has open at the same time, such as sockets."""

    async def acquire(self, key: str, slot: str, most: int) -> bool:
        """Take a slot under this key, by a name of its own; whether there was one left of `most`.

        Of those who take one at once, in all processes, MUST NOT more than `most` get one. Where
        the others cannot be asked, the adapter MUST count what this process has.
        """
        ...

    async def release(self, key: str, slot: str) -> None:
        """Let others have the slot. Safe to repeat; MUST NOT fail."""
        ...

    async def renew(self) -> None:
        """Say that this process is there, with its slots; it is called every
        `RENEW_INTERVAL` seconds. The slots of a process that no longer says so MUST be free
        within three times as long. MUST NOT fail.
        """
        ...

"""Concurrency limits of one process."""

from collections import defaultdict
from collections.abc import Mapping


class InProcessConcurrencyLimiter:
    """See `sidepro.domain.rate_limiting.ConcurrencyLimiter`."""

    def __init__(self) -> None:
        self._slots: dict[str, set[str]] = defaultdict(set)

    @property
    def slots(self) -> Mapping[str, set[str]]:
        """The taken slots by key."""
        return self._slots

    async def acquire(self, key: str, slot: str, maximum: int) -> bool:
        taken = self._slots.get(key, ())
        if slot not in taken and len(taken) >= maximum:
            return False
        self._slots[key].add(slot)
        return True

    async def release(self, key: str, slot: str) -> None:
        taken = self._slots.get(key, set())
        taken.discard(slot)
        if not taken:
            self._slots.pop(key, None)

    async def renew(self) -> None:
        """Nothing to do: the slots end with the process."""

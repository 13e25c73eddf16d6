"""What people have open at the same time, in this process alone."""

from collections import defaultdict
from collections.abc import Mapping


class InProcessConcurrencyLimiter:
    """See `sidepro.domain.rate_limiting.Slots`."""

    def __init__(self) -> None:
        self._taken: dict[str, set[str]] = defaultdict(set)

    @property
    def taken(self) -> Mapping[str, set[str]]:
        """The slots by their keys."""
        return self._taken

    async def acquire(self, key: str, slot: str, most: int) -> bool:
        if slot not in self._taken.get(key, ()) and len(self._taken.get(key, ())) >= most:
            return False
        self._taken[key].add(slot)
        return True

    async def release(self, key: str, slot: str) -> None:
        slots = self._taken.get(key, set())
        slots.discard(slot)
        if not slots:
            self._taken.pop(key, None)

    async def renew(self) -> None:
        """They end with this process."""

"""Notes of the jobs, in this process alone."""

import time


class InProcessJobClaims:
    """See `sidepro.jobs.claims.Notes`."""

    def __init__(self) -> None:
        self._over_at: dict[str, float] = {}

    async def claim(self, note: str, seconds: int) -> bool:
        now = time.monotonic()
        self._over_at = {each: over for each, over in self._over_at.items() if over > now}
        if note in self._over_at:
            return False
        self._over_at[note] = now + seconds
        return True

    async def release(self, note: str) -> None:
        self._over_at.pop(note, None)

    async def now(self) -> float:
        return time.time()

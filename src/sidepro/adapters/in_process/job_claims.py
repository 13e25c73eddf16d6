"""Job claims of one process."""

import time


class InProcessJobClaims:
    """See `sidepro.jobs.claims.JobClaims`."""

    def __init__(self) -> None:
        self._expiries: dict[str, float] = {}

    async def claim(self, name: str, seconds: int) -> bool:
        now = time.monotonic()
        self._expiries = {key: expiry for key, expiry in self._expiries.items() if expiry > now}
        if name in self._expiries:
            return False
        self._expiries[name] = now + seconds
        return True

    async def release(self, name: str) -> None:
        self._expiries.pop(name, None)

    async def now(self) -> float:
        return time.time()

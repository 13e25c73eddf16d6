"""Coordination of the processes that send and run jobs."""

from typing import Protocol


class JobClaims(Protocol):
    """Claims with an expiry, and a clock, shared by all processes."""

    async def claim(self, name: str, seconds: int) -> bool:
        """Claim a name for `seconds`. Returns `False` if it is already claimed. Exactly one of
        several concurrent calls for a name MUST succeed.

        Raises:
            Unavailable: the shared store is down.
        """
        ...

    async def release(self, name: str) -> None:
        """Release a claim of any process. Safe to repeat.

        Raises:
            Unavailable: the shared store is down.
        """
        ...

    async def now(self) -> float:
        """Seconds since 1970, from one clock for all processes.

        Raises:
            Unavailable: the shared store is down.
        """
        ...

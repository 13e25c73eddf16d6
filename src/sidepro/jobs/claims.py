"""What those who send and run jobs have to know of each other."""

from typing import Protocol


class JobClaims(Protocol):
    """Short notes and a clock that all who send or run jobs look at."""

    async def claim(self, note: str, seconds: int) -> bool:
        """Put a note there for so many seconds; whether it was not there. Of many who put the
        same one at once, exactly one MUST hear that it was not.

        Raises:
            Unavailable: nobody can look at the notes now.
        """
        ...

    async def release(self, note: str) -> None:
        """Take a note off, if it is there.

        Raises:
            Unavailable: nobody can look at the notes now.
        """
        ...

    async def now(self) -> float:
        """Seconds since 1970 by the clock of the notes, which MUST be the same for all.

        Raises:
            Unavailable: nobody can look at the clock now.
        """
        ...

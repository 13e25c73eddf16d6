"""The clock port."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Now, timezone-aware, in UTC, with microseconds. MUST NOT go backwards by more than the
        machine's own clock does; nothing in the domain assumes that it never does.
        """
        ...

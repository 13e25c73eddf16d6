"""The clock port."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Now: timezone-aware, in UTC, with microseconds.

        It may go backward when the machine's clock is adjusted. The domain does not rely on order.
        """
        ...

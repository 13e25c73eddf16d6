"""Moments as JSON: `2026-11-22T09:30:00.000000Z`."""

from datetime import datetime
from typing import Any


def moment(time: datetime) -> Any:
    """The value of a `Moment`: `2026-11-22T09:30:00.000000Z` on the wire.

    msgspec formats a UTC datetime like this, twenty times faster than Python, but omits a fraction
    of zero.
    """
    return time if time.microsecond else time.isoformat(timespec="microseconds")[:26] + "Z"

"""The trending score: what happened to a project in the last seven days.

A bookmark counts as ten views. Today counts seven times, yesterday six times, and so on, down to
once for the seventh day. Days are those of Korea. `docs/trending.md` explains the choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

DAYS = 7
"""Length of the window, today included."""

BOOKMARK_WEIGHT = 10
"""Views that a bookmark counts as."""

KOREA = timezone(timedelta(hours=9), "KST")
"""Korea has no daylight saving time."""


@dataclass(frozen=True, slots=True)
class DailyCounts:
    """Views of a project on one day, and bookmarks given on that day that still exist."""

    views: int = 0
    bookmarks: int = 0


def day_of(moment: datetime) -> date:
    """The day in Korea of a timezone-aware moment."""
    return moment.astimezone(KOREA).date()


def first_day(today: date) -> date:
    """The oldest day that counts."""
    return today - timedelta(days=DAYS - 1)


def day_weights(today: date) -> dict[date, int]:
    """The weight of each day that counts, today first. Other days weigh nothing."""
    return {today - timedelta(days=age): DAYS - age for age in range(DAYS)}


def trending_score(counts: Mapping[date, DailyCounts], today: date) -> int:
    """The score of a project with these counts by day. It is 0 if nothing happened for a week."""
    weights = day_weights(today)
    return sum(
        weights.get(day, 0) * (each.views + BOOKMARK_WEIGHT * each.bookmarks)
        for day, each in counts.items()
    )

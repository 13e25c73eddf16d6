"""The trending score: examples, and what holds for all counts."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidepro.domain.projects.trending import DailyCounts, day_of, day_weights, trending_score

TODAY = date(2026, 11, 29)

counts_of_days = st.dictionaries(
    st.integers(-1, 9).map(lambda age: TODAY - timedelta(days=age)),
    st.builds(DailyCounts, st.integers(0, 1_000), st.integers(0, 50)),
)


def days_ago(age: int, views: int = 0, bookmarks: int = 0) -> dict[date, DailyCounts]:
    return {TODAY - timedelta(days=age): DailyCounts(views, bookmarks)}


@pytest.mark.parametrize(
    ("counts", "score"),
    [
        ({}, 0),
        (days_ago(0, views=1), 7),
        (days_ago(1, views=1), 6),
        (days_ago(6, views=1), 1),
        (days_ago(7, views=1_000, bookmarks=9), 0),
        (days_ago(-1, views=1), 0),
        (days_ago(0, bookmarks=1), 70),
        (days_ago(0, views=3, bookmarks=2) | days_ago(4, views=5), 7 * 23 + 3 * 5),
    ],
)
def test_examples(counts: dict[date, DailyCounts], score: int) -> None:
    assert trending_score(counts, TODAY) == score


@given(counts_of_days)
def test_a_score_falls_each_day_until_it_is_zero(counts: dict[date, DailyCounts]) -> None:
    begun = {day: each for day, each in counts.items() if day <= TODAY}
    scores = [trending_score(begun, TODAY + timedelta(days=after)) for after in range(8)]
    for earlier, later in pairwise(scores):
        assert later < earlier or earlier == later == 0
    assert scores[-1] == 0


@given(counts_of_days, st.integers(0, 6), st.booleans())
def test_a_view_or_a_bookmark_raises_the_score_and_a_bookmark_does_ten_times_as_much(
    counts: dict[date, DailyCounts], age: int, is_bookmark: bool
) -> None:
    day = TODAY - timedelta(days=age)
    before = counts.get(day, DailyCounts())
    more = DailyCounts(before.views + (not is_bookmark), before.bookmarks + is_bookmark)
    raised = trending_score({**counts, day: more}, TODAY) - trending_score(counts, TODAY)
    assert raised == (7 - age) * (10 if is_bookmark else 1)


@given(counts_of_days)
def test_the_score_is_zero_exactly_if_nothing_happened_in_seven_days(
    counts: dict[date, DailyCounts],
) -> None:
    recent = [counts[day] for day in day_weights(TODAY) if day in counts]
    happened = any(each != DailyCounts() for each in recent)
    assert (trending_score(counts, TODAY) > 0) is happened


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 29, 14, 59, 59, 999_999, tzinfo=UTC), date(2026, 11, 29)),
        (datetime(2026, 11, 29, 15, tzinfo=UTC), date(2026, 11, 30)),
    ],
)
def test_a_day_begins_at_midnight_in_korea(moment: datetime, day: date) -> None:
    assert day_of(moment) == day

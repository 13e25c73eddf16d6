"""The process's clock when that of its machine is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sidepro.adapters.system import SystemClock

HOUR = timedelta(hours=1)
MOMENT = timedelta(seconds=2)


class Machine(SystemClock):
    """Its clock can be set."""

    set_by = timedelta()

    def of_this_machine(self) -> datetime:  # type: ignore[override]  # has a state here
        return datetime.now(UTC) + self.set_by


@pytest.fixture
def clock() -> Machine:
    return Machine()


def differs(clock: Machine) -> timedelta:
    return clock() - datetime.now(UTC)


def test_a_clock_that_follows_another_goes_on_when_the_machines_is_set_back(
    clock: Machine,
) -> None:
    clock.follow(timedelta(minutes=5))
    for set_by in (-HOUR, -2 * HOUR):
        clock.set_by = set_by
        assert abs(differs(clock) - timedelta(minutes=5)) < MOMENT


def test_the_next_comparison_decides(clock: Machine) -> None:
    clock.follow(timedelta())
    clock.set_by = -HOUR
    clock()
    clock.follow(HOUR)
    assert abs(differs(clock)) < MOMENT


def test_a_clock_that_follows_another_is_set_forward_with_the_machines(clock: Machine) -> None:
    """As after a sleep."""
    clock.follow(timedelta())
    clock.set_by = HOUR
    assert abs(differs(clock) - HOUR) < MOMENT


def test_a_clock_that_follows_no_other_is_that_of_the_machine(clock: Machine) -> None:
    clock()
    clock.set_by = -HOUR
    assert abs(differs(clock) + HOUR) < MOMENT

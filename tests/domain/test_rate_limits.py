"""Rate limits: a bucket of calls that refills evenly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidepro.adapters.in_process import rate_limiter as memory
from sidepro.adapters.in_process.rate_limiter import InProcessRateLimiter
from sidepro.domain.rate_limiting import Limit
from tests.domain.services import awaited

TEN_A_MINUTE = Limit("test", 10, 60)


class ManualClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@awaited
async def test_a_full_bucket_allows_its_quota_at_once_and_not_one_more() -> None:
    limiter = InProcessRateLimiter(ManualClock())
    allowed = [await limiter.take(TEN_A_MINUTE, "a") for _ in range(10)]
    assert [allowance.remaining for allowance in allowed] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert [allowance.reset_after for allowance in allowed] == pytest.approx(range(6, 61, 6))
    refused = await limiter.take(TEN_A_MINUTE, "a")
    assert refused.remaining == 0
    assert refused.reset_after == pytest.approx(60)
    assert refused.retry_after == pytest.approx(6)


@awaited
async def test_a_refused_call_may_be_repeated_when_it_was_told_to() -> None:
    clock = ManualClock()
    limiter = InProcessRateLimiter(clock)
    for _ in range(10):
        await limiter.take(TEN_A_MINUTE, "a")
    refused = await limiter.take(TEN_A_MINUTE, "a")
    assert refused.retry_after is not None
    clock.now += refused.retry_after - 0.01
    assert (await limiter.take(TEN_A_MINUTE, "a")).retry_after == pytest.approx(0.01)
    clock.now += 0.01
    assert (await limiter.take(TEN_A_MINUTE, "a")).retry_after is None


@awaited
async def test_keys_and_limits_are_counted_apart() -> None:
    limiter, other = InProcessRateLimiter(ManualClock()), Limit("other", 10, 60)
    for _ in range(10):
        await limiter.take(TEN_A_MINUTE, "a")
    assert (await limiter.take(TEN_A_MINUTE, "b")).remaining == 9
    assert (await limiter.take(other, "a")).remaining == 9


@awaited
async def test_no_more_keys_are_remembered_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_BUCKETS", 2)
    limiter = InProcessRateLimiter(ManualClock())
    left = [(await limiter.take(TEN_A_MINUTE, key)).remaining for key in "abacab"]
    assert left == [9, 9, 8, 9, 7, 9], "b, used longest ago, made room for c"


@given(
    quota=st.integers(1, 1000),
    window=st.integers(1, 86_400),
    waits=st.lists(st.floats(0, 3), min_size=1, max_size=60),
)
def test_the_quota_and_its_refill_are_never_exceeded(
    quota: int, window: int, waits: list[float]
) -> None:
    limit, full_at, now, allowed = Limit("any", quota, window), 0.0, 0.0, 0
    for wait in waits:
        now += wait * limit.interval
        after = max(full_at, now) + limit.interval
        allowance = limit.allowance(after - now)
        if allowance.retry_after is None:
            full_at, allowed = after, allowed + 1
            assert 0 <= allowance.remaining < quota
        else:
            assert allowance.remaining == 0
            assert 0 < allowance.retry_after <= limit.interval * (1 + 1e-6)
        assert allowed <= quota + now / limit.interval + 1e-3


def test_the_fallback_quota_applies_without_shared_counters() -> None:
    assert Limit("strict", 20, 3600, fallback=5).with_fallback_quota().quota == 5
    assert Limit("usual", 20, 3600).with_fallback_quota().quota == 20

"""Times on the wire always have six decimals."""

from datetime import UTC, datetime

import msgspec
import pytest

from sidepro.http.timestamps import moment


@pytest.mark.parametrize(
    ("microsecond", "fraction"), [(0, "000000"), (1, "000001"), (120_000, "120000")]
)
def test_a_time_has_six_decimals_and_a_z(microsecond: int, fraction: str) -> None:
    time = datetime(2026, 11, 22, 9, 30, 5, microsecond, UTC)
    assert (
        msgspec.json.decode(msgspec.json.encode(moment(time)))
        == f"2026-11-22T09:30:05.{fraction}Z"
    )

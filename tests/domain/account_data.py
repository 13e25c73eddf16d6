"""Accounts and field errors in the tests of accounts."""

from typing import Any

import pytest

from sidepro.domain.errors import (
    InvalidInput,
)
from sidepro.domain.ids import UserId
from tests.factories import new_id

EMAIL, USERNAME, PASSWORD = "minji@example.com", "김민지", "correct horse"


UNKNOWN_ID = UserId(new_id())


async def pointers_of(attempt: Any) -> list[str | None]:
    """What the refusal of an attempt points at."""
    with pytest.raises(InvalidInput) as caught:
        await attempt
    return [fault.pointer or fault.parameter for fault in caught.value.errors]

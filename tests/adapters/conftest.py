"""Fixtures of the adapters' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidepro.adapters.images.codec import PillowCodec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="module")
async def codec() -> AsyncIterator[PillowCodec]:
    made = PillowCodec(4_000_000)
    yield made
    made.close()

"""Faults are tried on servers of their own: each test breaks what it was given."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"

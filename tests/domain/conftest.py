"""Fixtures of the domain's tests."""

import pytest

from tests.domain.services import Services


@pytest.fixture
def services() -> Services:
    """A platform in memory, with nobody on it."""
    return Services()

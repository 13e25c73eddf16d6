"""Fixtures of the domain's tests."""

import pytest

from tests.domain.world import World


@pytest.fixture
def world() -> World:
    """A platform in memory, with nobody on it."""
    return World()

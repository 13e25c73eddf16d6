"""What the tests of the domain share, within the two seconds that the suite has in all."""

import pytest
from hypothesis import Phase, settings

from tests.domain.world import World

settings.register_profile(
    "domain",
    max_examples=25,
    deadline=None,
    database=None,  # no file is read or written
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
settings.load_profile("domain")


@pytest.fixture
def world() -> World:
    """A platform in memory, with nobody on it."""
    return World()

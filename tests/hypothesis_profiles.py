"""Profiles of hypothesis: `ci` for each run, `ci-full` for the nightly one.

Tests take the number of examples from the profile, or scale one of their own with `examples`.
"""

import os

from hypothesis import HealthCheck, Phase, settings

FULL = "ci-full"
FACTOR = 20
"""How many times more examples `ci-full` tries."""

EXAMPLES = 25


def register_profiles() -> None:
    """Registers both and loads the one that HYPOTHESIS_PROFILE names, or else `ci`."""
    settings.register_profile(
        "ci",
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.register_profile(
        FULL,
        max_examples=EXAMPLES * FACTOR,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def examples(count: int) -> int:
    """The number of examples of an expensive test, in the current profile."""
    return count * FACTOR if settings.get_current_profile_name() == FULL else count

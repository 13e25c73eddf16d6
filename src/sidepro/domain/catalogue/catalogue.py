"""The skills, regions and meeting times that people choose from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The entries on offer, each list in display order."""

    skills: tuple[str, ...]
    regions: tuple[str, ...]
    meet_times: tuple[str, ...]

"""What readers of recommendations get."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sidepro.domain.projects.views import ProjectCard


class Basis(StrEnum):
    """Why a project is recommended."""

    SIMILAR_SKILLS = "similar-skills"
    POPULAR = "popular"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A recommended project and why. With similar skills, the similar user is its author, `score`
    their similarity and `shared_skills` what they have in common; else these are empty.
    """

    project: ProjectCard
    basis: Basis
    score: float | None
    shared_skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recommendations:
    """What is recommended, and when the similarities behind it were computed (`None`: never)."""

    items: tuple[Recommendation, ...]
    computed_at: datetime | None

"""Views of recommendations."""

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
    """A recommended project and the reason. For similar skills, `score` is the similarity of its
    author (0.1 to 1) and `shared_skills` are the skills in common. Otherwise these are empty.
    """

    project: ProjectCard
    basis: Basis
    score: float | None
    shared_skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recommendations:
    """Recommended projects, and when the similarities were computed (`None`: never)."""

    items: tuple[Recommendation, ...]
    computed_at: datetime | None

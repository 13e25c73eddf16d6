"""Which pictures the demo projects and people get."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sidepro.demo.drawings import Drawing, cover_styles
from sidepro.demo.people import DEMO_NAMES
from sidepro.demo.randomness import DemoRandom
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.ids import ImageId, ProjectId, UserId
from sidepro.domain.images.image import Image, Picture
from sidepro.domain.images.urls import ImageKey
from sidepro.domain.projects.project import Project

COVER_SHARE = 0.62
SCREENSHOT_SHARE = 0.16
"""Shares of the pictures; the rest are faces."""

COVERED = 0.75
"""The part of the newest projects that have a cover."""


@dataclass(frozen=True, slots=True)
class DemoPicture:
    """A picture that is still to be drawn, and where it belongs.

    `project_id` is the project whose text shows it, if any.
    """

    id: ImageId
    owner_id: UserId
    name: str
    created_at: datetime
    drawing: Drawing
    project_id: ProjectId | None

    @property
    def key(self) -> ImageKey:
        return ImageKey(f"{self.name}.webp")

    def image(self, picture: Picture) -> Image:
        """The image of the drawn picture."""
        return Image.of(picture, self.id, self.owner_id, self.name, self.created_at)


class Pictures:
    """Decides what the pictures show.

    It has a source of randomness of its own, so that the other demo data are the same with and
    without pictures. Keys depend on the seed alone, not on the time: another attempt replaces the
    objects of a failed one.
    """

    def __init__(self, seed: int, count: int) -> None:
        self._rng = DemoRandom(f"pictures of {seed}")
        self._covers = round(count * COVER_SHARE)
        self._screenshots = round(count * SCREENSHOT_SHARE)
        self._faces = count - self._covers - self._screenshots
        self.planned: list[DemoPicture] = []

    def covers(self, projects: Sequence[tuple[Project, str]]) -> Mapping[ProjectId, ImageId]:
        """Covers of most of the newest projects, each given with its kind."""
        return {
            project.id: self._add(project, kind, None).id
            for project, kind in self._newest(projects, self._covers, COVERED)
        }

    def screenshots(self, projects: Sequence[tuple[Project, str]]) -> Mapping[ProjectId, ImageKey]:
        """Pictures in the texts of some of the newest projects, each given with its kind."""
        return {
            project.id: self._add(project, kind, project.id).key
            for project, kind in self._newest(projects, self._screenshots, COVERED / 2)
        }

    def faces(self, profiles: Sequence[Profile]) -> list[Profile]:
        """The profiles, some with faces, those of the demo accounts first."""
        demo = profiles[: len(DEMO_NAMES)]
        others = range(len(demo), len(profiles))
        number = min(len(others), max(0, self._faces - len(demo)))
        chosen = {*range(min(len(demo), self._faces)), *self._rng.sample(others, number)}
        return [
            self._with_face(profile) if index in chosen else profile
            for index, profile in enumerate(profiles)
        ]

    def _newest(
        self, projects: Sequence[tuple[Project, str]], count: int, part: float
    ) -> list[tuple[Project, str]]:
        """So many of the newest projects that they are this part of them."""
        newest = projects[-round(count / part) :] if count else []
        return self._rng.sample(newest, min(count, len(newest)))

    def _add(self, project: Project, kind: str, shown_by: ProjectId | None) -> DemoPicture:
        style = self._rng.choice(cover_styles(kind))
        return self._picture(project.author_id, project.created_at, style, shown_by)

    def _with_face(self, profile: Profile) -> Profile:
        picture = self._picture(profile.user_id, profile.updated_at, "face", None)
        return replace(profile, image_id=picture.id)

    def _picture(
        self, owner_id: UserId, moment: datetime, style: str, shown_by: ProjectId | None
    ) -> DemoPicture:
        rng = self._rng
        picture = DemoPicture(
            id=ImageId(rng.uuid7(moment)),
            owner_id=owner_id,
            name=f"{rng.getrandbits(128):032x}",
            created_at=moment,
            drawing=Drawing(style, rng.getrandbits(32)),
            project_id=shown_by,
        )
        self.planned.append(picture)
        return picture

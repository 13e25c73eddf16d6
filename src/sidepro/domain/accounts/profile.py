"""A person's profile."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sidepro.domain.catalogue.catalogue import Catalogue
from sidepro.domain.ids import ImageId, UserId
from sidepro.domain.validation import Validator

MAX_BIO = 500
MAX_GITHUB_URL = 200
PROFILE_SKILLS = (1, 30)


@dataclass(frozen=True, slots=True)
class Profile:
    """A person's profile. Skills are in catalogue order."""

    user_id: UserId
    bio: str
    image_id: ImageId | None
    github_url: str | None
    skills: tuple[str, ...]
    region: str | None
    meet_time: str | None
    updated_at: datetime

    @classmethod
    def write(
        cls,
        user_id: UserId,
        catalogue: Catalogue,
        now: datetime,
        *,
        bio: str,
        image_id: ImageId | None,
        github_url: str | None,
        skills: Sequence[str],
        region: str | None,
        meet_time: str | None,
    ) -> "Profile":
        """A new profile. The use case checks who owns the image.

        Raises:
            InvalidInput: a field breaks its rule.
        """
        fields = {
            "bio": bio,
            "image_id": image_id,
            "github_url": github_url,
            "skills": skills,
            "region": region,
            "meet_time": meet_time,
        }
        return cls(user_id=user_id, updated_at=now, **_validated(fields, catalogue))

    def edited(self, changes: Mapping[str, Any], catalogue: Catalogue, now: datetime) -> "Profile":
        """The profile with some fields changed; itself if nothing changes. Other fields stay as
        stored and are not validated again.

        Raises:
            InvalidInput: a changed field breaks its rule.
        """
        changed = _validated(changes, catalogue)
        if all(getattr(self, name) == value for name, value in changed.items()):
            return self
        return replace(self, updated_at=now, **changed)


def _validated(fields: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """The given fields in the form in which they are stored."""
    validator = Validator()
    minimum, maximum = PROFILE_SKILLS
    validate: dict[str, Callable[[Any], Any]] = {
        "bio": lambda text: validator.text(text, "bio", MAX_BIO, min_length=0),
        "image_id": lambda image_id: image_id,
        "github_url": lambda url: validator.web_address(url, "github_url", MAX_GITHUB_URL),
        "skills": lambda chosen: validator.choices(
            chosen, "skills", catalogue.skills, minimum=minimum, maximum=maximum
        ),
        "region": lambda region: validator.choice(region, "region", catalogue.regions),
        "meet_time": lambda time: validator.choice(time, "meet_time", catalogue.meet_times),
    }
    validated = {name: validate[name](value) for name, value in fields.items()}
    validator.raise_errors()
    return validated

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
        """A profile as a whole. Whose image it is, the use case looks up.

        Raises:
            InvalidInput: a member breaks its rule.
        """
        members = {
            "bio": bio,
            "image_id": image_id,
            "github_url": github_url,
            "skills": skills,
            "region": region,
            "meet_time": meet_time,
        }
        return cls(user_id=user_id, updated_at=now, **_checked(members, catalogue))

    def edited(self, changes: Mapping[str, Any], catalogue: Catalogue, now: datetime) -> "Profile":
        """The profile with some members changed; those not named stay as they are, also where
        they are older than a rule.

        Raises:
            InvalidInput: a changed member breaks its rule.
        """
        return replace(self, updated_at=now, **_checked(changes, catalogue))


def _checked(members: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """Some members in the form in which they are kept."""
    rules = Validator()
    least, most = PROFILE_SKILLS
    judge: dict[str, Callable[[Any], Any]] = {
        "bio": lambda text: rules.text(text, "bio", MAX_BIO, shortest=0),
        "image_id": lambda image_id: image_id,
        "github_url": lambda url: rules.web_address(url, "github_url", MAX_GITHUB_URL),
        "skills": lambda chosen: rules.choices(
            chosen, "skills", catalogue.skills, least=least, most=most
        ),
        "region": lambda region: rules.choice(region, "region", catalogue.regions),
        "meet_time": lambda time: rules.choice(time, "meet_time", catalogue.meet_times),
    }
    kept = {name: judge[name](value) for name, value in members.items()}
    rules.raise_errors()
    return kept

"""What a person tells about themselves, and the catalogue that they choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sidepro.domain.shared import ImageId, Rules, UserId

BIO_LONGEST = 500
GITHUB_URL_LONGEST = 200
PROFILE_SKILLS = (1, 30)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The skills, regions and meeting times on offer, each in its order of display."""

    skills: tuple[str, ...]
    regions: tuple[str, ...]
    meet_times: tuple[str, ...]


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
        rules = Rules()
        least, most = PROFILE_SKILLS
        profile = cls(
            user_id=user_id,
            bio=rules.text(bio, "bio", BIO_LONGEST, shortest=0),
            image_id=image_id,
            github_url=rules.web_address(github_url, "github_url", GITHUB_URL_LONGEST),
            skills=rules.choices(skills, "skills", catalogue.skills, least=least, most=most),
            region=rules.choice(region, "region", catalogue.regions),
            meet_time=rules.choice(meet_time, "meet_time", catalogue.meet_times),
            updated_at=now,
        )
        rules.enforce()
        return profile

    def edited(self, changes: Mapping[str, Any], catalogue: Catalogue, now: datetime) -> "Profile":
        """The profile with some members changed; those not named stay as they are.

        Raises:
            InvalidInput: a changed member breaks its rule.
        """
        members = {
            "bio": self.bio,
            "image_id": self.image_id,
            "github_url": self.github_url,
            "skills": self.skills,
            "region": self.region,
            "meet_time": self.meet_time,
        }
        return Profile.write(self.user_id, catalogue, now, **{**members, **changes})

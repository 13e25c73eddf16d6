"""Profiles in SQL."""

from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.catalogue_ids import (
    CatalogueCache,
    CatalogueIds,
)
from sidepro.adapters.sql.engine.database import TransactionSource
from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.schema.expressions import SKILLS_OF_PROFILE
from sidepro.adapters.sql.schema.tables import profile_skills, profiles
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.ids import UserId

# Two statements: a single one that waits for the lock would read the new row, but the old skills.
_LOCK = (
    select(profiles.c.user_id)
    .where(profiles.c.user_id == bindparam("user_id"))
    .with_for_update(key_share=True)
)
_PROFILE = select(profiles, SKILLS_OF_PROFILE).where(profiles.c.user_id == bindparam("user_id"))


class SqlProfiles:
    """See `sidepro.domain.accounts.ports.ProfileRepository`."""

    def __init__(self, connection: AsyncConnection, catalogue: CatalogueCache) -> None:
        self._connection = connection
        self._catalogue = catalogue

    async def get(self, user_id: UserId) -> Profile | None:
        await self._connection.execute(_LOCK, {"user_id": user_id})
        row = (await self._connection.execute(_PROFILE, {"user_id": user_id})).first()
        if row is None:
            return None
        catalogue = await self._catalogue.current(TransactionSource(self._connection))
        return Profile(
            user_id=row.user_id,
            bio=row.bio,
            image_id=row.image_id,
            github_url=row.github_url,
            skills=catalogue.skills_of_list(row.skill_ids),
            region=catalogue.region_names.get(row.region_id),
            meet_time=catalogue.meet_time_names.get(row.meet_time_id),
            updated_at=row.updated_at,
        )

    async def save(self, profile: Profile) -> None:
        catalogue = await self._catalogue.current(TransactionSource(self._connection))
        values = profile_values(profile, catalogue)
        new = upsert(self._connection, profiles).values(user_id=profile.user_id, **values)
        await self._connection.execute(
            new.on_conflict_do_update(index_elements=[profiles.c.user_id], set_=values)
        )
        await self._connection.execute(
            delete(profile_skills).where(profile_skills.c.user_id == profile.user_id)
        )
        rows = profile_skill_rows(profile, catalogue)
        if rows:
            await self._connection.execute(insert(profile_skills), rows)


def profile_values(profile: Profile, catalogue: CatalogueIds) -> dict[str, Any]:
    """A profile's row without its key."""
    return {
        "bio": profile.bio,
        "image_id": profile.image_id,
        "github_url": profile.github_url,
        "region_id": profile.region and catalogue.region_ids[profile.region],
        "meet_time_id": profile.meet_time and catalogue.meet_time_ids[profile.meet_time],
        "updated_at": profile.updated_at,
    }


def profile_skill_rows(profile: Profile, catalogue: CatalogueIds) -> list[dict[str, Any]]:
    return [
        {"user_id": profile.user_id, "skill_id": catalogue.skill_ids[name]}
        for name in profile.skills
    ]

"""Users, profiles and sessions in SQL."""

from typing import Any

from sqlalchemy import Row, String, bindparam, cast, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.catalogue import CatalogueCache
from sidepro.adapters.sql.database import Database
from sidepro.adapters.sql.tables import profile_skills, profiles, sessions, users
from sidepro.adapters.sql.upsert import upsert
from sidepro.domain.accounts.profile import Catalogue, Profile
from sidepro.domain.accounts.session import Session
from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import AccountView, ProfileView
from sidepro.domain.shared import UserId, fold

SKILLS_OF_PROFILE = (
    select(func.aggregate_strings(cast(profile_skills.c.skill_id, String), ","))
    .where(profile_skills.c.user_id == profiles.c.user_id)
    .correlate(profiles)
    .scalar_subquery()
    .label("skill_ids")
)

_USER = select(users).where(users.c.id == bindparam("id"))
_USER_OF_EMAIL = select(users).where(users.c.email_key == bindparam("email_key"))
# Held first and read afterwards: a statement that waits for a lock sees the row as it is then,
# and everything else, such as the skills, as it was before.
_PROFILE_HELD = (
    select(profiles.c.user_id)
    .where(profiles.c.user_id == bindparam("user_id"))
    .with_for_update(key_share=True)
)
_PROFILE = select(profiles, SKILLS_OF_PROFILE).where(profiles.c.user_id == bindparam("user_id"))
_ACCOUNT = (
    select(
        users.c.id,
        users.c.email,
        users.c.username,
        users.c.is_admin,
        users.c.created_at,
        profiles.c.user_id.label("has_profile"),
        profiles.c.bio,
        profiles.c.github_url,
        profiles.c.region_id,
        profiles.c.meet_time_id,
        SKILLS_OF_PROFILE,
    )
    .select_from(users.outerjoin(profiles, profiles.c.user_id == users.c.id))
    .where(users.c.id == bindparam("id"))
)
_EMAIL_TAKEN = select(exists().where(users.c.email_key == bindparam("key")))
_USERNAME_TAKEN = select(exists().where(users.c.username_key == bindparam("key")))


class SqlUsers:
    """See `sidepro.domain.accounts.ports.UserRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, user: User) -> None:
        await self._connection.execute(
            insert(users),
            {
                "id": user.id,
                "email": user.email,
                "email_key": user.email_key,
                "username": user.username,
                "username_key": user.username_key,
                "password_hash": user.password_hash,
                "is_admin": user.is_admin,
                "is_active": user.is_active,
                "created_at": user.created_at,
            },
        )

    async def get(self, user_id: UserId) -> User | None:
        return _user((await self._connection.execute(_USER, {"id": user_id})).first())

    async def get_by_email(self, email: str) -> User | None:
        found = await self._connection.execute(_USER_OF_EMAIL, {"email_key": fold(email)})
        return _user(found.first())

    async def replace_password_hash(self, user_id: UserId, password_hash: str) -> None:
        await self._connection.execute(
            update(users).where(users.c.id == user_id).values(password_hash=password_hash)
        )


def _user(row: Row[Any] | None) -> User | None:
    if row is None:
        return None
    return User(
        id=row.id,
        email=row.email,
        username=row.username,
        password_hash=row.password_hash,
        is_admin=row.is_admin,
        is_active=row.is_active,
        created_at=row.created_at,
    )


class SqlProfiles:
    """See `sidepro.domain.accounts.ports.ProfileRepository`."""

    def __init__(self, connection: AsyncConnection, catalogue: CatalogueCache) -> None:
        self._connection = connection
        self._catalogue = catalogue

    async def get(self, user_id: UserId) -> Profile | None:
        await self._connection.execute(_PROFILE_HELD, {"user_id": user_id})
        row = (await self._connection.execute(_PROFILE, {"user_id": user_id})).first()
        if row is None:
            return None
        numbered = await self._catalogue.current(self._connection)
        return Profile(
            user_id=row.user_id,
            bio=row.bio,
            image_id=None,
            github_url=row.github_url,
            skills=numbered.skills_of_list(row.skill_ids),
            region=numbered.region_names.get(row.region_id),
            meet_time=numbered.meet_time_names.get(row.meet_time_id),
            updated_at=row.updated_at,
        )

    async def save(self, profile: Profile) -> None:
        numbered = await self._catalogue.current(self._connection)
        values = {
            "bio": profile.bio,
            "github_url": profile.github_url,
            "region_id": profile.region and numbered.region_ids[profile.region],
            "meet_time_id": profile.meet_time and numbered.meet_time_ids[profile.meet_time],
            "updated_at": profile.updated_at,
        }
        new = upsert(self._connection, profiles).values(user_id=profile.user_id, **values)
        await self._connection.execute(
            new.on_conflict_do_update(index_elements=[profiles.c.user_id], set_=values)
        )
        await self._connection.execute(
            delete(profile_skills).where(profile_skills.c.user_id == profile.user_id)
        )
        rows = [
            {"user_id": profile.user_id, "skill_id": numbered.skill_ids[name]}
            for name in profile.skills
        ]
        if rows:
            await self._connection.execute(insert(profile_skills), rows)


class SqlSessions:
    """See `sidepro.domain.accounts.ports.SessionRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, session: Session) -> None:
        await self._connection.execute(
            insert(sessions),
            {
                "id": session.id,
                "user_id": session.user_id,
                "refresh_hash": session.refresh_hash,
                "user_agent": session.user_agent,
                "created_at": session.created_at,
                "last_used_at": session.last_used_at,
                "expires_at": session.expires_at,
            },
        )


class SqlAccountReader:
    """See `sidepro.domain.accounts.ports.AccountReader`."""

    def __init__(self, database: Database, catalogue: CatalogueCache) -> None:
        self._database = database
        self._catalogue = catalogue

    async def account(self, user_id: UserId) -> AccountView | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(_ACCOUNT, {"id": user_id})).first()
            if row is None:
                return None
            numbered = await self._catalogue.current(connection)
        profile = None
        if row.has_profile is not None:
            profile = ProfileView(
                bio=row.bio,
                image_url=None,
                github_url=row.github_url,
                skills=numbered.skills_of_list(row.skill_ids),
                region=numbered.region_names.get(row.region_id),
                meet_time=numbered.meet_time_names.get(row.meet_time_id),
            )
        return AccountView(
            id=row.id,
            username=row.username,
            created_at=row.created_at,
            profile=profile,
            email=row.email,
            is_admin=row.is_admin,
        )

    async def email_taken(self, email: str) -> bool:
        async with self._database.reading() as connection:
            return bool(await connection.scalar(_EMAIL_TAKEN, {"key": fold(email)}))

    async def username_taken(self, username: str) -> bool:
        async with self._database.reading() as connection:
            return bool(await connection.scalar(_USERNAME_TAKEN, {"key": fold(username)}))

    async def catalogue(self) -> Catalogue:
        async with self._database.reading() as connection:
            return (await self._catalogue.current(connection)).catalogue

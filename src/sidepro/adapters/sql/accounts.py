"""Users, profiles and sessions in SQL."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import (
    String,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.catalogue import CatalogueCache
from sidepro.adapters.sql.database import Database
from sidepro.adapters.sql.fetching import Row
from sidepro.adapters.sql.images import IMAGE_OF_USER
from sidepro.adapters.sql.neighbours import hold_results, take_out
from sidepro.adapters.sql.tables import (
    bookmarks,
    comments,
    known_addresses,
    profile_skills,
    profiles,
    project_counters,
    refresh_tokens,
    sessions,
    users,
)
from sidepro.adapters.sql.upsert import upsert
from sidepro.domain.accounts.ports import ADDRESSES_KEPT, LogInCandidate, Presented
from sidepro.domain.accounts.profile import Catalogue, Profile
from sidepro.domain.accounts.session import RefreshToken, Session
from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import AccountView, ProfileView
from sidepro.domain.images.addresses import ImageAddresses
from sidepro.domain.shared import SessionId, UserId, fold

SKILLS_OF_PROFILE = (
    select(func.aggregate_strings(cast(profile_skills.c.skill_id, String), ","))
    .where(profile_skills.c.user_id == profiles.c.user_id)
    .correlate(profiles)
    .scalar_subquery()
    .label("skill_ids")
)

_USER = select(users).where(users.c.id == bindparam("id")).with_for_update(key_share=True)
_USER_TO_GO = select(users).where(users.c.id == bindparam("id")).with_for_update()
_GONE = bindparam("user", type_=users.c.id.type)
_COUNTERS_TO_MOVE = (
    select(project_counters.c.project_id)
    .where(
        or_(
            project_counters.c.project_id.in_(
                select(bookmarks.c.project_id).where(bookmarks.c.user_id == _GONE)
            ),
            project_counters.c.project_id.in_(
                select(comments.c.project_id).where(comments.c.author_id == _GONE)
            ),
        )
    )
    .order_by(project_counters.c.project_id)
    .with_for_update()
)
_BOOKMARKS_GO = (
    update(project_counters)
    .where(
        project_counters.c.project_id.in_(
            select(bookmarks.c.project_id).where(bookmarks.c.user_id == _GONE)
        )
    )
    .values(bookmarks=project_counters.c.bookmarks - 1)
)
_COMMENTS_GO = (
    update(project_counters)
    .where(
        project_counters.c.project_id.in_(
            select(comments.c.project_id).where(comments.c.author_id == _GONE)
        )
    )
    .values(
        comments=project_counters.c.comments
        - select(func.count())
        .select_from(comments)
        .where(
            comments.c.author_id == _GONE,
            comments.c.project_id == project_counters.c.project_id,
        )
        .correlate(project_counters)
        .scalar_subquery()
    )
)
_KNOWS_ADDRESS = (
    exists()
    .where(
        known_addresses.c.user_id == users.c.id,
        known_addresses.c.address == bindparam("address"),
    )
    .correlate(users)
    .label("knows_address")
)
_LOG_IN_CANDIDATE = select(users, _KNOWS_ADDRESS).where(
    users.c.email_key == bindparam("email_key")
)
_ADDRESS_USED_AGAIN = (
    update(known_addresses)
    .where(
        known_addresses.c.user_id == bindparam("user"),
        known_addresses.c.address == bindparam("of_address"),
    )
    .values(last_used_at=bindparam("now"))
)
_ADDRESSES_KEPT = (
    select(known_addresses.c.address)
    .where(known_addresses.c.user_id == bindparam("user"))
    .order_by(known_addresses.c.last_used_at.desc(), known_addresses.c.address.desc())
    .limit(ADDRESSES_KEPT)
)
_ADDRESSES_GO = delete(known_addresses).where(
    known_addresses.c.user_id == bindparam("user"),
    known_addresses.c.address.not_in(_ADDRESSES_KEPT),
)
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
        IMAGE_OF_USER,
        SKILLS_OF_PROFILE,
    )
    .select_from(users.outerjoin(profiles, profiles.c.user_id == users.c.id))
    .where(users.c.id == bindparam("id"))
)
_USER_NAMED = select(users).where(
    or_(users.c.email_key == bindparam("key"), users.c.username_key == bindparam("key"))
)
_USERS = select(users).order_by(users.c.id).limit(bindparam("most"))
_USERS_AFTER = _USERS.where(users.c.id > bindparam("after", type_=users.c.id.type))
_SESSIONS = select(sessions).where(sessions.c.expires_at > bindparam("now"))
_SESSIONS_OF = _SESSIONS.where(sessions.c.user_id == bindparam("user")).order_by(
    sessions.c.last_used_at.desc(), sessions.c.id.desc()
)
_LIVE = _SESSIONS.with_only_columns(sessions.c.id).where(
    sessions.c.id.in_(bindparam("ids", expanding=True))
)
_OF_TOKEN = sessions.join(refresh_tokens, refresh_tokens.c.session_id == sessions.c.id)
_OWNER = (
    select(sessions.c.user_id)
    .select_from(_OF_TOKEN)
    .where(refresh_tokens.c.hash == bindparam("hash"))
)
_successors = refresh_tokens.alias("successors")
_PRESENTED = (
    select(
        sessions,
        refresh_tokens,
        exists()
        .where(_successors.c.parent == refresh_tokens.c.hash, _successors.c.used_at.is_not(None))
        .correlate(refresh_tokens)
        .label("successor_used"),
    )
    .select_from(_OF_TOKEN)
    .where(refresh_tokens.c.hash == bindparam("hash"))
)
_EXPIRED_GO = delete(sessions).where(
    sessions.c.user_id == bindparam("user"), sessions.c.expires_at <= bindparam("now")
)
_ADD_SESSION, _ADD_TOKEN = insert(sessions), insert(refresh_tokens)
_SESSION_USED = (
    update(sessions)
    .where(sessions.c.id == bindparam("session"))
    .values(last_used_at=bindparam("last_used_at"), expires_at=bindparam("expires_at"))
)
_TOKEN_USED = (
    update(refresh_tokens)
    .where(refresh_tokens.c.hash == bindparam("of_hash"), refresh_tokens.c.used_at.is_(None))
    .values(used_at=bindparam("used_at"))
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

    async def get_to_remove(self, user_id: UserId) -> User | None:
        await hold_results(self._connection)
        return _user((await self._connection.execute(_USER_TO_GO, {"id": user_id})).first())

    async def remove(self, user_id: UserId) -> None:
        parameters = {"user": user_id}
        # The user first and the counters in one order: nobody who bookmarks or comments meanwhile
        # can hold what we wait for.
        await self.get_to_remove(user_id)
        await take_out(self._connection, user_id)
        await self._connection.execute(_COUNTERS_TO_MOVE, parameters)
        await self._connection.execute(_BOOKMARKS_GO, parameters)
        await self._connection.execute(_COMMENTS_GO, parameters)
        await self._connection.execute(delete(users).where(users.c.id == user_id))

    async def save(self, user: User) -> None:
        await self._connection.execute(
            update(users)
            .where(users.c.id == user.id)
            .values(password_hash=user.password_hash, is_active=user.is_active)
        )

    async def remember_address(self, user_id: UserId, address: str, now: datetime) -> None:
        parameters = {"user": user_id, "of_address": address, "now": now}
        used_again = await self._connection.execute(_ADDRESS_USED_AGAIN, parameters)
        if used_again.rowcount:
            return
        known = upsert(self._connection, known_addresses).values(
            user_id=user_id, address=address, last_used_at=now
        )
        await self._connection.execute(
            known.on_conflict_do_update(
                index_elements=[known_addresses.c.user_id, known_addresses.c.address],
                set_={"last_used_at": now},
            )
        )
        await self._connection.execute(_ADDRESSES_GO, {"user": user_id})


def _user(row: Row | None) -> User | None:
    return None if row is None else _existing(row)


def _existing(row: Row) -> User:
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
            image_id=row.image_id,
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
            "image_id": profile.image_id,
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

    async def add(self, session: Session, token: RefreshToken) -> None:
        parameters = {"user": session.user_id, "now": session.created_at}
        await self._connection.execute(_EXPIRED_GO, parameters)
        await self._connection.execute(
            _ADD_SESSION,
            {
                "id": session.id,
                "user_id": session.user_id,
                "user_agent": session.user_agent,
                "created_at": session.created_at,
                "last_used_at": session.last_used_at,
                "expires_at": session.expires_at,
                "ends_at": session.ends_at,
            },
        )
        await self._add_token(token)

    async def owner(self, token_hash: bytes) -> UserId | None:
        return await self._connection.scalar(_OWNER, {"hash": token_hash})

    async def presented(self, token_hash: bytes) -> Presented | None:
        row = (await self._connection.execute(_PRESENTED, {"hash": token_hash})).first()
        if row is None:
            return None
        token = RefreshToken(row.hash, row.session_id, row.parent, row.issued_at, row.used_at)
        return Presented(_session(row), token, bool(row.successor_used))

    async def rotate(
        self, session: Session, used: RefreshToken, successor: RefreshToken, now: datetime
    ) -> None:
        await self._connection.execute(
            _SESSION_USED,
            {
                "session": session.id,
                "last_used_at": session.last_used_at,
                "expires_at": session.expires_at,
            },
        )
        await self._connection.execute(_TOKEN_USED, {"of_hash": used.hash, "used_at": now})
        await self._add_token(successor)

    async def end(self, session_id: SessionId, user_id: UserId) -> bool:
        ended = await self._connection.execute(
            delete(sessions).where(sessions.c.id == session_id, sessions.c.user_id == user_id)
        )
        return ended.rowcount == 1

    async def end_all(
        self, user_id: UserId, *, but: SessionId | None = None
    ) -> tuple[SessionId, ...]:
        ended = await self._connection.execute(
            delete(sessions)
            .where(sessions.c.user_id == user_id, sessions.c.id.is_distinct_from(but))
            .returning(sessions.c.id)
        )
        return tuple(ended.scalars())

    async def _add_token(self, token: RefreshToken) -> None:
        await self._connection.execute(
            _ADD_TOKEN,
            {
                "hash": token.hash,
                "session_id": token.session_id,
                "parent": token.parent,
                "issued_at": token.issued_at,
                "used_at": token.used_at,
            },
        )


def _session(row: Row) -> Session:
    return Session(
        id=row.id,
        user_id=row.user_id,
        user_agent=row.user_agent,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        ends_at=row.ends_at,
    )


class SqlAccountReader:
    """See `sidepro.domain.accounts.ports.AccountReader`."""

    def __init__(
        self, database: Database, catalogue: CatalogueCache, images: ImageAddresses
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._images = images

    async def account(self, user_id: UserId) -> AccountView | None:
        row = await self._database.fetch_one(_ACCOUNT, {"id": user_id})
        if row is None:
            return None
        numbered = await self._catalogue.current(self._database)
        profile = None
        if row.has_profile is not None:
            profile = ProfileView(
                bio=row.bio,
                image_url=self._images.url(row.image_key),
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

    async def log_in_candidate(self, email: str, address: str) -> LogInCandidate | None:
        parameters = {"email_key": fold(email), "address": address}
        row = await self._database.fetch_one(_LOG_IN_CANDIDATE, parameters)
        return None if row is None else LogInCandidate(_existing(row), bool(row.knows_address))

    async def user_named(self, name: str) -> User | None:
        return _user(await self._database.fetch_one(_USER_NAMED, {"key": fold(name)}))

    async def users(self, after: UserId | None, limit: int) -> tuple[User, ...]:
        statement = _USERS if after is None else _USERS_AFTER
        rows = await self._database.fetch(statement, {"after": after, "most": limit})
        return tuple(_existing(row) for row in rows)

    async def sessions(self, user_id: UserId, now: datetime) -> tuple[Session, ...]:
        rows = await self._database.fetch(_SESSIONS_OF, {"user": user_id, "now": now})
        return tuple(_session(row) for row in rows)

    async def live_sessions(
        self, session_ids: Collection[SessionId], now: datetime
    ) -> frozenset[SessionId]:
        parameters = {"ids": list(session_ids), "now": now}
        rows = await self._database.fetch(_LIVE, parameters)
        return frozenset(row.id for row in rows)

    async def email_taken(self, email: str) -> bool:
        (row,) = await self._database.fetch(_EMAIL_TAKEN, {"key": fold(email)})
        return bool(row[0])

    async def username_taken(self, username: str) -> bool:
        (row,) = await self._database.fetch(_USERNAME_TAKEN, {"key": fold(username)})
        return bool(row[0])

    async def catalogue(self) -> Catalogue:
        return (await self._catalogue.current(self._database)).catalogue

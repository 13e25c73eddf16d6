"""Accounts and sessions, in SQL."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, exists, func, or_, select

from sidepro.adapters.sql.catalogue_ids import CatalogueCache, CatalogueIds
from sidepro.adapters.sql.engine.compiled_query import Row, limit_param
from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.engine.keyset import KeysetQuery
from sidepro.adapters.sql.repositories.accounts.sessions import load_session
from sidepro.adapters.sql.repositories.accounts.users import load_user
from sidepro.adapters.sql.repositories.chat_requests import (
    REFUSES,
    UNDECIDED,
    UNEXPIRED,
    oldest_unexpired,
)
from sidepro.adapters.sql.schema.chat_tables import chat_requests
from sidepro.adapters.sql.schema.expressions import (
    IMAGE_OF_USER,
    SKILLS_OF_PROFILE,
    VIEWER,
    in_contact,
)
from sidepro.adapters.sql.schema.tables import known_addresses, profiles, sessions, users
from sidepro.domain.accounts.ports import LogInCandidate
from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.accounts.session import Session
from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import (
    AccountView,
    ProfileView,
    SessionViewer,
    UserQuery,
    UserSummary,
    UserView,
)
from sidepro.domain.coffee_chats.chat_request import REFUSAL_TTL
from sidepro.domain.coffee_chats.pair import visible_policy
from sidepro.domain.identity import Role
from sidepro.domain.ids import SessionId, UserId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.language import Language
from sidepro.domain.pagination import Page, PageRequest
from sidepro.domain.text import casefold_key

_ADDRESS_NOTED_AT = (
    select(known_addresses.c.last_used_at)
    .where(
        known_addresses.c.user_id == users.c.id,
        known_addresses.c.address == bindparam("address"),
    )
    .correlate(users)
    .scalar_subquery()
    .label("address_noted_at")
)
_LOG_IN_CANDIDATE = select(users, _ADDRESS_NOTED_AT).where(
    users.c.email_key == bindparam("email_key")
)
_ACCOUNTS = select(
    users.c.id,
    users.c.email,
    users.c.username,
    users.c.is_admin,
    users.c.created_at,
    users.c.email_verified,
    users.c.pending_email,
    users.c.language,
    users.c.time_zone,
    users.c.chat_policy,
    users.c.is_moderator,
    profiles.c.user_id.label("has_profile"),
    profiles.c.bio,
    profiles.c.github_url,
    profiles.c.region_id,
    profiles.c.meet_time_id,
    IMAGE_OF_USER,
    SKILLS_OF_PROFILE,
).select_from(users.outerjoin(profiles, profiles.c.user_id == users.c.id))
_ACCOUNT = _ACCOUNTS.where(users.c.id == bindparam("id"))
_REQUESTS_OF_VIEWER = and_(chat_requests.c.from_id == VIEWER, chat_requests.c.to_id == users.c.id)
_PEOPLE = _ACCOUNTS.add_columns(
    (~in_contact(users.c.id)).label("is_blocked"),
    exists().where(_REQUESTS_OF_VIEWER, REFUSES).correlate(users).label("is_refused"),
    exists()
    .where(_REQUESTS_OF_VIEWER, UNDECIDED, UNEXPIRED)
    .correlate(users)
    .label("has_pending_request"),
)
_PERSON = _PEOPLE.where(users.c.id == bindparam("id"))
USERNAME_MATCHES = and_(  # PostgreSQL takes no collation in BETWEEN
    users.c.username_key >= bindparam("first"), users.c.username_key <= bindparam("last")
)
_SEARCH_PAGES = KeysetQuery(
    _PEOPLE.where(USERNAME_MATCHES),
    (users.c.username_key,),
    descending=False,
    minimal=select(users.c.id).where(USERNAME_MATCHES),
)
_SEARCH_SIZE = select(func.count()).select_from(users).where(USERNAME_MATCHES)
_LAST_CODE_POINT = "\U0010ffff"
"""Never part of a username. All keys with a prefix lie between the prefix and the prefix followed
by this.
"""
_USER_NAMED = select(users).where(
    or_(users.c.email_key == bindparam("key"), users.c.username_key == bindparam("key"))
)
_USERS = select(users).order_by(users.c.id).limit(limit_param("limit"))
_USERS_AFTER = _USERS.where(users.c.id > bindparam("after", type_=users.c.id.type))
_SESSIONS = select(sessions).where(sessions.c.expires_at > bindparam("now"))
_SESSIONS_OF = _SESSIONS.where(sessions.c.user_id == bindparam("user"))
_SESSION_PAGES = KeysetQuery(
    _SESSIONS_OF, (sessions.c.last_used_at, sessions.c.id), descending=True
)
_SESSION_COUNT = _SESSIONS_OF.with_only_columns(func.count())
_ACTIVE_IDS = _SESSIONS.with_only_columns(sessions.c.id).where(
    sessions.c.id.in_(bindparam("ids", expanding=True))
)
_VIEWER = (
    select(
        sessions,
        users.c.username,
        users.c.is_admin,
        users.c.is_moderator,
        users.c.time_zone,
        IMAGE_OF_USER,
        exists().where(profiles.c.user_id == users.c.id).label("has_profile"),
    )
    .select_from(sessions.join(users, users.c.id == sessions.c.user_id))
    .where(
        sessions.c.cookie_digest == bindparam("digest"),
        sessions.c.expires_at > bindparam("now"),
        users.c.is_active,
    )
)
_EMAIL_TAKEN = select(exists().where(users.c.email_key == bindparam("key")))
_USERNAME_TAKEN = select(exists().where(users.c.username_key == bindparam("key")))


class SqlAccountReader:
    """See `sidepro.domain.accounts.ports.AccountReader`."""

    def __init__(self, source: Source, catalogue: CatalogueCache, images: ImageUrls) -> None:
        self._source = source
        self._catalogue = catalogue
        self._images = images

    async def account(self, user_id: UserId) -> AccountView | None:
        row = await self._source.fetch_one(_ACCOUNT, {"id": user_id})
        if row is None:
            return None
        return self._account(row, await self._catalogue.current(self._source))

    async def person(
        self, user_id: UserId, viewer: UserId | None, now: datetime
    ) -> UserView | None:
        row = await self._source.fetch_one(_PERSON, {"id": user_id, **_viewing(viewer, now)})
        if row is None:
            return None
        return self._person(row, await self._catalogue.current(self._source), viewer)

    def _person(self, row: Row, catalogue: CatalogueIds, viewer: UserId | None) -> UserView:
        policy = None
        if viewer is not None:
            policy = visible_policy(
                ChatPolicy(row.chat_policy),
                is_blocked=bool(row.is_blocked),
                is_refused=bool(row.is_refused),
                has_pending_request=bool(row.has_pending_request),
            )
        profile = self._profile(row, catalogue)
        return UserView(
            row.id,
            row.username,
            row.created_at,
            profile,
            policy,
            is_blocked=bool(row.is_blocked),
        )

    def _profile(self, row: Row, catalogue: CatalogueIds) -> ProfileView | None:
        if row.has_profile is None:
            return None
        return ProfileView(
            bio=row.bio,
            image_url=self._images.url(row.image_key),
            github_url=row.github_url,
            skills=catalogue.skills_of_list(row.skill_ids),
            region=catalogue.region_names.get(row.region_id),
            meet_time=catalogue.meet_time_names.get(row.meet_time_id),
        )

    def _account(self, row: Row, catalogue: CatalogueIds) -> AccountView:
        return AccountView(
            id=row.id,
            username=row.username,
            created_at=row.created_at,
            profile=self._profile(row, catalogue),
            email=row.email,
            is_admin=row.is_admin,
            email_verified=bool(row.email_verified),
            pending_email=row.pending_email,
            language=Language(row.language),
            time_zone=row.time_zone,
            role=Role.of(is_admin=row.is_admin, is_moderator=row.is_moderator),
            chat_policy=ChatPolicy(row.chat_policy),
        )

    async def search(
        self, query: UserQuery, page: PageRequest, viewer: UserId | None, now: datetime
    ) -> Page[UserView]:
        catalogue = await self._catalogue.current(self._source)
        parameters = {**username_range(query), **_viewing(viewer, now)}
        rows = await _SEARCH_PAGES.page(self._source, page, parameters)
        people = tuple(self._person(row, catalogue, viewer) for row in rows.items)
        return Page(people, rows.next, rows.previous)

    async def search_size(self, query: UserQuery) -> int:
        (row,) = await self._source.fetch(_SEARCH_SIZE, username_range(query))
        return int(row[0])

    async def log_in_candidate(self, email: str, address: str) -> LogInCandidate | None:
        parameters = {"email_key": casefold_key(email), "address": address}
        row = await self._source.fetch_one(_LOG_IN_CANDIDATE, parameters)
        return None if row is None else LogInCandidate(load_user(row), row.address_noted_at)

    async def find_user(self, name: str) -> User | None:
        row = await self._source.fetch_one(_USER_NAMED, {"key": casefold_key(name)})
        return None if row is None else load_user(row)

    async def users(self, after: UserId | None, limit: int) -> tuple[User, ...]:
        statement = _USERS if after is None else _USERS_AFTER
        rows = await self._source.fetch(statement, {"after": after, "limit": limit})
        return tuple(load_user(row) for row in rows)

    async def sessions(self, user_id: UserId, page: PageRequest, now: datetime) -> Page[Session]:
        parameters = {"user": user_id, "now": now}
        rows = await _SESSION_PAGES.page(self._source, page, parameters)
        return Page(tuple(load_session(row) for row in rows.items), rows.next, rows.previous)

    async def session_count(self, user_id: UserId, now: datetime) -> int:
        parameters = {"user": user_id, "now": now}
        (row,) = await self._source.fetch(_SESSION_COUNT, parameters)
        return int(row[0])

    async def live_sessions(
        self, session_ids: Collection[SessionId], now: datetime
    ) -> frozenset[SessionId]:
        parameters = {"ids": list(session_ids), "now": now}
        rows = await self._source.fetch(_ACTIVE_IDS, parameters)
        return frozenset(row.id for row in rows)

    async def session_viewer(self, cookie_digest: bytes, now: datetime) -> SessionViewer | None:
        row = await self._source.fetch_one(_VIEWER, {"digest": cookie_digest, "now": now})
        if row is None:
            return None
        image_url = self._images.url(row.image_key)
        return SessionViewer(
            load_session(row),
            UserSummary(row.user_id, row.username, image_url),
            is_admin=bool(row.is_admin),
            is_moderator=bool(row.is_moderator),
            has_profile=bool(row.has_profile),
            time_zone=row.time_zone,
        )

    async def email_taken(self, email: str) -> bool:
        (row,) = await self._source.fetch(_EMAIL_TAKEN, {"key": casefold_key(email)})
        return bool(row[0])

    async def username_taken(self, username: str) -> bool:
        (row,) = await self._source.fetch(_USERNAME_TAKEN, {"key": casefold_key(username)})
        return bool(row[0])


def _viewing(viewer: UserId | None, now: datetime) -> dict[str, Any]:
    """The parameters of `_PEOPLE`."""
    return {
        "viewer": viewer,
        "refused_since": now - REFUSAL_TTL,
        "oldest": oldest_unexpired(now),
    }


def username_range(query: UserQuery) -> dict[str, str]:
    last = query.key + _LAST_CODE_POINT if query.is_prefix else query.key
    return {"first": query.key, "last": last}

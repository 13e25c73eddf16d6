"""Users in SQL, and the addresses that they log in from."""

from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.repositories.neighbours import lock_results, remove_from_neighbours
from sidepro.adapters.sql.schema.tables import (
    bookmarks,
    comments,
    known_addresses,
    project_counters,
    users,
)
from sidepro.domain.accounts.ports import MAX_KNOWN_ADDRESSES
from sidepro.domain.accounts.user import User
from sidepro.domain.ids import UserId

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
    .limit(MAX_KNOWN_ADDRESSES)
)
_ADDRESSES_GO = delete(known_addresses).where(
    known_addresses.c.user_id == bindparam("user"),
    known_addresses.c.address.not_in(_ADDRESSES_KEPT),
)


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

    async def get_for_deletion(self, user_id: UserId) -> User | None:
        await lock_results(self._connection)
        return _user((await self._connection.execute(_USER_TO_GO, {"id": user_id})).first())

    async def delete(self, user_id: UserId) -> None:
        parameters = {"user": user_id}
        # The user first and the counters in one order: nobody who bookmarks or comments meanwhile
        # can hold what we wait for.
        await self.get_for_deletion(user_id)
        await remove_from_neighbours(self._connection, user_id)
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
    return None if row is None else user_of(row)


def user_of(row: Row) -> User:
    return User(
        id=row.id,
        email=row.email,
        username=row.username,
        password_hash=row.password_hash,
        is_admin=row.is_admin,
        is_active=row.is_active,
        created_at=row.created_at,
    )

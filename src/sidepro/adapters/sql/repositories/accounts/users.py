"""Users and the addresses that they log in from, in SQL."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.repositories.board.search_rows import rename_author
from sidepro.adapters.sql.repositories.neighbours import lock_results, remove_from_neighbours
from sidepro.adapters.sql.repositories.rows import entity_loader, row_of
from sidepro.adapters.sql.schema.expressions import IS_VISIBLE_COMMENT, KoreanDay
from sidepro.adapters.sql.schema.moderation_tables import moderation_cases, moderation_items
from sidepro.adapters.sql.schema.tables import (
    bookmarks,
    comments,
    known_addresses,
    project_counters,
    project_days,
    users,
)
from sidepro.domain.accounts.ports import MAX_KNOWN_ADDRESSES
from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.accounts.user import User
from sidepro.domain.ids import UserId
from sidepro.domain.language import Language
from sidepro.domain.moderation.target import TargetKind

_USER = select(users).where(users.c.id == bindparam("id")).with_for_update(key_share=True)
_USER_FOR_DELETION = select(users).where(users.c.id == bindparam("id")).with_for_update()
_USER_ID = bindparam("user", type_=users.c.id.type)
_HAS_BOOKMARK = project_counters.c.project_id.in_(
    select(bookmarks.c.project_id).where(bookmarks.c.user_id == _USER_ID)
)
_HAS_COMMENT = project_counters.c.project_id.in_(
    select(comments.c.project_id).where(comments.c.author_id == _USER_ID)
)
_LOCK_COUNTERS = (
    select(project_counters.c.project_id)
    .where(or_(_HAS_BOOKMARK, _HAS_COMMENT))
    .order_by(project_counters.c.project_id)
    .with_for_update()
)
_UNCOUNT_BOOKMARKS = (
    update(project_counters)
    .where(_HAS_BOOKMARK)
    .values(bookmarks=project_counters.c.bookmarks - 1)
)
_UNCOUNT_DAILY_BOOKMARKS = (
    update(project_days)
    .where(
        tuple_(project_days.c.project_id, project_days.c.day).in_(
            select(bookmarks.c.project_id, KoreanDay(bookmarks.c.created_at)).where(
                bookmarks.c.user_id == _USER_ID
            )
        ),
        project_days.c.bookmarks > 0,
    )
    .values(bookmarks=project_days.c.bookmarks - 1)
)
_UNCOUNT_COMMENTS = (
    update(project_counters)
    .where(_HAS_COMMENT)
    .values(
        comments=project_counters.c.comments
        - select(func.count())
        .select_from(comments)
        .where(
            comments.c.author_id == _USER_ID,
            comments.c.project_id == project_counters.c.project_id,
            IS_VISIBLE_COMMENT,
        )
        .correlate(project_counters)
        .scalar_subquery()
    )
)
# Snapshots of other things name nobody.
_ERASE_SNAPSHOTS = (
    update(moderation_items)
    .where(
        moderation_items.c.author_id == _USER_ID,
        moderation_items.c.case_id.in_(
            select(moderation_cases.c.id).where(moderation_cases.c.kind == TargetKind.USER.value)
        ),
    )
    .values(content={})
)
_TOUCH_ADDRESS = (
    update(known_addresses)
    .where(
        known_addresses.c.user_id == bindparam("user"),
        known_addresses.c.address == bindparam("of_address"),
    )
    .values(last_used_at=bindparam("now"))
)
_LATEST_ADDRESSES = (
    select(known_addresses.c.address)
    .where(known_addresses.c.user_id == bindparam("user"))
    .order_by(known_addresses.c.last_used_at.desc(), known_addresses.c.address.desc())
    .limit(MAX_KNOWN_ADDRESSES)
)
_DELETE_OLD_ADDRESSES = delete(known_addresses).where(
    known_addresses.c.user_id == bindparam("user"),
    known_addresses.c.address.not_in(_LATEST_ADDRESSES),
)

_USERNAME_KEY = select(users.c.username_key).where(users.c.id == bindparam("id"))
_load_members = entity_loader(User)


def load_user(row: Any) -> User:
    user = _load_members(row)
    return replace(
        user, language=Language(user.language), chat_policy=ChatPolicy(user.chat_policy)
    )


class SqlUsers:
    """See `sidepro.domain.accounts.ports.UserRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, user: User) -> None:
        await self._connection.execute(insert(users), row_of(users, user))

    async def get(self, user_id: UserId) -> User | None:
        row = (await self._connection.execute(_USER, {"id": user_id})).first()
        return None if row is None else load_user(row)

    async def get_for_deletion(self, user_id: UserId) -> User | None:
        await lock_results(self._connection)
        row = (await self._connection.execute(_USER_FOR_DELETION, {"id": user_id})).first()
        return None if row is None else load_user(row)

    async def delete(self, user_id: UserId) -> None:
        parameters = {"user": user_id}
        # Lock the user first and the counters in a fixed order: this avoids deadlocks with
        # concurrent bookmarks and comments.
        await self.get_for_deletion(user_id)
        await remove_from_neighbours(self._connection, user_id)
        await self._connection.execute(_ERASE_SNAPSHOTS, parameters)
        await self._connection.execute(_LOCK_COUNTERS, parameters)
        await self._connection.execute(_UNCOUNT_BOOKMARKS, parameters)
        await self._connection.execute(_UNCOUNT_DAILY_BOOKMARKS, parameters)
        await self._connection.execute(_UNCOUNT_COMMENTS, parameters)
        await self._connection.execute(delete(users).where(users.c.id == user_id))

    async def save(self, user: User) -> None:
        username_key = await self._connection.scalar(_USERNAME_KEY, {"id": user.id})
        row = row_of(users, user)
        del row["id"], row["created_at"]
        await self._connection.execute(update(users).where(users.c.id == user.id).values(row))
        if username_key not in (None, user.username_key):
            await rename_author(self._connection, user.id, user.username)

    async def remember_address(self, user_id: UserId, address: str, now: datetime) -> None:
        parameters = {"user": user_id, "of_address": address, "now": now}
        touched = await self._connection.execute(_TOUCH_ADDRESS, parameters)
        if touched.rowcount:
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
        await self._connection.execute(_DELETE_OLD_ADDRESSES, {"user": user_id})

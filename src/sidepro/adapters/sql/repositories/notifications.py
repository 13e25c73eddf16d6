"""Notifications in SQL.

Locks: the person first (see `lock_author`), then the project or room, then entries, in the order
of their ids, then comments, bookmarks and counters. Whoever adds or removes an event has locked
its entry, so an entry that just lost its last event gets no other one meanwhile.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from sidepro.adapters.sql.engine.dialect import upsert
from sidepro.adapters.sql.schema.chat_tables import chat_requests
from sidepro.adapters.sql.schema.expressions import no_contact
from sidepro.adapters.sql.schema.notification_tables import (
    UNREAD,
    notification_events,
    notification_settings,
    notifications,
)
from sidepro.adapters.sql.schema.tables import projects, users
from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.domain.errors import ensure_found
from sidepro.domain.ids import CommentId, NotificationId, ProjectId, UserId
from sidepro.domain.notifications.notification import (
    Delivery,
    NotificationEvent,
    NotificationKind,
    without_mail,
)
from sidepro.domain.notifications.ports import ChangedEntry

_ENTRY, _EVENT = notifications.c, notification_events.c

_AUTHOR = (
    select(users.c.id)
    .where(
        users.c.id
        == select(projects.c.author_id)
        .where(projects.c.id == bindparam("project"))
        .scalar_subquery()
    )
    .with_for_update(key_share=True)
)

_ACTOR, _RECIPIENT = (bindparam(name, type_=users.c.id.type) for name in ("actor", "recipient"))

_IS_UNWANTED = select(
    or_(
        no_contact(_ACTOR, _RECIPIENT),
        exists().where(
            notification_settings.c.user_id == _RECIPIENT,
            notification_settings.c.kind == bindparam("kind"),
            notification_settings.c.delivery == Delivery.OFF.value,
        ),
    )
)

_LATER = case(
    (_ENTRY.last_at > bindparam("at", type_=_ENTRY.last_at.type), _ENTRY.last_at),
    else_=bindparam("at", type_=_ENTRY.last_at.type),
)

_LAST_EVENT = (
    select(func.max(_EVENT.at))
    .where(_EVENT.notification_id == _ENTRY.id)
    .correlate(notifications)
    .scalar_subquery()
)

_POSITION = select(_ENTRY.last_at, _ENTRY.id).where(
    _ENTRY.id == bindparam("entry"), _ENTRY.recipient_id == bindparam("user")
)

_UNREAD_IN_ORDER = (
    select(_ENTRY.id)
    .where(
        _ENTRY.recipient_id == bindparam("user"),
        _ENTRY.read_at.is_(None),
        tuple_(_ENTRY.last_at, _ENTRY.id)
        <= tuple_(
            bindparam("last_at", type_=_ENTRY.last_at.type),
            bindparam("entry", type_=_ENTRY.id.type),
        ),
    )
    .order_by(_ENTRY.id)
    .with_for_update()
)

_OF_EXPIRED_REQUESTS = (
    select(_ENTRY.recipient_id, _ENTRY.id)
    .join(chat_requests, chat_requests.c.id == _ENTRY.subject_id)
    .where(
        _ENTRY.read_at.is_(None),
        _ENTRY.kind == NotificationKind.REQUEST.value,
        chat_requests.c.state == RequestState.EXPIRED.value,
    )
    .order_by(_ENTRY.id)
    .limit(bindparam("most"))
    .with_for_update(of=notifications, skip_locked=True)
)


class SqlNotifications:
    """See `sidepro.domain.notifications.ports.NotificationRepository`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock_author(self, project_id: ProjectId) -> UserId | None:
        author: UserId | None = await self._connection.scalar(_AUTHOR, {"project": project_id})
        return author

    async def add(
        self, event: NotificationEvent, new_entry: NotificationId, event_id: UUID
    ) -> ChangedEntry | None:
        people = {"actor": event.actor_id, "recipient": event.recipient_id}
        if await self._connection.scalar(_IS_UNWANTED, {**people, "kind": event.kind.value}):
            return None
        entry = {
            "id": new_entry,
            "recipient_id": event.recipient_id,
            "kind": event.kind.value,
            "subject_id": event.subject_id,
            "project_id": event.project_id,
            "room_id": event.room_id,
            "request_id": event.request_id,
            "created_at": event.at,
            "last_at": event.at,
        }
        added = (
            upsert(self._connection, notifications)
            .values(entry)
            .on_conflict_do_update(
                index_elements=[_ENTRY.recipient_id, _ENTRY.kind, _ENTRY.subject_id],
                index_where=UNREAD,
                set_={"last_at": _LATER},
            )
            .returning(_ENTRY.id)
        )
        found: NotificationId = (
            await self._connection.execute(added, {"at": event.at})
        ).scalar_one()
        row = {
            "id": event_id,
            "notification_id": found,
            "actor_id": event.actor_id,
            "comment_id": event.comment_id,
            "at": event.at,
        }
        await self._connection.execute(insert(notification_events), row)
        return ChangedEntry(event.recipient_id, found)

    async def remove_comment(self, comment_id: CommentId) -> Sequence[ChangedEntry]:
        return await self._remove_events(_EVENT.comment_id == comment_id)

    async def remove_bookmark(
        self, project_id: ProjectId, user_id: UserId
    ) -> Sequence[ChangedEntry]:
        return await self._remove_events(
            _EVENT.actor_id == user_id,
            _ENTRY.kind == NotificationKind.BOOKMARKS.value,
            _ENTRY.project_id == project_id,
        )

    async def remove_project(self, project_id: ProjectId) -> Sequence[ChangedEntry]:
        return await self._remove_entries(_ENTRY.project_id == project_id)

    async def remove_subject(
        self, kind: NotificationKind, subject_id: UUID
    ) -> Sequence[ChangedEntry]:
        return await self._remove_entries(
            and_(_ENTRY.kind == kind.value, _ENTRY.subject_id == subject_id)
        )

    async def remove_between(self, one: UserId, other: UserId) -> Sequence[ChangedEntry]:
        return await self._remove_events(
            or_(
                and_(_EVENT.actor_id == one, _ENTRY.recipient_id == other),
                and_(_EVENT.actor_id == other, _ENTRY.recipient_id == one),
            )
        )

    async def remove_of(self, user_id: UserId) -> Sequence[ChangedEntry]:
        # Their own entries are locked in one order with those that they appear in: two people who
        # withdraw at the same time must not wait for each other.
        caused = select(_EVENT.notification_id).where(_EVENT.actor_id == user_id)
        locked = await self._lock(or_(_ENTRY.recipient_id == user_id, _ENTRY.id.in_(caused)))
        own = [entry.id for entry in locked if entry.recipient_id == user_id]
        await self._connection.execute(delete(notifications).where(_ENTRY.id.in_(own)))
        await self._remove_locked(
            [entry for entry in locked if entry.recipient_id != user_id],
            _EVENT.actor_id == user_id,
        )
        return locked

    async def mark_read(self, user_id: UserId, up_to: NotificationId, now: datetime) -> bool:
        parameters = {"user": user_id, "entry": up_to}
        position = ensure_found((await self._connection.execute(_POSITION, parameters)).first())
        parameters["last_at"] = position.last_at
        unread = list(await self._connection.scalars(_UNREAD_IN_ORDER, parameters))
        if unread:
            await self._connection.execute(
                update(notifications)
                .where(_ENTRY.id.in_(unread), _ENTRY.recipient_id == user_id)
                .values(read_at=now)
            )
        return bool(unread)

    async def mark_subject_read(
        self, user_id: UserId, kind: NotificationKind, subject_id: UUID, now: datetime
    ) -> Sequence[ChangedEntry]:
        marked = (
            update(notifications)
            .where(
                _ENTRY.recipient_id == user_id,
                _ENTRY.kind == kind.value,
                _ENTRY.subject_id == subject_id,
                _ENTRY.read_at.is_(None),
            )
            .values(read_at=now)
            .returning(_ENTRY.recipient_id, _ENTRY.id)
        )
        return [ChangedEntry(*row) for row in await self._connection.execute(marked)]

    async def mark_expired_requests_read(
        self, now: datetime, limit: int
    ) -> Sequence[ChangedEntry]:
        rows = await self._connection.execute(_OF_EXPIRED_REQUESTS, {"most": limit})
        entries = [ChangedEntry(*row) for row in rows]
        if entries:
            ids = [entry.id for entry in entries]
            marked = update(notifications).where(_ENTRY.id.in_(ids)).values(read_at=now)
            await self._connection.execute(marked)
        return entries

    async def save_settings(self, user_id: UserId, settings: Mapping[str, Delivery]) -> None:
        saved = upsert(self._connection, notification_settings)
        saved = saved.on_conflict_do_update(
            index_elements=[notification_settings.c.user_id, notification_settings.c.kind],
            set_={"delivery": saved.excluded.delivery},
        )
        rows = [
            {"user_id": user_id, "kind": kind, "delivery": delivery.value}
            for kind, delivery in settings.items()
        ]
        await self._connection.execute(saved, rows)

    async def stop_mails(self, user_id: UserId, kinds: Collection[str]) -> None:
        stopped = upsert(self._connection, notification_settings)
        stopped = stopped.on_conflict_do_update(
            index_elements=[notification_settings.c.user_id, notification_settings.c.kind],
            set_={"delivery": stopped.excluded.delivery},
            where=notification_settings.c.delivery == Delivery.MAIL.value,
        )
        rows = [
            {"user_id": user_id, "kind": kind, "delivery": without_mail(kind).value}
            for kind in sorted(kinds)
        ]
        await self._connection.execute(stopped, rows)

    async def _remove_entries(self, which: ColumnElement[bool]) -> Sequence[ChangedEntry]:
        locked = await self._lock(which)
        if locked:
            ids = [entry.id for entry in locked]
            await self._connection.execute(delete(notifications).where(_ENTRY.id.in_(ids)))
        return locked

    async def _remove_events(
        self, event: ColumnElement[bool], *entry: ColumnElement[bool]
    ) -> Sequence[ChangedEntry]:
        """Remove the events with these properties, of entries with those."""
        having = (
            select(_EVENT.notification_id)
            .join(notifications, _ENTRY.id == _EVENT.notification_id)
            .where(event, *entry)
        )
        locked = await self._lock(_ENTRY.id.in_(having.correlate(None)))
        await self._remove_locked(locked, event)
        return locked

    async def _remove_locked(
        self, locked: Sequence[ChangedEntry], event: ColumnElement[bool]
    ) -> None:
        if not locked:
            return
        ids = [entry.id for entry in locked]
        of_entries = _EVENT.notification_id.in_(ids)
        removed = select(_EVENT.id).where(of_entries, event, _ENTRY.id == _EVENT.notification_id)
        await self._connection.execute(
            delete(notification_events).where(_EVENT.id.in_(removed.correlate(None)))
        )
        # These statements see all events of the entries, because the entries are locked.
        left = exists().where(_EVENT.notification_id == _ENTRY.id)
        await self._connection.execute(
            delete(notifications).where(_ENTRY.id.in_(ids), ~left.correlate(notifications))
        )
        await self._connection.execute(
            update(notifications).where(_ENTRY.id.in_(ids)).values(last_at=_LAST_EVENT)
        )

    async def _lock(self, which: ColumnElement[bool]) -> list[ChangedEntry]:
        entries: Any = (
            select(_ENTRY.recipient_id, _ENTRY.id)
            .where(which)
            .order_by(_ENTRY.id)
            .with_for_update()
        )
        return [ChangedEntry(*row) for row in await self._connection.execute(entries)]

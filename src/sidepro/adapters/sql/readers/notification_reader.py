"""Notifications as their recipients see them, in SQL."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from sidepro.adapters.sql.engine.compiled_query import Row
from sidepro.adapters.sql.engine.database import Source
from sidepro.adapters.sql.engine.keyset import KeysetQuery
from sidepro.adapters.sql.schema.expressions import IMAGE_OF_USER
from sidepro.adapters.sql.schema.notification_tables import (
    notification_events,
    notification_settings,
    notifications,
)
from sidepro.adapters.sql.schema.tables import projects, users
from sidepro.domain.accounts.views import UserSummary
from sidepro.domain.ids import UserId
from sidepro.domain.images.urls import ImageUrls
from sidepro.domain.notifications.notification import Delivery, NotificationKind
from sidepro.domain.notifications.ports import ChangedEntry
from sidepro.domain.notifications.views import NotificationView, NotifiedProject
from sidepro.domain.pagination import Page, PageRequest

_EVENTS = notification_events.c

_LAST_ACTOR = (
    select(_EVENTS.actor_id)
    .where(_EVENTS.notification_id == notifications.c.id)
    .order_by(_EVENTS.at.desc(), _EVENTS.id.desc())
    .limit(1)
    .correlate(notifications)
    .scalar_subquery()
)

_COUNT = (
    select(func.count())
    .select_from(notification_events)
    .where(_EVENTS.notification_id == notifications.c.id)
    .correlate(notifications)
    .scalar_subquery()
)

_VIEWS: Select[Any] = (
    select(
        notifications,
        projects.c.title,
        users.c.id.label("actor_id"),
        users.c.username.label("actor_name"),
        IMAGE_OF_USER,
        _COUNT.label("count"),
    )
    .outerjoin_from(notifications, projects, projects.c.id == notifications.c.project_id)
    .outerjoin(users, users.c.id == _LAST_ACTOR)
)

_OF_RECIPIENT = notifications.c.recipient_id == bindparam("user")

_PAGES = KeysetQuery(
    _VIEWS.where(_OF_RECIPIENT),
    (notifications.c.last_at, notifications.c.id),
    descending=True,
    minimal=select(notifications.c.id.label("any_id")).where(_OF_RECIPIENT),
)

_ENTRIES = _VIEWS.where(notifications.c.id.in_(bindparam("ids", expanding=True)))

_SIZE = select(func.count()).select_from(notifications).where(_OF_RECIPIENT)

_UNREAD = _SIZE.where(notifications.c.read_at.is_(None))

_SETTINGS = select(notification_settings.c.kind, notification_settings.c.delivery).where(
    notification_settings.c.user_id == bindparam("user")
)


class SqlNotificationReader:
    """See `sidepro.domain.notifications.ports.NotificationReader`."""

    def __init__(self, database: Source, images: ImageUrls) -> None:
        self._database = database
        self._images = images

    async def notifications(self, user_id: UserId, page: PageRequest) -> Page[NotificationView]:
        rows = await _PAGES.page(self._database, page, {"user": user_id})
        return Page(tuple(map(self._view, rows.items)), rows.next, rows.previous)

    async def notification_count(self, user_id: UserId) -> int:
        (row,) = await self._database.fetch(_SIZE, {"user": user_id})
        return int(row[0])

    async def unread_count(self, user_id: UserId) -> int:
        (row,) = await self._database.fetch(_UNREAD, {"user": user_id})
        return int(row[0])

    async def entries(
        self, keys: Collection[ChangedEntry]
    ) -> Mapping[ChangedEntry, NotificationView]:
        rows = await self._database.fetch(_ENTRIES, {"ids": [key.id for key in keys]})
        found = {ChangedEntry(row.recipient_id, row.id): self._view(row) for row in rows}
        return {key: found[key] for key in keys if key in found}

    async def settings(self, user_id: UserId) -> Mapping[str, Delivery]:
        rows = await self._database.fetch(_SETTINGS, {"user": user_id})
        return {row.kind: Delivery(row.delivery) for row in rows}

    def _view(self, row: Row) -> NotificationView:
        actor = None
        if row.actor_id is not None:
            actor = UserSummary(row.actor_id, row.actor_name, self._images.url(row.image_key))
        project = None
        if row.project_id is not None:
            project = NotifiedProject(row.project_id, row.title)
        return NotificationView(
            id=row.id,
            kind=NotificationKind(row.kind),
            subject_id=row.subject_id,
            actor=actor,
            count=row.count,
            project=project,
            room_id=row.room_id,
            request_id=row.request_id,
            created_at=row.last_at,
            read=row.read_at is not None,
        )

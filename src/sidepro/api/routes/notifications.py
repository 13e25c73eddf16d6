"""Routes of notifications: the list, read marks and settings."""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post, put
from litestar.params import JSONBody

from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.api.json_body import sent_fields
from sidepro.api.pagination import LIMIT, LINK, CursorText, Limit, ListOf, Total, page_response
from sidepro.api.schemas import Count, Moment, UserSummary, user_summary
from sidepro.domain.errors import NotFound
from sidepro.domain.ids import NotificationId
from sidepro.domain.notifications.notification import Delivery, NotificationKind
from sidepro.domain.notifications.views import NotificationView
from sidepro.http.cursors import page_request, scope_of
from sidepro.http.services import InjectedServices
from sidepro.http.timestamps import moment


class NotificationProject(msgspec.Struct):
    """The project that a notification is about."""

    id: UUID
    title: str


class Notification(msgspec.Struct):
    """`count` events of one kind about one subject, the last one by `actor` at `created_at`."""

    id: UUID
    kind: NotificationKind
    actor: UserSummary | None
    count: Count
    project: NotificationProject | None
    room_id: UUID | None
    request_id: UUID | None
    created_at: Moment
    read: bool


class NotificationList(ListOf[Notification], kw_only=True):
    """A page of notifications, and the number of unread ones of the whole list."""

    unread_count: Count


class ReadUpTo(msgspec.Struct, forbid_unknown_fields=True):
    """The notification up to which all are read."""

    up_to: UUID


class NotificationSettings(msgspec.Struct, rename="kebab"):
    """How each kind of notification, and unread messages, reach the caller."""

    request: Delivery
    accepted: Delivery
    comment: Delivery
    bookmarks: Delivery
    report_decided: Delivery
    moderated: Delivery
    messages: Literal["off", "mail"]


class NotificationSettingsPatch(msgspec.Struct, rename="kebab", forbid_unknown_fields=True):
    """The settings to change. Members that are left out stay as they are."""

    request: Delivery | msgspec.UnsetType = msgspec.UNSET
    accepted: Delivery | msgspec.UnsetType = msgspec.UNSET
    comment: Delivery | msgspec.UnsetType = msgspec.UNSET
    bookmarks: Delivery | msgspec.UnsetType = msgspec.UNSET
    report_decided: Delivery | msgspec.UnsetType = msgspec.UNSET
    moderated: Delivery | msgspec.UnsetType = msgspec.UNSET
    messages: Literal["off", "mail"] | msgspec.UnsetType = msgspec.UNSET


def notification_schema(view: NotificationView) -> Notification:
    """A notification as JSON."""
    return Notification(
        id=view.id,
        kind=view.kind,
        actor=None if view.actor is None else user_summary(view.actor),
        count=view.count,
        project=(
            None
            if view.project is None
            else NotificationProject(view.project.id, view.project.title)
        ),
        room_id=view.room_id,
        request_id=view.request_id,
        created_at=moment(view.created_at),
        read=view.read,
    )


@get("/notifications", response_headers=[LINK], summary="List the caller's notifications")
async def list_notifications(
    request: ApiRequest,
    services: InjectedServices,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
    total: Total = False,
) -> Response[NotificationList]:
    """The latest event first. Events of one kind about one subject are one entry until it is
    read.
    """
    caller = caller_of(request)
    scope = scope_of("notifications", {"user": caller.id})
    page = await services.notifications.notifications(
        caller, page_request(services, limit, cursor, scope)
    )
    unread_count = await services.notifications.unread_count(caller)
    size = await services.notifications.count(caller) if total else None
    listed = page_response(request, services, page, scope, notification_schema, size)
    members = msgspec.structs.asdict(listed.content)
    return Response(NotificationList(**members, unread_count=unread_count), headers=listed.headers)


@post(
    "/notifications/read",
    status_code=204,
    opt={"problems": (NotFound,)},
    summary="Mark notifications as read",
)
async def mark_notifications(
    request: ApiRequest, data: JSONBody[ReadUpTo], services: InjectedServices
) -> None:
    """Marks this notification, and all whose last event is earlier."""
    await services.notifications.mark_read(caller_of(request), NotificationId(data.up_to))


@get("/me/notification-settings", summary="Get the caller's notification settings")
async def get_notification_settings(
    request: ApiRequest, services: InjectedServices
) -> NotificationSettings:
    """Each kind is `off`, shown on the pages (`web`), or sent by mail too (`mail`)."""
    return _settings(await services.notifications.settings(caller_of(request)))


@put("/me/notification-settings", summary="Change the caller's notification settings")
async def change_notification_settings(
    request: ApiRequest, data: JSONBody[NotificationSettingsPatch], services: InjectedServices
) -> NotificationSettings:
    """Any of the settings. A kind that is switched off makes no new notifications."""
    changed = {
        name.replace("_", "-"): Delivery(value) for name, value in sent_fields(data).items()
    }
    return _settings(await services.notifications.change_settings(caller_of(request), changed))


def _settings(settings: Mapping[str, Delivery]) -> NotificationSettings:
    return msgspec.convert(settings, NotificationSettings)


router = Router(
    "/",
    route_handlers=[
        list_notifications,
        mark_notifications,
        get_notification_settings,
        change_notification_settings,
    ],
    tags=["Notifications"],
)

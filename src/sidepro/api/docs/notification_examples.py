"""Examples of notifications."""

from typing import Any
from uuid import UUID

from sidepro.api.docs.example_data import JIHO, PROJECT_ID, ROOM_ID
from sidepro.api.routes import notifications
from sidepro.domain.notifications.notification import Delivery, NotificationKind

_ID = UUID("019a9135-c2f1-7a0c-8b64-1f93d7e05a28")
_REQUEST = UUID("019a9a41-0d27-7c3f-95b8-e2a61f7c0b94")
_AT = "2026-11-20T08:01:15.449120Z"

NOTIFICATION = notifications.Notification(
    id=_ID,
    kind=NotificationKind.COMMENT,
    actor=JIHO,
    count=2,
    project=notifications.NotificationProject(PROJECT_ID, "커피챗 지도"),
    room_id=None,
    request_id=None,
    created_at=_AT,
    read=False,
)
_ACCEPTED = notifications.Notification(
    id=UUID("019a9a70-3e2c-7d18-b0a5-6c47f29e813d"),
    kind=NotificationKind.ACCEPTED,
    actor=JIHO,
    count=1,
    project=None,
    room_id=ROOM_ID,
    request_id=_REQUEST,
    created_at="2026-11-19T22:48:02.310856Z",
    read=True,
)

INSTANCES: tuple[Any, ...] = (
    NOTIFICATION,
    notifications.NotificationList(
        items=[NOTIFICATION, _ACCEPTED], next=None, previous=None, total=2, unread_count=1
    ),
    notifications.ReadUpTo(_ID),
    notifications.NotificationSettings(
        request=Delivery.MAIL,
        accepted=Delivery.MAIL,
        comment=Delivery.WEB,
        bookmarks=Delivery.OFF,
        report_decided=Delivery.MAIL,
        moderated=Delivery.MAIL,
        messages="mail",
    ),
    notifications.NotificationSettingsPatch(
        request=Delivery.MAIL,
        accepted=Delivery.WEB,
        comment=Delivery.MAIL,
        bookmarks=Delivery.OFF,
        report_decided=Delivery.WEB,
        moderated=Delivery.MAIL,
        messages="off",
    ),
)

EXPORTED: dict[str, Any] = {
    "notifications": [
        {
            "id": _ID,
            "kind": "comment",
            "project_id": PROJECT_ID,
            "room_id": None,
            "request_id": None,
            "created_at": "2026-11-20T07:55:40.180336Z",
            "last_at": _AT,
            "read_at": None,
        }
    ],
    "notification_settings": [{"kind": "bookmarks", "delivery": "off"}],
}
"""The part of the data export."""

"""What people learn of changed requests: notifications, and events of their channels."""

from collections.abc import Iterable
from datetime import datetime

from sidepro.domain.channels import ItemChanged, PubSub
from sidepro.domain.coffee_chats.chat_request import ChatRequest
from sidepro.domain.ids import UserId
from sidepro.domain.notifications.notification import NotificationEvent


def notification_of(request: ChatRequest, caller: UserId, at: datetime) -> NotificationEvent:
    """The notification of a request that the caller has just sent or accepted. It is for the
    other person, also if the request was accepted as it was sent.
    """
    if request.from_id == caller:
        return NotificationEvent.request(request.to_id, request.id, request.room_id, caller, at)
    return NotificationEvent.accepted(request.from_id, request.id, request.room_id, caller, at)


async def publish_requests(
    events: PubSub, requests: Iterable[ChatRequest], *, is_quiet: bool = False
) -> None:
    """Publish to both people that requests are new or changed; if `is_quiet`, to the recipient
    alone, because the asker sees no difference.
    """
    for request in requests:
        people = (request.to_id,) if is_quiet else (request.from_id, request.to_id)
        for user_id in people:
            await events.publish(ItemChanged.request(user_id, request.id))

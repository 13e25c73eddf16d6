"""The frames of the sockets: JSON objects, distinguished by `type`."""

from typing import Annotated
from uuid import UUID

import msgspec

from sidepro.api.routes.consent.chat_requests import ChatRequest
from sidepro.api.routes.notifications import Notification
from sidepro.api.routes.rooms import (
    ClientId,
    Message,
    MessageBody,
    Room,
)
from sidepro.api.schemas import Count
from sidepro.domain.errors import (
    EmailNotVerified,
    InvalidInput,
    NotFound,
    RateLimited,
    RoomPending,
    Unavailable,
)
from sidepro.domain.rooms.room import RoomStatus


class _Frame(msgspec.Struct, tag_field="type"):
    pass


class HelloFrame(_Frame, tag="hello"):
    """The first frame: the room, and whether the messages after `after` are replayed."""

    room: Room
    last_seq: Count
    after: Count | None
    recovered: bool
    epoch: str


class MessageFrame(_Frame, tag="message"):
    """A new message, sent to every socket of the room."""

    message: Message


class ReadFrame(_Frame, tag="read"):
    """A participant has read up to `seq`."""

    user_id: UUID
    seq: Count


class TypingFrame(_Frame, tag="typing"):
    """The other participant is typing. Hide it after three seconds without another."""

    user_id: UUID


class StatusFrame(_Frame, tag="status"):
    """The status of the room and its connected participants."""

    status: RoomStatus
    left_by: UUID | None
    online: list[UUID]


REFUSALS = (EmailNotVerified, InvalidInput, NotFound, RateLimited, RoomPending, Unavailable)
"""Errors in `error` frames. The socket stays open after them."""

_Code = Annotated[
    str, msgspec.Meta(extra_json_schema={"enum": sorted(error.code for error in REFUSALS)})
]


class ErrorFrame(_Frame, tag="error"):
    """A frame was rejected. `client_id` is that of the rejected message, if it was one."""

    code: _Code
    detail: str
    client_id: str | None


class BadgesHelloFrame(_Frame, tag="hello"):
    """The first frame of a person's stream: the badges."""

    unread_rooms: Count
    unread_messages: Count
    unread_notifications: Count
    pending_requests: Count


class BadgeFrame(_Frame, tag="badge"):
    """The badges, after one of them changed."""

    unread_rooms: Count
    unread_messages: Count
    unread_notifications: Count
    pending_requests: Count


class RoomFrame(_Frame, tag="room"):
    """A room after a change; `room` is null if it is no longer the person's."""

    room: Room | None
    room_id: UUID


class RequestFrame(_Frame, tag="request"):
    """A chat request that the person sent or received, new or after a change."""

    request: ChatRequest


class NotificationFrame(_Frame, tag="notification"):
    """A notification that is new, or has a new event."""

    notification: Notification


class SendFrame(msgspec.Struct, tag_field="type", tag="send", forbid_unknown_fields=True):
    """Send a message."""

    client_id: ClientId
    body: MessageBody


class ClientReadFrame(msgspec.Struct, tag_field="type", tag="read", forbid_unknown_fields=True):
    """The client has read up to `seq`."""

    seq: Count


class ClientTypingFrame(
    msgspec.Struct, tag_field="type", tag="typing", forbid_unknown_fields=True
):
    """The client is typing."""


ClientFrame = SendFrame | ClientReadFrame | ClientTypingFrame

# Names in the AsyncAPI document: `read` and `typing` exist in both directions.
FROM_SERVER: dict[str, type[msgspec.Struct]] = {
    "hello": HelloFrame,
    "message": MessageFrame,
    "read": ReadFrame,
    "typing": TypingFrame,
    "status": StatusFrame,
    "error": ErrorFrame,
}
PERSON_FROM_SERVER: dict[str, type[msgspec.Struct]] = {
    "badges_hello": BadgesHelloFrame,
    "badge": BadgeFrame,
    "room": RoomFrame,
    "request": RequestFrame,
    "notification": NotificationFrame,
    "error": ErrorFrame,
}
"""The frames of a person's stream. Clients send none."""
FROM_CLIENT: dict[str, type[msgspec.Struct]] = {
    "send": SendFrame,
    "seen": ClientReadFrame,
    "writing": ClientTypingFrame,
}

_encoder = msgspec.json.Encoder()
decode = msgspec.json.Decoder(ClientFrame).decode


def encode(frame: _Frame) -> str:
    """Encode a frame as JSON text."""
    return _encoder.encode(frame).decode()

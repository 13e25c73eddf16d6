"""The frames of the chat socket. Each is a JSON object whose kind is in `type`."""

from typing import Annotated
from uuid import UUID

import msgspec

from sidepro.api.routes.rooms import (
    ClientId,
    Message,
    MessageBody,
    Room,
)
from sidepro.domain.rooms.room import RoomStatus


class _Frame(msgspec.Struct, tag_field="type"):
    pass


class HelloFrame(_Frame, tag="hello"):
    """The first one: the room, and whether what was missed after `after` follows."""

    room: Room
    last_seq: int
    after: int | None
    recovered: bool


class MessageFrame(_Frame, tag="message"):
    """A message, to every socket of the room."""

    message: Message


class ReadFrame(_Frame, tag="read"):
    """One of the two has read up to `seq`."""

    user_id: UUID
    seq: int


class TypingFrame(_Frame, tag="typing"):
    """The other one is typing."""

    user_id: UUID


class StatusFrame(_Frame, tag="status"):
    """Who has the room open, and what its status is."""

    status: RoomStatus
    left_by: UUID | None
    online: list[UUID]


class ErrorFrame(_Frame, tag="error"):
    """What the client sent was not done. `client_id` names the message that was not sent."""

    code: str
    detail: str
    client_id: str | None


class SendFrame(msgspec.Struct, tag_field="type", tag="send", forbid_unknown_fields=True):
    """Say something."""

    client_id: ClientId
    body: MessageBody


class ClientReadFrame(msgspec.Struct, tag_field="type", tag="read", forbid_unknown_fields=True):
    """One has read up to `seq`."""

    seq: Annotated[int, msgspec.Meta(ge=0)]


class ClientTypingFrame(
    msgspec.Struct, tag_field="type", tag="typing", forbid_unknown_fields=True
):
    """One is typing."""


ClientFrame = SendFrame | ClientReadFrame | ClientTypingFrame

# By names that tell apart what goes either way under one `type`.
FROM_SERVER: dict[str, type[msgspec.Struct]] = {
    "hello": HelloFrame,
    "message": MessageFrame,
    "read": ReadFrame,
    "typing": TypingFrame,
    "status": StatusFrame,
    "error": ErrorFrame,
}
FROM_CLIENT: dict[str, type[msgspec.Struct]] = {
    "send": SendFrame,
    "seen": ClientReadFrame,
    "writing": ClientTypingFrame,
}

_encoder = msgspec.json.Encoder()
decode = msgspec.json.Decoder(ClientFrame).decode


def encode(frame: _Frame) -> str:
    """The frame as it goes over the socket."""
    return _encoder.encode(frame).decode()

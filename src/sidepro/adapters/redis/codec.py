"""What is said between processes about a room: short arrays in MessagePack.

The room itself is not in them: it is the name of the channel.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.events import (
    MessageSent,
    ReadPositionChanged,
    ResyncRequired,
    RoomClosed,
    RoomEvent,
    StatusChanged,
    Typing,
)
from sidepro.domain.rooms.room import Message


class _Said(msgspec.Struct, array_like=True):
    pass


class _Message(_Said, tag=1):
    seq: int
    sender_id: UUID | None
    body: str
    client_id: str | None
    sent_at: datetime


class _Read(_Said, tag=2):
    user_id: UUID
    seq: int


class _Typing(_Said, tag=3):
    user_id: UUID


class _Status(_Said, tag=4):
    pass


class _Closed(_Said, tag=5):
    user_id: UUID | None


class _Missed(_Said, tag=6):
    pass


_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_Any = _Message | _Read | _Typing | _Status | _Closed | _Missed
_decoder: msgspec.msgpack.Decoder[_Any] = msgspec.msgpack.Decoder(_Any)


def encode(event: RoomEvent) -> bytes:
    """The event without its room."""
    match event:
        case MessageSent(message=said):
            return _encode(
                _Message(said.seq, said.sender_id, said.body, said.client_id, said.sent_at)
            )
        case ReadPositionChanged(user_id=user_id, seq=seq):
            return _encode(_Read(user_id, seq))
        case Typing(user_id=user_id):
            return _encode(_Typing(user_id))
        case StatusChanged():
            return _encode(_Status())
        case RoomClosed(user_id=closed_for):
            return _encode(_Closed(closed_for))
        case ResyncRequired():
            return _encode(_Missed())


def decode(room_id: RoomId, payload: bytes) -> RoomEvent:
    """The event of this room.

    Raises:
        msgspec.DecodeError: it is none, or of a kind that another version knows.
    """
    match _decoder.decode(payload):
        case _Message(seq, sender, body, client_id, sent_at):
            sender_id = None if sender is None else UserId(sender)
            return MessageSent(room_id, Message(room_id, seq, sender_id, body, client_id, sent_at))
        case _Read(user_id, seq):
            return ReadPositionChanged(room_id, UserId(user_id), seq)
        case _Typing(user_id):
            return Typing(room_id, UserId(user_id))
        case _Status():
            return StatusChanged(room_id)
        case _Closed(user):
            return RoomClosed(room_id, None if user is None else UserId(user))
        case _Missed():
            return ResyncRequired(room_id)

"""Live events as short MessagePack arrays. The Redis channel identifies their channel."""

from datetime import datetime
from uuid import UUID

import msgspec

from sidepro.domain.channels import (
    Channel,
    Event,
    ItemChanged,
    ItemKind,
    ResyncRequired,
    StatusChanged,
)
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.events import (
    BlockChanged,
    MessageSent,
    ReadPositionChanged,
    RoomClosed,
    Typing,
)
from sidepro.domain.rooms.room import Message
from sidepro.domain.visibility import Visibility


class _Payload(msgspec.Struct, array_like=True):
    pass


class _Message(_Payload, tag=1):
    seq: int
    sender_id: UUID | None
    body: str
    client_id: str | None
    sent_at: datetime


class _Read(_Payload, tag=2):
    user_id: UUID
    seq: int


class _Typing(_Payload, tag=3):
    user_id: UUID


class _Status(_Payload, tag=4):
    pass


class _Closed(_Payload, tag=5):
    user_id: UUID | None


class _Resync(_Payload, tag=6):
    pass


class _Item(_Payload, tag=7):
    kind: ItemKind
    item_id: UUID | None


class _HiddenMessage(_Payload, tag=8):
    seq: int
    sender_id: UUID | None
    client_id: str | None
    sent_at: datetime
    visibility: int


class _Block(_Payload, tag=9):
    is_blocked: bool


_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_AnyPayload = (
    _Message | _Read | _Typing | _Status | _Closed | _Resync | _Item | _HiddenMessage | _Block
)
_decoder: msgspec.msgpack.Decoder[_AnyPayload] = msgspec.msgpack.Decoder(_AnyPayload)


def encode(event: Event) -> bytes:  # noqa: PLR0911 - one for each event
    """The event without its channel.

    Raises:
        TypeError: no payload is defined for this class of event.
    """
    match event:
        case MessageSent(message=message) if message.is_hidden:
            return _encode(
                _HiddenMessage(
                    message.seq,
                    message.sender_id,
                    message.client_id,
                    message.sent_at,
                    message.visibility,
                )
            )
        case MessageSent(message=message):
            return _encode(
                _Message(
                    message.seq,
                    message.sender_id,
                    message.body,
                    message.client_id,
                    message.sent_at,
                )
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
            return _encode(_Resync())
        case ItemChanged(kind=kind, item_id=item_id):
            return _encode(_Item(kind, item_id))
        case BlockChanged(is_blocked=is_blocked):
            return _encode(_Block(is_blocked))
        case _:
            raise TypeError(type(event).__name__)


def decode(channel: Channel, payload: bytes) -> Event:  # noqa: PLR0911 - one for each event
    """The event that was published to this channel.

    Raises:
        msgspec.DecodeError: the payload is malformed or of a type that only a later version knows.
    """
    room_id = RoomId(channel.id)
    match _decoder.decode(payload):
        case _Message(seq, sender, body, client_id, sent_at):
            return MessageSent(
                channel, Message(room_id, seq, _user(sender), body, client_id, sent_at)
            )
        case _HiddenMessage(seq, sender, client_id, sent_at, number):
            hidden = Visibility(number)
            message = Message(room_id, seq, _user(sender), "", client_id, sent_at, hidden)
            return MessageSent(channel, message)
        case _Read(user_id, seq):
            return ReadPositionChanged(channel, UserId(user_id), seq)
        case _Typing(user_id):
            return Typing(channel, UserId(user_id))
        case _Status():
            return StatusChanged(channel)
        case _Closed(user):
            return RoomClosed(channel, _user(user))
        case _Resync():
            return ResyncRequired(channel)
        case _Item(kind, item_id):
            return ItemChanged(channel, kind, item_id)
        case _Block(is_blocked):
            return BlockChanged(channel, is_blocked)


def _user(user_id: UUID | None) -> UserId | None:
    return None if user_id is None else UserId(user_id)

"""Live events of a room. `channel` is the room's channel."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from sidepro.domain.channels import Event, ItemChanged, PubSub
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.room import Message


@dataclass(frozen=True, slots=True)
class MessageSent(Event):
    """A message was stored. Its number gives the order: events may repeat or arrive late."""

    message: Message


@dataclass(frozen=True, slots=True)
class ReadPositionChanged(Event):
    """A participant has read up to `seq`."""

    user_id: UserId
    seq: int


@dataclass(frozen=True, slots=True)
class Typing(Event):
    """A participant is typing."""

    user_id: UserId

    is_transient: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class RoomClosed(Event):
    """The room no longer exists for `user_id`, or for anybody if `user_id` is `None`."""

    user_id: UserId | None


@dataclass(frozen=True, slots=True)
class BlockChanged(Event):
    """A participant has blocked the other one, or the room is free of blocks again."""

    is_blocked: bool


async def publish_room_change(events: PubSub, room_id: RoomId, people: Iterable[UserId]) -> None:
    """Publish to the channels of these people that the room changed for them."""
    for user_id in people:
        await events.publish(ItemChanged.room(user_id, room_id))

"""Examples of the AsyncAPI document: the socket's frames."""

import msgspec

from sidepro.api.chat import frames
from sidepro.api.docs.example_data import CHAT_REQUEST, JIHO, MESSAGE, MINSEO, ROOM
from sidepro.api.docs.notification_examples import NOTIFICATION
from sidepro.domain.errors import FieldError, InvalidInput
from sidepro.domain.rooms.room import RoomStatus
from sidepro.domain.violations import BLANK

_REFUSALS = (
    InvalidInput(FieldError(BLANK, pointer="/body")) if kind is InvalidInput else kind()
    for kind in frames.REFUSALS
)

EPOCH = "5f0c1d9b7a3e2468"

FRAMES: dict[type[msgspec.Struct], tuple[msgspec.Struct, ...]] = {
    frames.HelloFrame: (
        frames.HelloFrame(ROOM, 1, None, True, EPOCH),
        frames.HelloFrame(ROOM, 1, 0, True, EPOCH),
    ),
    frames.MessageFrame: (frames.MessageFrame(MESSAGE),),
    frames.ReadFrame: (frames.ReadFrame(JIHO.id, 1),),
    frames.TypingFrame: (frames.TypingFrame(JIHO.id),),
    frames.StatusFrame: (
        frames.StatusFrame(RoomStatus.RUNNING, None, [MINSEO.id, JIHO.id]),
        frames.StatusFrame(RoomStatus.PENDING, JIHO.id, [MINSEO.id]),
    ),
    frames.ErrorFrame: tuple(
        frames.ErrorFrame(error.code, error.detail, MESSAGE.client_id) for error in _REFUSALS
    ),
    frames.BadgesHelloFrame: (frames.BadgesHelloFrame(1, 2, 3, 1),),
    frames.BadgeFrame: (frames.BadgeFrame(0, 0, 3, 1),),
    frames.RoomFrame: (frames.RoomFrame(ROOM, ROOM.id), frames.RoomFrame(None, ROOM.id)),
    frames.RequestFrame: (frames.RequestFrame(CHAT_REQUEST),),
    frames.NotificationFrame: (frames.NotificationFrame(NOTIFICATION),),
    frames.SendFrame: (frames.SendFrame("7c1e-0001", MESSAGE.body),),
    frames.ClientReadFrame: (frames.ClientReadFrame(1),),
    frames.ClientTypingFrame: (frames.ClientTypingFrame(),),
}
"""Examples of each frame."""

"""Turns the events of rooms into frames.

A message frame carries the message's number. The session knows the last number that it has sent:
it drops older messages, sends the next one, and fills gaps from the database. So events may arrive
twice, late or not at all. After `ResyncRequired` the room is read again: its messages, read
positions, status and participants.
"""

import asyncio
from collections.abc import Iterable, Set
from itertools import islice

import structlog

from sidepro.api.chat.close_codes import CloseCode
from sidepro.api.chat.frames import (
    MessageFrame,
    ReadFrame,
    StatusFrame,
    TypingFrame,
    encode,
)
from sidepro.api.chat.outbox import Frame, Outbox
from sidepro.api.routes.rooms import message_schema
from sidepro.domain.channels import Channel, Event, ResyncRequired, StatusChanged
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import RoomId, UserId
from sidepro.domain.rooms.events import (
    BlockChanged,
    MessageSent,
    ReadPositionChanged,
    RoomClosed,
    Typing,
)
from sidepro.domain.rooms.room import Message, Room
from sidepro.domain.rooms.room_service import RoomService
from sidepro.domain.rooms.views import PresenceSnapshot, RoomSnapshot
from sidepro.domain.waiting import begin_waits

log = structlog.get_logger(__name__)

RETRY_DELAY = 1.0
"""Seconds until a failed read of rooms is retried."""

REFRESH_BATCH = 500
"""Maximum number of rooms that are read at once."""


class RoomEventHandler:
    """See `sidepro.api.chat.hub.EventHandler`."""

    def __init__(self, rooms: RoomService) -> None:
        self._rooms = rooms
        # Channels to read again, with their outboxes. Channels in `_to_resync` need more than the
        # status.
        self._changed: dict[Channel, Set[Outbox]] = {}
        self._to_resync: set[Channel] = set()
        self._refreshing: asyncio.Task[None] | None = None

    def handle(self, event: Event, outboxes: Set[Outbox]) -> None:
        match event:
            case MessageSent(message=message):
                _deliver(outboxes, message_frame(message))
            case ReadPositionChanged(user_id=user_id, seq=seq):
                _deliver(outboxes, read_frame(user_id, seq))
            case Typing(user_id=user_id):
                frame = Frame(encode(TypingFrame(user_id)), is_signal=True)
                _deliver(outboxes, frame, exclude=user_id)
            case BlockChanged(channel=channel, is_blocked=is_blocked):
                # At once: the read of the room that follows takes some time.
                for outbox in outboxes:
                    outbox.is_muted = is_blocked
                self._schedule_refresh(channel, outboxes)
            case StatusChanged(channel=channel):
                self._schedule_refresh(channel, outboxes)
            case ResyncRequired(channel=channel):
                self._to_resync.add(channel)
                self._schedule_refresh(channel, outboxes)
            case RoomClosed(user_id=user_id):
                for outbox in tuple(outboxes):
                    if user_id in (None, outbox.user_id):
                        outbox.close(CloseCode.NOT_FOUND)
            case _:
                pass  # an event without a frame

    def _schedule_refresh(self, channel: Channel, outboxes: Set[Outbox]) -> None:
        """Read the room once for all its sockets, and again if it changes during the read."""
        self._changed[channel] = outboxes
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh_loop())

    async def _refresh_loop(self) -> None:
        while self._changed:
            begin_waits()
            batch = dict(islice(self._changed.items(), REFRESH_BATCH))
            for channel in batch:
                del self._changed[channel]
            # A socket that joins during the read has newer state already.
            present = {channel: tuple(outboxes) for channel, outboxes in batch.items()}
            to_resync = self._to_resync & batch.keys()
            self._to_resync -= to_resync
            try:
                snapshots = await self._rooms.room_snapshots(
                    [RoomId(channel.id) for channel, outboxes in present.items() if outboxes]
                )
            except Exception as error:  # a defect must not end the loop: state would stay stale
                if not isinstance(error, Unavailable):
                    log.exception("room_refresh_failed")
                self._changed = batch | self._changed
                self._to_resync |= to_resync
                await asyncio.sleep(RETRY_DELAY)
                continue
            for channel, outboxes in present.items():
                snapshot = snapshots.get(RoomId(channel.id))
                is_outdated = channel in self._changed
                _refresh(outboxes, snapshot, is_outdated, is_resync=channel in to_resync)


def _deliver(outboxes: Iterable[Outbox], frame: Frame, exclude: UserId | None = None) -> None:
    for outbox in outboxes:
        if outbox.user_id != exclude:
            outbox.put(frame)


def _refresh(
    outboxes: Iterable[Outbox],
    snapshot: RoomSnapshot | None,
    is_outdated: bool,
    *,
    is_resync: bool,
) -> None:
    """Send the current status. In a resync, also send the read positions and missed messages, and
    close the sockets of users who are no longer in the room.

    `is_outdated`: the room has changed since the snapshot was read, and will be read again.
    """
    frames = _resync_frames(snapshot.room) if is_resync and snapshot else []
    statuses = _StatusFrames(snapshot) if snapshot else None
    for outbox in outboxes:
        if is_resync and not (snapshot and snapshot.room.is_open_to(outbox.user_id)):
            outbox.close(CloseCode.NOT_FOUND)
        if snapshot and not is_outdated:
            outbox.is_muted = snapshot.room.is_blocked
        for frame in frames:
            outbox.put(frame)
        if statuses:
            outbox.put(statuses.of(outbox.user_id))


def _resync_frames(room: Room) -> list[Frame]:
    positions = [
        read_frame(participant.user_id, participant.read_seq)
        for participant in room.participants
        if participant.user_id and participant.read_seq and not room.is_blocked
    ]
    return [Frame("", seq=room.last_seq), *positions]


class _StatusFrames:
    """The status of one room, encoded once for each of its users."""

    def __init__(self, snapshot: RoomSnapshot) -> None:
        self._snapshot = snapshot
        self._frames: dict[UserId, Frame] = {}

    def of(self, user_id: UserId) -> Frame:
        if user_id not in self._frames:
            self._frames[user_id] = status_frame(self._snapshot.presence(user_id))
        return self._frames[user_id]


def message_frame(message: Message) -> Frame:
    """The frame of a message, with its number."""
    return Frame(encode(MessageFrame(message_schema(message))), message.seq)


def read_frame(user_id: UserId, seq: int) -> Frame:
    """The frame of a read position."""
    return Frame(encode(ReadFrame(user_id, seq)), seq, is_signal=True, reader=user_id)


def status_frame(presence: PresenceSnapshot) -> Frame:
    """The frame of a status."""
    frame = StatusFrame(presence.status, presence.left_by, list(presence.online))
    return Frame(encode(frame), is_status=True)

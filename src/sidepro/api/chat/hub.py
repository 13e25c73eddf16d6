"""The hub: what happens in a room, brought to every socket of this process that has it open.

For each open room it listens to the chat feed once. Each socket has an outbox, a bounded queue
that its sender empties; one that does not keep up is dropped, and slows nobody else. Frames are
encoded once for a room.

Sent messages carry their numbers. The outbox's owner knows the last number that its socket got:
an older one is dropped, the next one sent, and a gap filled from the database, so that events may
come twice, late or not at all. Where the feed says that some may have been lost, the room is
looked up: its messages, marks, status, and who may still be in it.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

import structlog

from sidepro.api.chat.frames import (
    MessageFrame,
    ReadFrame,
    StatusFrame,
    TypingFrame,
    encode,
)
from sidepro.api.chat.outbox import Outbox
from sidepro.api.routes.rooms import message_shape
from sidepro.domain.accounts.ports import SessionRegistry
from sidepro.domain.errors import Unavailable
from sidepro.domain.ids import (
    RoomId,
    SessionId,
    UserId,
)
from sidepro.domain.rooms.events import (
    MessageSent,
    ReadPositionChanged,
    ResyncRequired,
    RoomClosed,
    RoomEvent,
    StatusChanged,
    Typing,
)
from sidepro.domain.rooms.ports import RoomEvents
from sidepro.domain.rooms.room_service import RoomService
from sidepro.domain.rooms.views import PresenceSnapshot, RoomSnapshot

log = structlog.get_logger(__name__)

OUTBOX_SIZE = 256
"""Frames that may wait for a slow reader."""

RETRY = 1.0
"""Seconds until rooms that could not be looked up are looked up again."""

LOOKED_UP_AT_ONCE = 500
"""Rooms in one look, at the most."""

WATCH_EVERY = 1.0
"""Seconds between two looks at whether the sessions of open sockets are live."""

NOT_AUTHENTICATED = 4401
NO_SUCH_ROOM = 4404
TOO_SLOW = 4408


@dataclass(frozen=True, slots=True)
class Frame:
    """An encoded frame. `seq` is the number of the message in it, or the read mark of `reader`,
    and 0 for any other.

    With a number and no text it says that there are messages up to this one.
    """

    text: str
    seq: int = 0
    is_status: bool = False
    reader: UserId | None = None


@dataclass(eq=False, slots=True)
class SocketOutbox:
    """What waits to be sent to one socket."""

    user_id: UserId
    session_id: SessionId
    frames: Outbox[Frame] = field(default_factory=lambda: Outbox(OUTBOX_SIZE))
    ended: "asyncio.Future[int]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def put(self, frame: Frame) -> None:
        """Queue a frame; when the queue is full, the socket is too slow and ends."""
        try:
            self.frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.end(TOO_SLOW)

    def forget_statuses(self) -> None:
        """Drop the statuses that wait: a newer one is about to be sent past them."""
        waiting = [self.frames.get_nowait() for _ in range(len(self.frames))]
        for frame in waiting:
            if not frame.is_status:
                self.frames.put_nowait(frame)

    def end(self, code: int) -> None:
        """End the socket with this close code. The first end counts."""
        if not self.ended.done():
            self.ended.set_result(code)

    def end_with(self, task: "asyncio.Task[int]") -> None:
        """End the socket as this task of its own has ended."""
        if task.cancelled() or self.ended.done():
            return
        error = task.exception()
        if error is None:
            self.ended.set_result(task.result())
        else:
            self.ended.set_exception(error)


@dataclass(eq=False, slots=True)
class _OpenRoom:
    listening: "asyncio.Future[None]"
    outboxes: set[SocketOutbox] = field(default_factory=set)


class Hub:
    """All sockets of this process, by room."""

    def __init__(self, rooms: RoomService, feed: RoomEvents) -> None:
        self._service = rooms
        self._feed = feed
        self._rooms: dict[RoomId, _OpenRoom] = {}
        # Rooms to look up, and those of them where more than the status may be news.
        self._changed: set[RoomId] = set()
        self._missed: set[RoomId] = set()
        self._looking: asyncio.Task[None] | None = None

    @property
    def sockets(self) -> int:
        """How many there are."""
        return sum(len(room.outboxes) for room in self._rooms.values())

    async def join(self, room_id: RoomId, outbox: SocketOutbox) -> None:
        """From now on, what happens in the room goes to this outbox."""
        room = self._rooms.get(room_id)
        if room is None:
            listening = asyncio.ensure_future(self._feed.subscribe(room_id, self._on_event))
            room = self._rooms[room_id] = _OpenRoom(listening)
        room.outboxes.add(outbox)
        try:
            await asyncio.shield(room.listening)
        except BaseException:
            await self.leave(room_id, outbox)
            raise

    async def leave(self, room_id: RoomId, outbox: SocketOutbox) -> None:
        """Nothing goes to this outbox any more."""
        room = self._rooms.get(room_id)
        if room is None:
            return
        room.outboxes.discard(outbox)
        if room.outboxes:
            return
        # Whoever comes now opens the room anew and listens for themselves: each listening is
        # undone once, so nobody makes another one deaf.
        del self._rooms[room_id]
        await asyncio.wait([room.listening])
        if room.listening.cancelled() or room.listening.exception():
            return
        await self._feed.unsubscribe(room_id, self._on_event)

    async def watch_sessions(self, gate: SessionRegistry) -> None:
        """End the sockets whose session is over: at once when it ends in this process, within a
        second or so when it ends in another. Goes on until it is cancelled.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCH_EVERY):
                    await gate.wait_for_revocation()
            outboxes = [outbox for room in self._rooms.values() for outbox in room.outboxes]
            if not outboxes:
                continue
            try:
                live = await gate.active_among({outbox.session_id for outbox in outboxes})
            except Unavailable:
                continue
            except Exception:
                # Whatever it is, sockets of ended sessions must not stay open for good.
                log.exception("session_watch_failed")
                continue
            for outbox in outboxes:
                if outbox.session_id not in live:
                    outbox.end(NOT_AUTHENTICATED)

    def _on_event(self, event: RoomEvent) -> None:
        room = self._rooms.get(event.room_id)
        if room is None:
            return
        match event:
            case MessageSent(message=message):
                frame = Frame(encode(MessageFrame(message_shape(message))), message.seq)
                self._deliver(room, frame)
            case ReadPositionChanged(user_id=user_id, seq=seq):
                self._deliver(room, read_frame(user_id, seq))
            case Typing(user_id=user_id):
                self._deliver(room, Frame(encode(TypingFrame(user_id))), but=user_id)
            case StatusChanged(room_id=room_id):
                self._look_up(room_id)
            case ResyncRequired(room_id=room_id):
                self._missed.add(room_id)
                self._look_up(room_id)
            case RoomClosed(user_id=user_id):
                for outbox in tuple(room.outboxes):
                    if user_id in (None, outbox.user_id):
                        outbox.end(NO_SUCH_ROOM)

    @staticmethod
    def _deliver(room: _OpenRoom, frame: Frame, but: UserId | None = None) -> None:
        for outbox in room.outboxes:
            if outbox.user_id != but:
                outbox.put(frame)

    def _look_up(self, room_id: RoomId) -> None:
        """Look the room up once for all its sockets, and once more if it changed meanwhile."""
        self._changed.add(room_id)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_all_up())

    async def _look_all_up(self) -> None:
        while self._changed:
            looked_up = set(islice(self._changed, LOOKED_UP_AT_ONCE))
            self._changed -= looked_up
            # Whoever joins while the answer is under way has seen what is newer.
            there = {
                room_id: tuple(self._rooms[room_id].outboxes)
                for room_id in looked_up
                if room_id in self._rooms
            }
            missed = self._missed & looked_up
            self._missed -= looked_up
            try:
                standings = await self._service.room_snapshots(list(there))
            except Exception as error:
                if not isinstance(error, Unavailable):
                    # Whatever it is, what was missed must not stay so for good.
                    log.exception("rooms_not_looked_up")
                self._changed |= looked_up
                self._missed |= missed
                await asyncio.sleep(RETRY)
                continue
            for room_id, outboxes in there.items():
                self._bring_up_to_date(outboxes, standings.get(room_id), room_id in missed)

    @staticmethod
    def _bring_up_to_date(
        outboxes: Iterable[SocketOutbox], standing: RoomSnapshot | None, has_missed: bool
    ) -> None:
        frames = []
        if has_missed and standing:
            room = standing.room
            frames = [
                Frame("", seq=room.last_seq),
                *(
                    read_frame(seat.user_id, seat.read_seq)
                    for seat in room.participants
                    if seat.user_id and seat.read_seq
                ),
            ]
        if standing:
            frames.append(status_frame(standing.presences))
        for outbox in outboxes:
            if has_missed and not (standing and standing.room.is_open_to(outbox.user_id)):
                outbox.end(NO_SUCH_ROOM)
            for frame in frames:
                outbox.put(frame)


def read_frame(user_id: UserId, seq: int) -> Frame:
    """The frame that tells how far somebody has read."""
    return Frame(encode(ReadFrame(user_id, seq)), seq, reader=user_id)


def status_frame(presences: PresenceSnapshot) -> Frame:
    """The frame that tells who is there."""
    frame = StatusFrame(presences.status, presences.left_by, list(presences.online))
    return Frame(encode(frame), is_status=True)

"""The frames that wait to be sent to one socket."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sidepro.api.chat.close_codes import CloseCode
from sidepro.domain.ids import SessionId, UserId

Item = TypeVar("Item")

OUTBOX_SIZE = 256
"""Maximum number of frames that wait for a slow client."""


class CompactQueue(Generic[Item]):
    """A queue for one consumer that needs little memory while empty.

    An empty `asyncio.Queue` takes 3 kB, which adds up over thousands of idle sockets.
    """

    __slots__ = ("_items", "_max_size", "_waiter")

    def __init__(self, max_size: int | None = None) -> None:
        """`None` means no maximum size."""
        self._max_size = max_size
        self._items: deque[Item] | None = None
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._items) if self._items else 0

    def empty(self) -> bool:
        """Whether the queue is empty."""
        return not self._items

    def put_nowait(self, item: Item) -> None:
        """Append an item.

        Raises:
            asyncio.QueueFull: the queue has its maximum size.
        """
        if self._max_size is not None and len(self) >= self._max_size:
            raise asyncio.QueueFull
        if self._items is None:
            self._items = deque()
        self._items.append(item)
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def replace(self, is_older: Callable[[Item], bool], item: Item) -> bool:
        """Put the item in the place of an older one. Returns whether there was one."""
        items = self._items or deque()
        for index, queued in enumerate(items):
            if is_older(queued):
                items[index] = item
                return True
        return False

    def get_nowait(self) -> Item:
        """Remove and return the first item.

        Raises:
            asyncio.QueueEmpty: the queue is empty.
        """
        if not self._items:
            raise asyncio.QueueEmpty
        item = self._items.popleft()
        if not self._items:
            self._items = None
        return item

    async def get(self) -> Item:
        """Wait for the first item, remove and return it. Only one task may wait."""
        while not self._items:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self.get_nowait()


@dataclass(frozen=True, slots=True)
class Frame:
    """An encoded frame.

    `seq` is the number of its message, or the read position of `reader`, otherwise 0. A frame
    without text means that the messages up to `seq` exist. A frame replaces a waiting one with the
    same `key`: only the latest state matters. A signal is about what a participant does, other
    than sending.
    """

    text: str
    seq: int = 0
    is_status: bool = False
    is_signal: bool = False
    reader: UserId | None = None
    key: Hashable | None = None


@dataclass(eq=False, slots=True)
class Outbox:
    """The queued frames of one socket, and the result of its end.

    `closed` is the close code, or `None` if the client disconnected. A muted outbox sends
    no signals: its room is blocked.
    """

    user_id: UserId
    session_id: SessionId
    is_muted: bool = False
    frames: CompactQueue[Frame] = field(default_factory=lambda: CompactQueue(OUTBOX_SIZE))
    closed: "asyncio.Future[CloseCode | None]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def put(self, frame: Frame) -> None:
        """Queue a frame. Closes the socket if the queue is full: the client is too slow."""
        if frame.key is not None and self.frames.replace(
            lambda older: older.key == frame.key, frame
        ):
            return
        try:
            self.frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.close(CloseCode.TOO_SLOW)

    def drop_statuses(self) -> None:
        """Remove the queued status frames: the caller sends a newer one before them."""
        queued = [self.frames.get_nowait() for _ in range(len(self.frames))]
        for frame in queued:
            if not frame.is_status:
                self.frames.put_nowait(frame)

    async def run(self, *loops: Coroutine[Any, Any, CloseCode | None]) -> CloseCode | None:
        """Run the loops of the socket until one ends or the socket is closed. Returns the close
        code, or `None` if the client disconnected.
        """
        tasks = [asyncio.create_task(loop) for loop in loops]
        for task in tasks:
            task.add_done_callback(self._close_with)
        try:
            return await self.closed
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def close(self, code: CloseCode) -> None:
        """Close the socket with this code, unless it is closing already."""
        if not self.closed.done():
            self.closed.set_result(code)

    def _close_with(self, task: "asyncio.Task[CloseCode | None]") -> None:
        """Close the socket with the result or error of one of its tasks."""
        if task.cancelled() or self.closed.done():
            return
        error = task.exception()
        if error is None:
            self.closed.set_result(task.result())
        else:
            self.closed.set_exception(error)

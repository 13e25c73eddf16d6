"""A queue that costs next to nothing while it is empty, as those of most sockets are."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Outbox(Generic[Item]):
    """What waits for its one taker, in the order in which it came.

    `asyncio.Queue` serves any number of takers and givers, and takes 3 kB for it.
    """

    __slots__ = ("_items", "_most", "_something")

    def __init__(self, most: int | None = None) -> None:
        """`most` items wait at the most; `None` for as many as come."""
        self._most = most
        self._items: deque[Item] | None = None
        self._something: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._items) if self._items else 0

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._items

    def put_nowait(self, item: Item) -> None:
        """Add an item at the end.

        Raises:
            asyncio.QueueFull: as many wait as may.
        """
        if self._most is not None and len(self) >= self._most:
            raise asyncio.QueueFull
        if self._items is None:
            self._items = deque()
        self._items.append(item)
        if self._something and not self._something.done():
            self._something.set_result(None)

    def get_nowait(self) -> Item:
        """Take the first item.

        Raises:
            asyncio.QueueEmpty: nothing waits.
        """
        if not self._items:
            raise asyncio.QueueEmpty
        item = self._items.popleft()
        if not self._items:
            self._items = None
        return item

    async def get(self) -> Item:
        """Take the first item, as soon as there is one. One at a time may wait for it."""
        while not self._items:
            self._something = asyncio.get_running_loop().create_future()
            try:
                await self._something
            finally:
                self._something = None
        return self.get_nowait()

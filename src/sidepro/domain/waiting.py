"""How long one request, frame of a socket or batch of messages may wait for stores in all.

Each wait has a bound of its own. A request that waits for a connection, then for one lock and then
for another one would wait for the sum of them. So after long waits the next one has less time.

Nobody waits longer than ten seconds: waits use up `REQUEST_WAITS`, those that begin with nothing
left share `LAST_WAIT`, and if the server falls silent in that moment, an answer may take half a
second longer than its statement. Another half is left for what is no wait.

All of them count alike: for a free connection, for a new one (whatever number of addresses it
tries), for answers of PostgreSQL and Redis, for the store of images, and for what another task
does for several requests.
"""

import asyncio
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from weakref import ref

from sidepro.domain.errors import Unavailable

Result = TypeVar("Result")

REQUEST_WAITS = 8.0
"""Seconds of all waits before the last one."""

LAST_WAIT = 1.0
"""Seconds of the waits after the longest ones."""

LEAST_WAIT = 0.1
"""Seconds that any wait may take. A page without one of its parts may have some of them left."""

LONGEST_WAITS = 10.0
"""Seconds after which nobody waits any more."""


class Waits:
    """The waits of one task. Tasks that it starts, which may outlive the request, have none."""

    __slots__ = ("_task", "is_counting", "left")

    def __init__(self, seconds: float) -> None:
        self._task = _this_task()
        self.left = seconds
        self.is_counting = False
        """Inside of a wait that is counted: those in it are part of it."""

    def is_of_this_task(self) -> bool:
        return self._task is not None and asyncio.current_task() is self._task()

    @contextmanager
    def borrowed(self) -> Iterator[None]:
        """Let them be those of the current task during the block."""
        owner, self._task = self._task, _this_task()
        try:
            yield
        finally:
            self._task = owner

    def count(self, seconds: float) -> None:
        """Take a wait off."""
        if not self.is_counting:
            self.left -= seconds

    def limit(self, seconds: float) -> float:
        """How long the next wait may take, which otherwise may take so many seconds."""
        return min(seconds, max(LEAST_WAIT, LAST_WAIT + min(self.left, 0), self.left))


def _this_task() -> "ref[asyncio.Task[Any]] | None":
    """A weak reference: a task keeps its context, which keeps its waits. Such a cycle would keep
    what a cancelled request leaves, such as half a connection.
    """
    task = asyncio.current_task()
    return None if task is None else ref(task)


_waits: ContextVar[Waits | None] = ContextVar("waits", default=None)


def begin_waits() -> None:
    """Bound the waits of this task from now on."""
    _waits.set(Waits(REQUEST_WAITS))


def continue_waits() -> None:
    """Bound the waits of this task by what is left to the task that started it.

    That one must not wait for stores meanwhile.
    """
    waits = _waits.get()
    if waits is not None:
        _waits.set(Waits(waits.left))


@contextmanager
def borrowed_waits() -> Iterator[None]:
    """Count the waits of this task as those of the task that started it, which waits for it."""
    waits = _waits.get()
    if waits is None:
        yield
        return
    with waits.borrowed():
        yield


def end_waits() -> None:
    """Bound no further waits of this task: the answer has begun."""
    _waits.set(None)


def current_waits() -> Waits | None:
    """Those of this task, if it serves a request."""
    waits = _waits.get()
    return waits if waits is not None and waits.is_of_this_task() else None


def wait_limit(seconds: float) -> float:
    """See `Waits.limit`. The same seconds if the waits of this task are not bounded."""
    waits = current_waits()
    return seconds if waits is None else waits.limit(seconds)


@contextmanager
def counted_wait() -> Iterator[None]:
    """Count the time of the block, such as one for a free connection, as one wait."""
    waits = current_waits()
    if waits is None or waits.is_counting:
        yield
        return
    began = time.monotonic()
    waits.is_counting = True
    try:
        yield
    finally:
        waits.is_counting = False
        waits.count(time.monotonic() - began)


async def wait_at_most(seconds: float, awaitable: Awaitable[Result]) -> Result:
    """The result of what this task waits for, as one wait, which it cancels after so many seconds
    or after what is left.

    Raises:
        Unavailable: it took longer.
    """
    try:
        with counted_wait():
            async with asyncio.timeout(wait_limit(seconds)):
                return await awaitable
    except TimeoutError as error:
        raise Unavailable from error
    finally:
        del awaitable  # a future keeps its error, whose traceback refers to this frame

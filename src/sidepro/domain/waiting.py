"""How long one request, or one batch of messages, may wait for the database in all.

Each wait has a bound of its own. A request that waits for a connection, then for one lock and then
for another one would wait for the sum of them. So a statement after a long wait has less time.
"""

import asyncio
from contextvars import ContextVar

REQUEST_WAITS = 7.0
"""Seconds of waits that count. With the others, nobody waits longer than ten."""

UNCOUNTED = 1.0
"""Seconds of each wait that do not count: a process with a thousand requests at once is slow, and
waits for nobody.
"""


class Waits:
    """The waits of one task. Tasks that it starts, which may outlive the request, have none."""

    __slots__ = ("_task", "left")

    def __init__(self, seconds: float) -> None:
        self._task = asyncio.current_task()
        self.left = seconds

    def is_of_this_task(self) -> bool:
        return asyncio.current_task() is self._task

    def count(self, seconds: float) -> None:
        """Take a wait off."""
        if seconds > UNCOUNTED:
            self.left -= seconds - UNCOUNTED


_waits: ContextVar[Waits | None] = ContextVar("waits", default=None)


def begin_waits() -> None:
    """Bound the waits of this task from now on."""
    _waits.set(Waits(REQUEST_WAITS))


def end_waits() -> None:
    """Bound no further waits of this task: the answer has begun."""
    _waits.set(None)


def current_waits() -> Waits | None:
    """Those of this task, if it serves a request."""
    waits = _waits.get()
    return waits if waits is not None and waits.is_of_this_task() else None

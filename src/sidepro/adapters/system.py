"""The system clock, ids and random names."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import uuid_utils.compat

MAX_STEP_BACK = 1.0
"""Seconds. A machine's clock that is corrected goes back by less in a moment."""


class SystemClock:
    """The current time in UTC. See `sidepro.domain.clock.Clock`.

    `offset` leads from the clock of this machine to the one that all processes share, that of the
    database: lists are sorted by times that different processes gave. A process that follows that
    clock goes on by it when the machine's clock is set back.
    """

    def __init__(self) -> None:
        self.offset = timedelta()
        self.compared = timedelta()
        """The offset at the last comparison."""
        self._ahead: float | None = None
        """Seconds that the machine's clock is ahead of one that only runs forward."""

    def __call__(self) -> datetime:
        now = self.of_this_machine()
        if self._ahead is not None:
            ahead = now.timestamp() - time.monotonic()
            if ahead < self._ahead - MAX_STEP_BACK:
                self.offset += timedelta(seconds=self._ahead - ahead)
            self._ahead = ahead
        return now + self.offset

    def follow(self, offset: timedelta) -> None:
        """Follow another clock, which is ahead by this."""
        self.offset = self.compared = offset
        self._ahead = self.of_this_machine().timestamp() - time.monotonic()

    @staticmethod
    def of_this_machine() -> datetime:
        """Without the offset."""
        return datetime.now(UTC)


clock = SystemClock()


def new_id() -> UUID:
    """A new UUIDv7. See `sidepro.domain.ids.NewId`."""
    return uuid_utils.compat.uuid7()


def new_image_name() -> str:
    """128 random bits in hexadecimal. See `sidepro.domain.ids.NewSecret`."""
    return secrets.token_hex(16)


def new_secret() -> str:
    """256 random bits as URL-safe text. See `sidepro.domain.ids.NewSecret`."""
    return secrets.token_urlsafe(32)

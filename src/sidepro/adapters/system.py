"""The system clock, ids and random names."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

import uuid_utils.compat


class SystemClock:
    """The current time in UTC. See `sidepro.domain.clock.Clock`.

    `offset` leads from the clock of this machine to the one that all processes share, that of the
    database: lists are sorted by times that different processes gave.
    """

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        return self.of_this_machine() + self.offset

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

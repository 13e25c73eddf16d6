"""The system clock, ids and random names."""

import secrets
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat


def clock() -> datetime:
    """The current time in UTC. See `sidepro.domain.clock.Clock`."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A new UUIDv7. See `sidepro.domain.ids.NewId`."""
    return uuid_utils.compat.uuid7()


def new_image_name() -> str:
    """128 random bits in hexadecimal. See `sidepro.domain.ids.NewSecret`."""
    return secrets.token_hex(16)


def new_secret() -> str:
    """256 random bits as URL-safe text. See `sidepro.domain.ids.NewSecret`."""
    return secrets.token_urlsafe(32)

"""The machine's clock and identifiers."""

import secrets
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat


def clock() -> datetime:
    """Now. See `sidepro.domain.pagination.Clock`."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A fresh UUIDv7. See `sidepro.domain.pagination.NewId`."""
    return uuid_utils.compat.uuid7()


def new_image_name() -> str:
    """128 random bits in hexadecimal. See `sidepro.domain.images.ports.NameGenerator`."""
    return secrets.token_hex(16)


def new_refresh_token() -> str:
    """256 random bits as URL-safe text. See `sidepro.domain.accounts.ports.SecretGenerator`."""
    return secrets.token_urlsafe(32)


def new_ticket() -> str:
    """256 random bits as URL-safe text. See `sidepro.domain.rooms.ticket_service.NewTicket`."""
    return secrets.token_urlsafe(32)

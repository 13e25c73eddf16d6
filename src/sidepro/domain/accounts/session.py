"""A log-in and how long it lasts."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sidepro.domain.shared import SessionId, UserId

USER_AGENT_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: the owner of a valid access token."""

    id: UserId
    session_id: SessionId
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in on one device.

    `refresh_hash` is the SHA-256 of the refresh token, which is never stored itself.
    """

    id: SessionId
    user_id: UserId
    refresh_hash: bytes
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime

    @classmethod
    def start(
        cls,
        session_id: SessionId,
        user_id: UserId,
        refresh_token: str,
        user_agent: str | None,
        now: datetime,
        lifetime: timedelta,
    ) -> "Session":
        """A session that begins now and ends after `lifetime` unless it is used before."""
        return cls(
            id=session_id,
            user_id=user_id,
            refresh_hash=hash_of(refresh_token),
            user_agent=user_agent and user_agent[:USER_AGENT_LONGEST],
            created_at=now,
            last_used_at=now,
            expires_at=now + lifetime,
        )


def hash_of(refresh_token: str) -> bytes:
    """What is stored of a refresh token. It carries 256 random bits, so that a plain SHA-256
    without salt or stretching cannot be searched.
    """
    return hashlib.sha256(refresh_token.encode()).digest()

"""Sessions and their refresh tokens.

Refresh tokens rotate: each works once and yields its successor (RFC 9700, section 4.14.2).

    | the presented token                                 | result                    |
    |-----------------------------------------------------|---------------------------|
    | unused                                              | a successor               |
    | used in the last 10 s, and no successor is used yet | another one (two tabs)    |
    | used earlier, or with a used successor              | replay: the session ends  |
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from sidepro.domain.identity import token_digest
from sidepro.domain.ids import SessionId, UserId

MAX_USER_AGENT = 400
GRACE_PERIOD = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class SessionTtl:
    """How long a session lasts: without a refresh, and in total. The shorter one ends it."""

    idle: timedelta
    total: timedelta


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in on one device. Each refresh extends `expires_at`, up to `ends_at`."""

    id: SessionId
    user_id: UserId
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ends_at: datetime

    @classmethod
    def start(
        cls,
        session_id: SessionId,
        user_id: UserId,
        user_agent: str | None,
        now: datetime,
        ttl: SessionTtl,
    ) -> "Session":
        """A session that starts now."""
        return cls(
            id=session_id,
            user_id=user_id,
            user_agent=user_agent and user_agent[:MAX_USER_AGENT],
            created_at=now,
            last_used_at=now,
            expires_at=now + min(ttl.idle, ttl.total),
            ends_at=now + ttl.total,
        )

    def is_expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return now >= self.expires_at

    def used(self, now: datetime, ttl: SessionTtl) -> "Session":
        """The session after a refresh."""
        expires_at = min(now + ttl.idle, self.ends_at)
        return replace(self, last_used_at=now, expires_at=expires_at)


class TokenUse(Enum):
    """What it means that a refresh token is presented."""

    FIRST = "first use"
    GRACE = "second tab"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token as stored: the SHA-256 of its text, never the text."""

    hash: bytes
    session_id: SessionId
    parent: bytes | None
    issued_at: datetime
    used_at: datetime | None

    @classmethod
    def issue(
        cls, text: str, session_id: SessionId, parent: "RefreshToken | None", now: datetime
    ) -> "RefreshToken":
        """A new token: the successor of `parent`, or the first one of a session."""
        return cls(token_digest(text), session_id, parent.hash if parent else None, now, None)

    def use_at(self, now: datetime, *, successor_used: bool) -> TokenUse:
        """What it means that this token is presented now."""
        if self.used_at is None:
            return TokenUse.FIRST
        if now - self.used_at <= GRACE_PERIOD and not successor_used:
            return TokenUse.GRACE
        return TokenUse.REPLAY

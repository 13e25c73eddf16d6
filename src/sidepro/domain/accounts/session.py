"""A log-in, how long it lasts, and the refresh tokens that keep it alive.

Refresh tokens rotate: each works once and gives its successor (RFC 9700, section 4.14.2). What a
token may still do, by what has happened to it:

    | the token is                                         | refreshing gives      |
    |------------------------------------------------------|-----------------------|
    | unused                                               | its successor         |
    | used within 10 s, and no successor is used yet       | a sibling (two tabs)  |
    | used, and longer ago or with a used successor        | the session's end     |
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
    """How long a session lasts: unused, and in all. Whichever is over first ends it."""

    idle: timedelta
    total: timedelta


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in on one device. `expires_at` moves on with each use, up to `ends_at`."""

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
        lifetimes: SessionTtl,
    ) -> "Session":
        """A session that begins now."""
        return cls(
            id=session_id,
            user_id=user_id,
            user_agent=user_agent and user_agent[:MAX_USER_AGENT],
            created_at=now,
            last_used_at=now,
            expires_at=now + min(lifetimes.idle, lifetimes.total),
            ends_at=now + lifetimes.total,
        )

    def is_expired(self, now: datetime) -> bool:
        """Whether its time has run out."""
        return now >= self.expires_at

    def used(self, now: datetime, lifetimes: SessionTtl) -> "Session":
        """The session after a refresh."""
        expires_at = min(now + lifetimes.idle, self.ends_at)
        return replace(self, last_used_at=now, expires_at=expires_at)


class TokenUse(Enum):
    """What presenting a refresh token means."""

    FIRST = "first use"
    GRACE = "second tab"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What is stored of a refresh token: the SHA-256 of its text, never the text."""

    hash: bytes
    session_id: SessionId
    parent: bytes | None
    issued_at: datetime
    used_at: datetime | None

    @classmethod
    def issue(
        cls, text: str, session_id: SessionId, parent: "RefreshToken | None", now: datetime
    ) -> "RefreshToken":
        """A token that was just made, as a successor of `parent` or as a session's first."""
        return cls(token_digest(text), session_id, parent.hash if parent else None, now, None)

    def use_at(self, now: datetime, *, successor_used: bool) -> TokenUse:
        """What it means that somebody presents this token now."""
        if self.used_at is None:
            return TokenUse.FIRST
        if now - self.used_at <= GRACE_PERIOD and not successor_used:
            return TokenUse.GRACE
        return TokenUse.REPLAY

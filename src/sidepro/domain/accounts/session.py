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

from sidepro.domain.identity import hash_of
from sidepro.domain.ids import SessionId, UserId

USER_AGENT_LONGEST = 400
SIBLING_WITHIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Lifetimes:
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
        lifetimes: Lifetimes,
    ) -> "Session":
        """A session that begins now."""
        return cls(
            id=session_id,
            user_id=user_id,
            user_agent=user_agent and user_agent[:USER_AGENT_LONGEST],
            created_at=now,
            last_used_at=now,
            expires_at=now + min(lifetimes.idle, lifetimes.total),
            ends_at=now + lifetimes.total,
        )

    def is_over(self, now: datetime) -> bool:
        """Whether its time has run out."""
        return now >= self.expires_at

    def used(self, now: datetime, lifetimes: Lifetimes) -> "Session":
        """The session after a refresh."""
        expires_at = min(now + lifetimes.idle, self.ends_at)
        return replace(self, last_used_at=now, expires_at=expires_at)


class Reuse(Enum):
    """What presenting a refresh token means."""

    FIRST = "first use"
    SIBLING = "second tab"
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
        return cls(hash_of(text), session_id, parent.hash if parent else None, now, None)

    def presented(self, now: datetime, *, successor_used: bool) -> Reuse:
        """What it means that somebody presents this token now."""
        if self.used_at is None:
            return Reuse.FIRST
        if now - self.used_at <= SIBLING_WITHIN and not successor_used:
            return Reuse.SIBLING
        return Reuse.REPLAY

"""Sessions and their refresh tokens.

Refresh tokens rotate: each works once and yields its successor (RFC 9700, section 4.14.2).

    | the presented token                                    | result                   |
    |--------------------------------------------------------|--------------------------|
    | unused                                                 | a successor              |
    | used in the last 60 s, with no used successor and      | a sibling of its         |
    | fewer than two siblings of the first one               | successor                |
    | anything else                                          | replay: the session ends |

The pages know their session by a cookie instead. Its secret stays the same, because a browser
loads several pages at once.

A sibling serves two tabs that refresh at once, and a client that lost the response.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from sidepro.domain.identity import token_digest
from sidepro.domain.ids import SessionId, UserId

MAX_USER_AGENT = 400
GRACE_PERIOD = timedelta(seconds=60)
MAX_SIBLINGS = 2
USE_RECORDED_AFTER = timedelta(minutes=5)
"""Time after which a further use of a cookie is stored. Most pages thus need no write."""

MAX_SESSIONS = 50
"""Active sessions of a user. A further log-in ends the oldest one."""


@dataclass(frozen=True, slots=True)
class SessionTtl:
    """Idle and total lifetime of a session. The first to expire ends it."""

    idle: timedelta
    total: timedelta


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in on one device. Each use extends `expires_at`, up to `ends_at`.

    `cookie_digest` is the SHA-256 of the cookie's secret; `None` for a session with tokens.
    """

    id: SessionId
    user_id: UserId
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ends_at: datetime
    cookie_digest: bytes | None = None

    @classmethod
    def start(
        cls,
        session_id: SessionId,
        user_id: UserId,
        user_agent: str | None,
        now: datetime,
        ttl: SessionTtl,
        *,
        cookie: str | None = None,
    ) -> "Session":
        """A session that starts now. `cookie` is the secret of its cookie, if it has one."""
        return cls(
            id=session_id,
            user_id=user_id,
            user_agent=user_agent and user_agent[:MAX_USER_AGENT],
            created_at=now,
            last_used_at=now,
            expires_at=now + min(ttl.idle, ttl.total),
            ends_at=now + ttl.total,
            cookie_digest=None if cookie is None else token_digest(cookie),
        )

    def is_expired(self, now: datetime) -> bool:
        """Whether the session has expired."""
        return now >= self.expires_at

    def is_use_due(self, now: datetime, ttl: SessionTtl) -> bool:
        """Whether to store that the session is in use: the last time was long enough ago."""
        return now - self.last_used_at >= min(USE_RECORDED_AFTER, ttl.idle / 4)

    def used(self, now: datetime, ttl: SessionTtl) -> "Session":
        """The session after a refresh or a page."""
        expires_at = min(now + ttl.idle, self.ends_at)
        return replace(self, last_used_at=now, expires_at=expires_at)


class TokenUse(Enum):
    """The outcome of presenting a refresh token."""

    FIRST = "first use"
    GRACE = "sibling"
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

    def use_at(self, now: datetime, *, successors: int, successor_used: bool) -> TokenUse:
        """The outcome of presenting this token now.

        `successors` counts the tokens issued for it, the first one and its siblings.
        """
        if self.used_at is None:
            return TokenUse.FIRST
        is_soon = now - self.used_at <= GRACE_PERIOD
        if is_soon and not successor_used and successors <= MAX_SIBLINGS:
            return TokenUse.GRACE
        return TokenUse.REPLAY

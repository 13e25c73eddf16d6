"""What accounts need from the outside."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sidepro.domain.accounts.profile import Catalogue, Profile
from sidepro.domain.accounts.session import RefreshToken, Session
from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import AccountView
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId, UserId

MAX_KNOWN_ADDRESSES = 20
"""Addresses of an account that are remembered as its own."""

ADDRESS_REFRESH_AFTER = timedelta(hours=1)
"""So long after an address was noted, further log-ins from it are not: which of an account's
addresses were used last need not be known better than that.
"""


class UserRepository(Protocol):
    """Users, inside a unit of work."""

    async def add(self, user: User) -> None:
        """Store a new user.

        Raises:
            EmailTaken, UsernameTaken: MUST be raised when the folded form is there already, also
                when two sign-ups run at once.
        """
        ...

    async def get(self, user_id: UserId) -> User | None:
        """The user, or `None`; MUST hold back other changes of the user until the unit of work
        ends.
        """
        ...

    async def get_for_deletion(self, user_id: UserId) -> User | None:
        """As `get`; MUST hold back those too who would refer to the user."""
        ...

    async def delete(self, user_id: UserId) -> None:
        """Remove a user with all that hangs on them but their rooms.

        The counters of other people's projects MUST stay equal to the rows behind them. Messages
        stay, without a sender. Other people's neighbours MUST NOT name the user any more, nor any
        result of the similarity job that is stored later and was computed before.
        """
        ...

    async def save(self, user: User) -> None:
        """Store a changed user: the hash of the password, and whether they are active."""
        ...

    async def remember_address(self, user_id: UserId, address: str, now: datetime) -> None:
        """Note that the user logged in from this address. MUST keep the `MAX_KNOWN_ADDRESSES` last
        used ones, and no others.
        """
        ...


class ProfileRepository(Protocol):
    """Profiles, inside a unit of work."""

    async def get(self, user_id: UserId) -> Profile | None:
        """The profile; MUST hold back other edits of it until the unit of work ends."""
        ...

    async def save(self, profile: Profile) -> None:
        """Create or replace the profile.

        Raises:
            NotFound: the user is gone.
        """
        ...


@dataclass(frozen=True, slots=True)
class TokenLookup:
    """A refresh token that somebody presents, with its session."""

    session: Session
    token: RefreshToken
    successor_used: bool


@dataclass(frozen=True, slots=True)
class LogInCandidate:
    """Somebody who may be logging in, and when their account noted the address last: `None` for
    an address that it does not know.
    """

    user: User
    address_seen_at: datetime | None


class SessionRepository(Protocol):
    """Sessions and their refresh tokens, inside a unit of work that has got their user: that is
    what holds back everybody else who works on the same sessions.
    """

    async def add(self, session: Session, token: RefreshToken) -> None:
        """Store a new session and its first token; sessions of the user whose time has run out
        MUST go.

        Raises:
            NotFound: the user is gone.
        """
        ...

    async def owner(self, token_hash: bytes) -> UserId | None:
        """Whose refresh token this is, or `None`."""
        ...

    async def find_token(self, token_hash: bytes) -> TokenLookup | None:
        """The token with this hash, or `None`."""
        ...

    async def rotate(
        self, session: Session, used: RefreshToken, successor: RefreshToken, now: datetime
    ) -> None:
        """Store the session as used, the token as used (the first use counts), and its
        successor.
        """
        ...

    async def end(self, session_id: SessionId, user_id: UserId) -> bool:
        """End a session of this user; whether there was one. Its tokens MUST go with it."""
        ...

    async def end_all(
        self, user_id: UserId, *, but: SessionId | None = None
    ) -> tuple[SessionId, ...]:
        """End all sessions of a user, one perhaps excepted; those that were ended."""
        ...


class AccountReader(Protocol):
    """Reads without a unit of work."""

    async def account(self, user_id: UserId) -> AccountView | None:
        """The person with their profile, in one statement; `None` when there is none."""
        ...

    async def log_in_candidate(self, email: str, address: str) -> "LogInCandidate | None":
        """The user whose email folds like this one, or `None`; in one statement."""
        ...

    async def find_user(self, name: str) -> User | None:
        """The user whose email or username folds like this, or `None`."""
        ...

    async def users(self, after: UserId | None, limit: int) -> tuple[User, ...]:
        """Up to `limit` users in the order of their ids, beginning behind `after`."""
        ...

    async def sessions(self, user_id: UserId, now: datetime) -> tuple[Session, ...]:
        """The sessions of a user that are not over, the last used first."""
        ...

    async def live_sessions(
        self, session_ids: Collection[SessionId], now: datetime
    ) -> frozenset[SessionId]:
        """Those of the sessions that are there and not over."""
        ...

    async def email_taken(self, email: str) -> bool:
        """Whether a user's email folds like this one."""
        ...

    async def username_taken(self, username: str) -> bool:
        """Whether a user's name folds like this one."""
        ...

    async def catalogue(self) -> Catalogue:
        """The catalogue, each part in its order of display. MUST show what a migration added
        within a minute.
        """
        ...


class PasswordHasher(Protocol):
    """Slow hashes of passwords. None of the calls may block the event loop."""

    async def hash(self, password: str) -> str:
        """A salted hash of the password's NFC form, with its parameters in it."""
        ...

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash was made of this password. With `None` it MUST take as long as with a
        hash, and answer no: the time must not tell whether there is an account.
        """
        ...

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        ...


class CommonPasswords(Protocol):
    """The passwords that are tried first."""

    def __contains__(self, password: str, /) -> bool:
        """Whether this is one of at least 10,000 most common ones, without regard to case."""
        ...


class EmailNormalizer(Protocol):
    """Knows what an email address looks like."""

    def __call__(self, email: str) -> str | None:
        """The address in its normal form, or `None` when it is none. MUST NOT use the network."""
        ...


class AccessTokens(Protocol):
    """Short-lived tokens that say who calls."""

    @property
    def lifetime(self) -> int:
        """How long a token is good for, in seconds."""
        ...

    def issue(self, caller: Caller) -> str:
        """A token for this caller, good from now."""
        ...

    def read(self, token: str) -> Caller:
        """Who the token was issued to.

        Raises:
            NotAuthenticated: it is malformed, forged, of another kind, or past its time.
        """
        ...


class SecretGenerator(Protocol):
    """Makes refresh tokens."""

    def __call__(self) -> str:
        """A fresh opaque token of at least 256 random bits."""
        ...


class SessionRegistry(Protocol):
    """Knows which sessions are live, without asking the database at each request."""

    async def is_active(self, session_id: SessionId) -> bool:
        """Whether the session is live. A session that another process ended MUST be refused
        within a second, one that this process ended at once. Where the processes share a store
        that can be reached, it MUST be refused at once whoever ended it.
        """
        ...

    async def active_among(self, session_ids: Collection[SessionId]) -> frozenset[SessionId]:
        """Those that are live as of now, asked of the store."""
        ...

    async def revoke(self, session_ids: Collection[SessionId]) -> None:
        """Sessions have ended, and the store knows it. MUST NOT fail."""
        ...

    async def wait_for_revocation(self) -> None:
        """Wait until this process ends a session."""
        ...

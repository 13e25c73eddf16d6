"""Ports of the accounts topic."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sidepro.domain.accounts.account_token import AccountToken, TokenPurpose
from sidepro.domain.accounts.profile import Profile
from sidepro.domain.accounts.session import RefreshToken, Session
from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import AccountView, SessionViewer, UserQuery, UserView
from sidepro.domain.identity import Caller
from sidepro.domain.ids import SessionId, UserId
from sidepro.domain.images.ports import ImageRepository
from sidepro.domain.mail.ports import MailUnitOfWork
from sidepro.domain.pagination import Page, PageRequest

MAX_KNOWN_ADDRESSES = 20
"""Client addresses that are remembered for an account."""

ADDRESS_REFRESH_AFTER = timedelta(hours=1)
"""Age at which a remembered address is written again. Most log-ins thus need no write, and the
order of last use stays exact to an hour.
"""


class UserRepository(Protocol):
    """Stores users inside a unit of work."""

    async def add(self, user: User) -> None:
        """Store a new user.

        Raises:
            EmailTaken, UsernameTaken: another user has the same casefolded value. MUST also be
                raised for one of two concurrent sign-ups.
        """
        ...

    async def get(self, user_id: UserId) -> User | None:
        """The user, or `None`. MUST lock the user against other changes until the unit of work
        ends.
        """
        ...

    async def get_for_deletion(self, user_id: UserId) -> User | None:
        """As `get`. MUST also prevent new references to the user."""
        ...

    async def delete(self, user_id: UserId) -> None:
        """Remove a user with everything that belongs to them except their rooms.

        Counters of other people's projects MUST stay equal to the rows they count. Messages stay,
        without a sender. The user MUST disappear from other people's neighbours. A similarity
        result that was computed before the deletion MUST NOT bring them back.
        """
        ...

    async def save(self, user: User) -> None:
        """Store everything of a changed user but their id and `created_at`.

        Searches MUST find the user's projects by a changed username and no longer by the old one,
        also projects that are published meanwhile.

        Raises:
            EmailTaken, UsernameTaken: another user has the same casefolded value.
        """
        ...

    async def remember_address(self, user_id: UserId, address: str, now: datetime) -> None:
        """Store that the user logged in from this address. MUST keep exactly the
        `MAX_KNOWN_ADDRESSES` last used ones.
        """
        ...


class ProfileRepository(Protocol):
    """Stores profiles inside a unit of work."""

    async def get(self, user_id: UserId) -> Profile | None:
        """The profile, or `None`. MUST lock it against other edits until the unit of work ends."""
        ...

    async def save(self, profile: Profile) -> None:
        """Create or replace the profile.

        Raises:
            NotFound: the user no longer exists.
        """
        ...


@dataclass(frozen=True, slots=True)
class TokenLookup:
    """A presented refresh token with its session."""

    session: Session
    token: RefreshToken
    successors: int
    successor_used: bool


@dataclass(frozen=True, slots=True)
class LogInCandidate:
    """The user of a log-in attempt. `address_seen_at` is the time of the last log-in from the
    address of the attempt, or `None` if the address is unknown.
    """

    user: User
    address_seen_at: datetime | None


class SessionRepository(Protocol):
    """Stores sessions and refresh tokens inside a unit of work.

    The caller locks the sessions' user first (`UserRepository.get`), which serialises all changes
    of one user's sessions.
    """

    async def add(self, session: Session, token: RefreshToken | None) -> tuple[SessionId, ...]:
        """Store a new session and its first token, if it has tokens.

        MUST end the user's oldest active sessions if there are more than `MAX_SESSIONS`, including
        the new one. Returns the ended sessions.

        Raises:
            NotFound: the user no longer exists.
        """
        ...

    async def owner(self, token_hash: bytes) -> UserId | None:
        """The user that a refresh token belongs to, or `None`."""
        ...

    async def find_token(self, token_hash: bytes) -> TokenLookup | None:
        """The token with this hash, or `None`."""
        ...

    async def rotate(
        self, session: Session, used: RefreshToken, successor: RefreshToken, now: datetime
    ) -> None:
        """Store the refreshed session, the first use of the old token, and its successor."""
        ...

    async def record_use(self, session: Session) -> None:
        """Store when a session was last used and when it expires. MUST NOT store it again after
        it ended. The caller need not lock the user.
        """
        ...

    async def end(self, session_id: SessionId, user_id: UserId) -> bool:
        """End a session of this user with its tokens. Returns whether it existed."""
        ...

    async def end_all(
        self, user_id: UserId, *, but: SessionId | None = None
    ) -> tuple[SessionId, ...]:
        """End all sessions of a user except `but`. Returns the ended ones."""
        ...

    async def expire_all(self, user_id: UserId, now: datetime) -> tuple[SessionId, ...]:
        """Let all active sessions of a user expire now. Returns them. Their tokens stay, so that
        a refresh can tell why.
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired sessions with their tokens. Returns how many. Sessions of
        people who are suspended now MUST stay.

        MUST NOT wait for sessions that another transaction has locked.
        """
        ...

    async def delete_used_tokens(self, used_before: datetime, limit: int) -> int:
        """Delete up to `limit` refresh tokens that were used before this time.

        Returns how many. MUST NOT wait for tokens that another transaction has locked.
        """
        ...


class AccountTokenRepository(Protocol):
    """Stores the tokens in mails inside a unit of work."""

    async def add(self, token: AccountToken) -> None:
        """Store a new token.

        Raises:
            NotFound: the user does not exist.
        """
        ...

    async def find(self, digest: bytes) -> AccountToken | None:
        """The token with this digest, or `None`."""
        ...

    async def of_user(self, user_id: UserId, purpose: TokenPurpose) -> Sequence[AccountToken]:
        """The tokens of a user for one purpose, expired ones too, the oldest first."""
        ...

    async def consume(self, digest: bytes) -> bool:
        """Delete a token. Returns whether it existed: exactly one of several concurrent units of
        work MUST get `True`, if it commits.
        """
        ...

    async def delete_expired(self, expired_before: datetime, limit: int) -> int:
        """Delete up to `limit` tokens that expired before this time. Returns how many.

        MUST NOT wait for tokens that another transaction has locked.
        """
        ...


class AccountUnitOfWork(MailUnitOfWork, Protocol):
    """A transaction over users, profiles, sessions, and the mails about them."""

    @property
    def users(self) -> UserRepository: ...
    @property
    def profiles(self) -> ProfileRepository: ...
    @property
    def sessions(self) -> SessionRepository: ...
    @property
    def account_tokens(self) -> AccountTokenRepository: ...
    @property
    def images(self) -> ImageRepository: ...
    @property
    def account_reader(self) -> "AccountReader": ...


class AccountReader(Protocol):
    """Reads accounts outside a unit of work."""

    async def account(self, user_id: UserId) -> AccountView | None:
        """The person with their profile, in one statement, or `None`."""
        ...

    async def person(
        self, user_id: UserId, viewer: UserId | None, now: datetime
    ) -> UserView | None:
        """The person as others see them, in one statement, or `None`.

        Their chat policy MUST be `visible_policy` of the topic of coffee chats.
        """
        ...

    async def search(
        self, query: UserQuery, page: PageRequest, viewer: UserId | None, now: datetime
    ) -> Page[UserView]:
        """A page of the matching people as `person` shows them, in one statement. They are ordered
        by the code points of their username's key.
        """
        ...

    async def search_size(self, query: UserQuery) -> int:
        """How many people match."""
        ...

    async def log_in_candidate(self, email: str, address: str) -> LogInCandidate | None:
        """The user with this casefolded email, in one statement, or `None`."""
        ...

    async def find_user(self, name: str) -> User | None:
        """The user with this casefolded email or username, or `None`."""
        ...

    async def users(self, after: UserId | None, limit: int) -> tuple[User, ...]:
        """Up to `limit` users ordered by id, starting after `after`."""
        ...

    async def sessions(self, user_id: UserId, page: PageRequest, now: datetime) -> Page[Session]:
        """A page of the active sessions of a user, the last used first, in at most two
        statements.
        """
        ...

    async def session_count(self, user_id: UserId, now: datetime) -> int:
        """How many active sessions a user has."""
        ...

    async def live_sessions(
        self, session_ids: Collection[SessionId], now: datetime
    ) -> frozenset[SessionId]:
        """The given sessions that exist and are not expired."""
        ...

    async def session_viewer(self, cookie_digest: bytes, now: datetime) -> SessionViewer | None:
        """The active session with this cookie, and its person if they are active, in one
        statement.
        """
        ...

    async def email_taken(self, email: str) -> bool:
        """Whether a user has this casefolded email."""
        ...

    async def username_taken(self, username: str) -> bool:
        """Whether a user has this casefolded username."""
        ...


class PasswordHasher(Protocol):
    """Slow password hashes. No call may block the event loop.

    `key` identifies the requester: a user or a client address. A call MUST NOT wait for more than
    one call of each other key.
    """

    async def hash(self, password: str, *, key: str | None = None) -> str:
        """A salted hash of the password's NFC form, with its parameters in the text."""
        ...

    async def verify(
        self, password: str, password_hash: str | None, *, key: str | None = None
    ) -> bool:
        """Whether the hash was made of this password.

        `None` stands for an unknown account. It MUST take as long as a hash and return `False`:
        the time must not reveal whether the account exists.
        """
        ...

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than the current ones."""
        ...


class CommonPasswords(Protocol):
    """The most common passwords."""

    def __contains__(self, password: str, /) -> bool:
        """Whether this is one of at least 40,000 common passwords and words, ignoring case."""
        ...


class EmailNormalizer(Protocol):
    """Checks and normalises email addresses."""

    def __call__(self, email: str) -> str | None:
        """The address in normal form, or `None` if it is not one. MUST NOT use the network."""
        ...


class AccessTokens(Protocol):
    """Short-lived tokens that identify the caller."""

    @property
    def lifetime(self) -> int:
        """Seconds for which a token is valid."""
        ...

    def issue(self, caller: Caller) -> str:
        """A token for this caller, valid from now."""
        ...

    def read(self, token: str) -> Caller:
        """The caller that the token was issued to.

        Raises:
            NotAuthenticated: it is malformed, forged, expired or of another kind.
        """
        ...


class SessionRegistry(Protocol):
    """Tells which sessions are active, without a database read at each request."""

    async def is_active(self, session_id: SessionId) -> bool:
        """Whether the session is active.

        A session that this process revoked MUST be refused at once. A session that another process
        revoked MUST be refused within a second, or at once if the processes share a reachable
        store.
        """
        ...

    async def active_among(self, session_ids: Collection[SessionId]) -> frozenset[SessionId]:
        """The given sessions that are active now, read from the store."""
        ...

    async def revoke(self, session_ids: Collection[SessionId]) -> None:
        """Refuse these sessions from now on. The store has already ended them. MUST NOT fail."""
        ...

    async def wait_for_revocation(self) -> None:
        """Wait until this process revokes a session."""
        ...


class SimilarityTrigger(Protocol):
    """Requests a run of the similarity job before its schedule."""

    async def request(self) -> None:
        """Run the job soon. Requests within a short time MUST share one run, and that run MUST
        read the data stored before each of them. MUST NOT raise: the next scheduled run makes up
        for a lost request.
        """
        ...

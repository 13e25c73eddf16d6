"""What accounts need from the outside."""

from typing import Protocol

from sidepro.domain.accounts.profile import Catalogue, Profile
from sidepro.domain.accounts.session import Caller, Session
from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import AccountView
from sidepro.domain.shared import UserId


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
        """The user, or `None`."""
        ...

    async def get_by_email(self, email: str) -> User | None:
        """The user whose email folds like this one, or `None`."""
        ...

    async def replace_password_hash(self, user_id: UserId, password_hash: str) -> None:
        """Store a new hash of the same password. A user that is gone is no error."""
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


class SessionRepository(Protocol):
    """Sessions, inside a unit of work."""

    async def add(self, session: Session) -> None:
        """Store a new session.

        Raises:
            NotFound: the user is gone.
        """
        ...


class AccountReader(Protocol):
    """Reads without a unit of work."""

    async def account(self, user_id: UserId) -> AccountView | None:
        """The person with their profile, in one statement; `None` when there is none."""
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


class EmailSyntax(Protocol):
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


class RefreshTokens(Protocol):
    """Makes refresh tokens."""

    def __call__(self) -> str:
        """A fresh opaque token of at least 256 random bits."""
        ...

"""Users."""

from dataclasses import dataclass
from datetime import datetime

from sidepro.domain.accounts.preferences import (
    DEFAULT_TIME_ZONE,
    RENAME_INTERVAL,
    ChatPolicy,
)
from sidepro.domain.identity import Role
from sidepro.domain.ids import UserId
from sidepro.domain.language import DEFAULT_LANGUAGE, Language
from sidepro.domain.text import casefold_key

MAX_EMAIL = 254
"""RFC 5321, 4.5.3.1.3: a path has 256 octets, two of them brackets."""


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account. Email and username are stored as typed (in NFC) and are unique
    when casefolded.

    `pending_email` replaces the email once it is verified.
    """

    id: UserId
    email: str
    username: str
    password_hash: str
    is_admin: bool
    is_active: bool
    created_at: datetime
    email_verified: bool = True
    pending_email: str | None = None
    language: Language = DEFAULT_LANGUAGE
    time_zone: str = DEFAULT_TIME_ZONE
    username_changed_at: datetime | None = None
    chat_policy: ChatPolicy = ChatPolicy.REQUEST
    is_moderator: bool = False
    suspended_until: datetime | None = None

    @property
    def email_key(self) -> str:
        """The casefolded email, by which users are compared."""
        return casefold_key(self.email)

    @property
    def username_key(self) -> str:
        """The casefolded username, by which users are compared."""
        return casefold_key(self.username)

    @property
    def unverified_email(self) -> str | None:
        """The address that waits for its verification: the pending one, or the email."""
        if self.pending_email is not None:
            return self.pending_email
        return None if self.email_verified else self.email

    @property
    def role(self) -> Role:
        """What the person may do beyond their own things."""
        return Role.of(is_admin=self.is_admin, is_moderator=self.is_moderator)

    def is_suspended(self, now: datetime) -> bool:
        """Whether moderators have suspended the person. It ends by itself."""
        return self.suspended_until is not None and now < self.suspended_until

    def rename_allowed_at(self) -> datetime | None:
        """When the username may change again; `None` if it never changed."""
        return self.username_changed_at and self.username_changed_at + RENAME_INTERVAL

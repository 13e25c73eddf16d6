"""Users."""

from dataclasses import dataclass
from datetime import datetime

from sidepro.domain.ids import UserId
from sidepro.domain.text import casefold_key

MAX_EMAIL = 254
"""RFC 5321, 4.5.3.1.3: a path has 256 octets, two of them brackets."""


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account. Email and username are stored as typed (in NFC) and are unique
    when casefolded.
    """

    id: UserId
    email: str
    username: str
    password_hash: str
    is_admin: bool
    is_active: bool
    created_at: datetime

    @property
    def email_key(self) -> str:
        """The casefolded email, by which users are compared."""
        return casefold_key(self.email)

    @property
    def username_key(self) -> str:
        """The casefolded username, by which users are compared."""
        return casefold_key(self.username)

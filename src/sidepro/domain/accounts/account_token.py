"""Tokens that mails carry: they prove that a person reads the mails to an address."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sidepro.domain.accounts.user import User
from sidepro.domain.ids import UserId
from sidepro.domain.text import casefold_key

KEPT_FOR = timedelta(days=30)
"""Time for which an expired token is known as expired."""


class TokenPurpose(StrEnum):
    """What a token is good for. The values are stored."""

    EMAIL_VERIFICATION = "verify-email"
    PASSWORD_RESET = "reset-password"  # noqa: S105 - the name of a purpose


TOKEN_TTL = {
    TokenPurpose.EMAIL_VERIFICATION: timedelta(days=3),
    TokenPurpose.PASSWORD_RESET: timedelta(hours=1),
}


@dataclass(frozen=True, slots=True)
class AccountToken:
    """A token as stored: the SHA-256 of its text, never the text.

    It holds for one purpose, one address and one password of the account.
    """

    digest: bytes
    user_id: UserId
    purpose: TokenPurpose
    address_key: str
    password_digest: bytes
    created_at: datetime
    expires_at: datetime

    @classmethod
    def issue(
        cls, digest: bytes, user: User, purpose: TokenPurpose, address: str, now: datetime
    ) -> "AccountToken":
        """A new token that is sent to this address of the user."""
        return cls(
            digest=digest,
            user_id=user.id,
            purpose=purpose,
            address_key=casefold_key(address),
            password_digest=password_digest(user),
            created_at=now,
            expires_at=now + TOKEN_TTL[purpose],
        )

    def is_expired(self, now: datetime) -> bool:
        """Whether the token is too old."""
        return now >= self.expires_at

    def fits(self, user: User, *addresses: str | None) -> bool:
        """Whether the password and one of these addresses of the user are still those of the
        token.
        """
        keys = [casefold_key(address) for address in addresses if address is not None]
        return self.address_key in keys and self.password_digest == password_digest(user)


def password_digest(user: User) -> bytes:
    """Tells whether a password has changed: the SHA-256 of its salted hash."""
    return hashlib.sha256(user.password_hash.encode()).digest()
